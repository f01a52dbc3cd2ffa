/* What a guest's server of system calls says to exec's client of it. */
#define _GNU_SOURCE
#include "exec/proxy.c"

#include "fuzz.h"

int tcp_connect(struct exec *exec, const char *address)
{
	(void)exec, (void)address;
	return 0;
}

void tcp_finish(int fd)
{
	(void)fd;
}

int tunnel_socket(const struct tunnel *tunnel, int type, int protocol)
{
	(void)tunnel, (void)type, (void)protocol;
	return -1;
}

static void converse(struct proxy *proxy)
{
	bool good = syscalls_greet(&proxy->client) && add_block(proxy, WORD_MEMORY, "4096 2f6461746100") && add_block(proxy, WORD_NOW, "8192") &&
		    add_block(proxy, WORD_ROOM, "12288 256") && call(proxy, "5 4096 8192 12288") && print_block(proxy, "12288");
	proxy->tolerated = "2 17";
	good = good && add_block(proxy, WORD_ROOM, "4096 16") && call(proxy, "6 @-1 4096") && print_block(proxy, "4096");
	proxy->about = "it";
	good = good && add_block(proxy, WORD_ROOM, "4096 4512") && call(proxy, "357 4096 4512 2") && show_systems(proxy, "4096");
	(void)(good && add_block(proxy, WORD_ROOM, "8192 512") && call_each(proxy, "names 8192 390 0 8192 512") && call_failed(proxy, "no"));
	proxy->is_called = true;
	forget_blocks(proxy);
}

void fuzz_once(struct input input)
{
	static char words[] = "timeout\0" "1000";
	struct exec exec = { .words = { words, sizeof words }, .deadline = now_ms() + 1000 };
	struct proxy proxy = { .client = { .exec = &exec } };
	int ends[2];
	make_pair(ends, SOCK_STREAM);
	exec.socket = ends[0];
	(void)!send(ends[1], input.data, input.left, MSG_NOSIGNAL);
	shutdown(ends[1], SHUT_WR);
	converse(&proxy);
	close(ends[0]);
	close(ends[1]);
}

#define BANNER_LINE "RUMPSP-0.4-NetBSD-7.99.34/amd64\n"
#define HEADER(length, number, class, type) length "\0\0\0\0\0\0\0" number "\0\0\0\0\0\0\0" class "\0" type "\0\0\0\0\0"
#define WELCOME BANNER_LINE HEADER("\x1c", "\1", "\1", "\0") "\0\0\0\0"
#define PLACE(length, high) length "\0\0\0\0\0\0\0\0" high "\0\0\0\0\0\0"
#define ANSWER(number, result) HEADER("\x30", number, "\1", "\1") "\0\0\0\0\0\0\0\0" result "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
const struct seed seeds[] = {
	/* A copy of a text, one of the time, one to the room, and the call's answer; then the next. */
	SEED(WELCOME HEADER("\x28", "\7", "\0", "\3") PLACE("\6", "\x10") HEADER("\x28", "\x08", "\0", "\2") PLACE("\x10", "\x20")
	     HEADER("\x2c", "\x09", "\0", "\4") PLACE("\4", "\x30") "abcd" ANSWER("\2", "\3") ANSWER("\3", "\3")
	     ANSWER("\4", "\2") ANSWER("\5", "\x20") ANSWER("\6", "\0")),
	SEED(WELCOME HEADER("\x18", "\2", "\2", "\1")),
	{ 0 },
};
