/* A running machine, as init sees it. */
#ifndef UNIKRUN_MACHINE_H
#define UNIKRUN_MACHINE_H

#include <poll.h>

#include "cage/cage.h"
#include "guest/guest.h"
#include "network/network.h"

/*
 * control.c: what the runtime asks while the machine runs, by the Unix socket control.sock: a line of QMP for a line of QMP.
 * After the line "console" the connection is the guest's serial line instead; who asks last has it. The line "phase" is answered with
 * how far the guest's words have come (rules.c). When a connection ends that said "hold", the machine is told to go on. Who says
 * "stopping N" says that the guest is asked to end in the name of the signal N. Who says
 * "watch" hears at the container's end how many of its processes the kernel killed for its memory: "oom N".
 */
enum { WATCHERS = 8 };
struct control {
	int listener, caller, viewer, holder; /* -1: nobody */
	int watchers[WATCHERS];
	unsigned watched;
	int stopping; /* the signal in whose name the guest is asked to end; 0 for none */
	int fd; /* that came with the line, -1: none */
	bool asked, forwarded; /* the caller has asked; the VMM has it */
	bool released; /* the machine is to go on as soon as the VMM can be told, */
	long release_at; /* from then on */
	bool releasing; /* and has been, but has not answered */
	char line[8192];
	size_t used;
};
void control_open(struct control *control, int listener);
void control_accept(struct control *control);
void control_read(struct control *control, struct monitor *monitor, const struct rules *rules, bool halting);
/* The holder has gone. */
void control_release(struct control *control);
void control_ask(struct control *control, struct monitor *monitor);
void control_answer(struct control *control, struct monitor *monitor);
/* What the guest printed, to the viewer; one who does not read misses it. */
void control_show(struct control *control, const char *data, size_t length);
/* What the viewer types; its end is that of the session. */
void control_typed(struct control *control, struct console *console);
/* Before init ends. */
void control_end(struct control *control);

struct machine {
	struct vmm vmm;
	bool is_tender; /* its VMM is one, which has no monitor: its guest is its process */
	struct rules rules;
	struct debug_codes debug_codes;
	bool reset_ends; /* a reset is how its guest ends, too, */
	bool reset_said; /* or is if it has said a code before */
	bool has_button; /* it ends by ACPI's power button */
	bool press; /* which is to be pressed as soon as the VMM can be told */
	bool pressed; /* and was */
	struct monitor monitor;
	struct console console;
	struct resolver resolver;
	struct dhcp dhcp;
	struct control control;
	struct links links;
	char words[2048]; /* the last of the VMM's stderr */
	size_t words_used, words_told; /* of a tender, those before its guest ran */
	bool ended; /* by the guest's own words */
	bool gone;
	int status; /* of the VMM, once gone */
	int stop_signal;
	int asker; /* the tool that asks the guest to end, when a byte is written there (exec/exec.h); -1: none */
	long asked_until; /* then the machine is ended; 0: it was not asked by that */
	bool hurried; /* a second signal asked for its end at once */
	bool overdue; /* it was asked to end, did not, and was killed */
	bool heard; /* the guest has spoken, so its serial line is set up */
	bool look;
	long look_pause, look_at, kill_at;
	long drain_until; /* when the last words are given up; 0: the VMM is there */
};

/* supervise.c: what becomes of a machine that runs, by what it and others say. */
/* Signals, the monitor's lines and the VMM's stderr, as poll(2) found the last two. */
void hear_vmm(struct machine *m, int signals, const struct pollfd *monitor, const struct pollfd *errors);
void read_words(struct machine *m);
void listen_to_guest(struct machine *m);
/* The guest said that it halts: see whether its vCPU does. */
void begin_look(struct machine *m);
void look_at_vcpu(struct machine *m);
/* One that can't hear it is ended at once; one that hears and does not end, by whoever sends the next signal. */
void press_button(struct machine *m);
/* The guest has had its time to end when it is asked. */
void end_unasked(struct machine *m);

/* relay.c: a machine while it runs, */
/* until the VMM is gone and its last words are delivered. */
void relay(struct machine *m, int signals);

/* ending.c */
/* Whether a signal to the container ends its machine. */
bool signal_ends(int signal);
/* The exit code of a container that was ended by a signal. */
int signal_code(int signal);
/* What its guest said by its debug port, of one whose VMM is gone; -1 where that is not how it ended. */
int code_of_port(const struct machine *m);
/* That of one whose VMM is gone. */
int exit_code(struct machine *machine);

/* What the end of a VMM by SIGKILL, which nobody asked for, is told as, and its exit code. */
int killed_code(void);
/* 125: the VMM's own failure is no code of a guest's. */
enum { OF_VMM = 125 };

/* tender.c: a machine that the host's tender is; its plan is that of the board and of the start in one. */
void start_tender(struct machine *m, struct channel *channel, struct plan *plan, int signals);
int tender_code(struct machine *m);

/* start.c: what every start does. */
/* A VMM, with the device nodes that the plan may bring. */
struct vmm launch_with_devices(const struct plan *plan);
/* Leaves the host's file system for the VMM's. The tool that asks its guest to end needs that yet; its tap comes before `kept-memory`'s descriptor. */
int enter_cage(const struct machine *m, const struct plan *plan);
/* Its tap is the first of the plan's descriptors that is not the VMM's. */
void open_servers(struct machine *m, const struct plan *plan);
void say_lines(const struct plan *plan);
/* From here on it runs: for others, and for whoever started it. */
void tell_started(struct machine *m, struct channel *channel, const struct plan *plan, int proc);
/* Why there is no VMM that does what it is asked. */
void fail_with_words(struct machine *m) __attribute__((noreturn));
/* Waits for the plans of the board and of the start, runs the machine, and returns the container's exit code. */
int live(struct channel *channel, int signals);

#endif
