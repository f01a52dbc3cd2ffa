/* Where a process runs and what it may do there: namespaces, the cage of the VMM, labels, filters. */
#ifndef UNIKRUN_CAGE_H
#define UNIKRUN_CAGE_H

#include "init.h"

/* namespaces.c */
void join_cgroups(const struct directives *d);
void join_namespaces(const struct directives *d);
void new_namespaces(const struct directives *d);
int enter_main(int argc, char **argv);

/* user.c */
/* Of a file; -1 where that is our own. */
int user_namespace_open(const char *path);
/* That one is named; -1: none, or our own. */
int user_namespace_given(const struct directives *d);
/* As its root. */
void user_namespace_enter(int namespace);
/* The same for a new one, where the directives have its maps. */
void user_namespace_make(const struct directives *d);
/* `init maps NAMESPACE-FILE` prints its uid_map, a NUL, and its gid_map, as they are seen from here. */
int maps_main(const char *path);

/* cage.c, confine.c */
/* `devices`: a mount of them, or -1. */
void build_cage(const struct directives *d, int devices);
void lift_limits(void);
void own_keyring(void);
void confine(const struct directives *d);
/* Those that `d` names, which are for whoever gets no cgroup. */
void set_limits(const struct directives *d);
void confine_init(void);

/* label.c; proc: a descriptor of /proc, which the cage lacks. */
/* For what this process executes. Fails where there is no such label. */
void label_at_exec(const struct directives *d, int proc);
/* For this process itself, where the host's policy allows that. */
void label_at_once(const struct directives *d, int proc);

/* seccomp.c: the last step of confinement. */
void filter_init(bool looks_up);
void filter_vmm(void);
void filter_checker(void);
/* The same for a tender; the calls by which it gets its devices, and that by which it limits itself, wait for whoever has the listener. */
int filter_tender(void);
void filter_tool(void);

/* vmm.c */
struct vmm {
	pid_t pid;
	int console, errors;
	int qmp; /* of a tender the way of its listener */
	int status; /* what went wrong before it was executed, as fail() says it */
};
/* Starts a process that builds the cage, confines itself and becomes the VMM. */
struct vmm vmm_launch(const struct directives *d, int devices);
/* The same for a program that looks at a disk, which is its descriptor 3: it has no console and no monitor, and sees no other process. */
struct vmm checker_launch(const struct directives *d, int disk);
/* Of one that has ended: fails with what it said if it never became the VMM. */
void vmm_complain(const struct vmm *vmm);

/* lending.c: a tender opens its devices by names, and is lent descriptors for them. */
struct lending {
	const int *taps, *disks;
	size_t tap_count, disk_count;
};
/* In its process: puts its filter on and waits to be let go. */
void tender_wait(int socket);
/* In init: the listener of that filter, -1 where the process has ended; let go it goes on. */
int tender_meet(int socket);
void tender_let_go(int socket);
/* Answers one call; true where it is the last before the guest runs. */
bool tender_answer(int listener, struct lending *lending);

/* hidden.c: the last argument of a tender, as nobody else on the host can read it. */
/* In its process, before its filter. */
void hide_arguments(void);
/* In init, once it was let go; false, with its status, where it has ended. */
bool tell_hidden(pid_t pid, const char *text, int *status);

#endif
