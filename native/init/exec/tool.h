/* A tool of exec returns an exit code; what is wrong is a line on stderr. */
#ifndef UNIKRUN_TOOL_H
#define UNIKRUN_TOOL_H

#include "init.h"
#include "network/network.h"

enum { SOCKET_LIMIT = 4 };

struct exec {
	struct directives words;
	int given; /* the descriptor that came with the directives: a tap, or the guest's console; -1: none */
	int socket; /* opened before privileges were given up; -1: none */
	int sockets[SOCKET_LIMIT]; /* of a tool that connects several times */
	size_t socket_count;
	struct tunnel tunnel;
	long deadline; /* ms */
};

/* tool.c */
const char *exec_word(const struct exec *exec, enum word word);
/* Waits for events on fd until the deadline; false when it has passed. */
bool exec_wait(const struct exec *exec, int fd, short events);
/* Up to size bytes; 0 at the end of the stream, -1 where it breaks off or takes too long (ETIMEDOUT). */
ssize_t exec_receive(const struct exec *exec, int fd, void *into, size_t size);
/* All of them; false as above, with 0 in errno at the end of the stream. */
bool exec_receive_all(const struct exec *exec, int fd, void *into, size_t length);
/* To what may be a pipe that nobody reads; false when the deadline has passed, or nobody can read it any more. */
bool exec_write(const struct exec *exec, int fd, const char *data, size_t length);
/* Words of the answer, on stdout. What can't be written is complained of by exec_end, and nothing more is tried. */
void exec_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Of an answer that exec_write could not write. */
void exec_unsaid(void);
/* The tool's exit code: the one given, unless the answer could not be written. */
int exec_end(int code);
/* "unikrun: …" on stderr; returns 1. */
int exec_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The exit code of a failure of that kind (`exit` in words.json), 1 unless told. */
int exec_code(const struct exec *exec, const char *kind);

/* http.c, tcp.c */
void tcp_open(struct exec *exec);
/* Connects exec->socket to `port` of the guest. 0, or an exit code after a complaint: of the kind "late" or "unreached". */
int tcp_connect(struct exec *exec, const char *address);
/* Takes leave of the guest, so that it keeps nothing of the connection. */
void tcp_finish(int fd);
int tool_http(struct exec *exec);
int tool_tcp(struct exec *exec);

/* ping.c */
void ping_open(struct exec *exec);
int tool_ping(struct exec *exec);

/* dns.c */
void dns_open(struct exec *exec);
int tool_dns(struct exec *exec);

/* proxy.c */
void proxy_open(struct exec *exec);
int tool_proxy(struct exec *exec);

enum { FILE_SYSTEM = 2256 }; /* bytes of a struct statvfs */
/* files.c: `bytes` as they are, the `names` of a folder, or file `systems`; false where nobody takes it, or it makes no sense. */
bool files_print(const struct exec *exec, const char *kind, const uint8_t *bytes, size_t length);
/* What NetBSD means by an error; NULL where that would help nobody. */
const char *files_error(int error);

/* console.c */
int tool_console(struct exec *exec);

#endif
