#define _GNU_SOURCE
#include "exec/exec.h"
#include "cage/cage.h"
#include "exec/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int tool_print(struct exec *exec)
{
	const char *text = exec_word(exec, WORD_TEXT), *complaint = exec_word(exec, WORD_COMPLAINT);
	if (!exec_write(exec, 1, text, strlen(text)))
		exec_unsaid();
	return write_all(2, complaint, strlen(complaint)) ? (int)parse_long(exec_word(exec, WORD_CODE)) : 1;
}

static const struct {
	const char *name;
	void (*open)(struct exec *); /* with privileges */
	int (*run)(struct exec *);
	bool tunnel;
} tools[] = {
	{ "print", NULL, tool_print, false },	  { "http", tcp_open, tool_http, true },
	{ "tcp", tcp_open, tool_tcp, true },	  { "ping", ping_open, tool_ping, true },
	{ "dns", dns_open, tool_dns, false },	  { "console", NULL, tool_console, false },
	{ "proxy", proxy_open, tool_proxy, true },
};

static void redirect(const struct directives *words)
{
	size_t cursor = 0;
	struct directive each;
	while (directives_next(words, &cursor, &each)) {
		if (each.word != WORD_REDIRECT)
			continue;
		int into, from;
		if (sscanf(each.value, "%d %d", &into, &from) != 2)
			from = open("/dev/null", O_WRONLY | O_CLOEXEC);
		if (from < 0 || dup2(from, into) < 0)
			fail_errno("could not redirect the tool's output");
		if (from > STDERR_FILENO)
			close(from);
	}
}

/* `machine`: its mount namespace, or its VMM. */
static void enter_machine(const struct directives *words, int machine)
{
	int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		fail_errno("could not open /proc");
	if (setns(machine, CLONE_NEWNS) < 0 || chdir("/") < 0)
		fail_errno("could not enter the machine's cage");
	close(machine);
	confine(words);
	label_at_once(words, proc);
	close(proc);
}

static int be_tool(struct exec *exec, size_t tool, int console_socket, int mounts, int ready)
{
	fail_to(ready);
	setsid();
	if (console_socket >= 0)
		open_terminal(console_socket, directives_get(&exec->words, WORD_TERMINAL_SIZE), true);
	redirect(&exec->words);
	enter_machine(&exec->words, mounts);
	/* After the change of uid, which clears it. Who is waited for ends with who waits; all others are their engine's. */
	if (directives_get(&exec->words, WORD_WAIT))
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (tools[tool].tunnel)
		tunnel_run(&exec->tunnel, filter_tool);
	filter_tool();
	/* Who waits for us may have ended before we asked to be told. */
	if (write(ready, "ok", 2) != 2)
		return 1;
	close(ready);
	/* What was opened is of this try, whatever time that took. */
	exec->deadline = now_ms() + parse_long(exec_word(exec, WORD_TIMEOUT));
	int code = exec_end(tools[tool].run(exec));
	/* As a shell's `|| exit N`. */
	const char *failure = directives_get(&exec->words, WORD_FAILURE);
	return code && failure ? (int)parse_long(failure) : code;
}

/* `init exec`: joins the container's cgroup and namespaces, reports the tool's pid, and is its parent where `wait` says so. */
int exec_main(void)
{
	fail_to(ANSWER_FD);
	struct exec exec = { .words = directives_read(DIRECTIVES_FD), .given = GIVEN_FD, .socket = -1 };
	close(DIRECTIVES_FD);
	directives_check(&exec.words, PLAN_EXEC);
	if (fcntl(GIVEN_FD, F_GETFD) < 0)
		exec.given = -1;
	exec.tunnel = (struct tunnel){ .words = &exec.words, .tap = exec.given, .tun = -1, .nodes = -1 };
	syscall(SYS_close_range, GIVEN_FD + 1, ~0U, 0);
	signal(SIGPIPE, SIG_IGN);
	const char *waiter = directives_get(&exec.words, WORD_WAIT);
	if (waiter)
		end_with((pid_t)parse_long(waiter));
	size_t tool = 0;
	while (tool < sizeof tools / sizeof *tools && strcmp(tools[tool].name, exec_word(&exec, WORD_TOOL)))
		tool++;
	if (tool == sizeof tools / sizeof *tools)
		fail("there is no tool \"%s\"", exec_word(&exec, WORD_TOOL));
	const char *console = directives_get(&exec.words, WORD_CONSOLE_SOCKET);
	int console_socket = console ? connect_by_path(console) : -1;
	int mounts = open(exec_word(&exec, WORD_MOUNTS), O_RDONLY | O_CLOEXEC);
	if (mounts < 0)
		fail_errno("could not open the machine's mount namespace");
	join_cgroups(&exec.words);
	int users = user_namespace_given(&exec.words);
	join_namespaces(&exec.words);
	if (tools[tool].tunnel)
		tunnel_open(&exec.tunnel);
	if (tools[tool].open)
		tools[tool].open(&exec);
	user_namespace_enter(users);
	int ready[2];
	if (pipe2(ready, O_CLOEXEC) < 0)
		fail_errno("could not make a pipe");
	pid_t child = fork();
	if (child < 0)
		fail_errno("could not fork");
	if (child == 0) {
		close(ready[0]);
		close(ANSWER_FD);
		_exit(be_tool(&exec, tool, console_socket, mounts, ready[1]));
	}
	/* Who waits must not hold open what the tool closes. */
	int tools_own[] = { ready[1], exec.given, exec.socket, exec.tunnel.tun, mounts, console_socket };
	for (size_t i = 0; i < sizeof tools_own / sizeof *tools_own; i++)
		if (tools_own[i] >= 0)
			close(tools_own[i]);
	for (size_t i = 0; i < exec.socket_count; i++)
		close(exec.sockets[i]);
	return report_child(child, ready[0], ANSWER_FD, directives_get(&exec.words, WORD_WAIT));
}

/* All else that init has is not ours: a reply that waits for its last holder, the guest's disks. */
static void keep_only(int *const *fds, size_t count)
{
	enum { ABOVE_ALL = 300 };
	for (size_t i = 0; i < count; i++)
		if ((*fds[i] = fcntl(*fds[i], F_DUPFD_CLOEXEC, ABOVE_ALL)) < 0)
			fail_errno("could not arrange the tool's descriptors");
	syscall(SYS_close_range, STDERR_FILENO + 1, ABOVE_ALL - 1, 0);
}

static int wait_and_ask(struct exec *exec, int machine, int word)
{
	fail_to(STDERR_FILENO);
	keep_only((int *const[]){ &exec->tunnel.tap, &machine, &word, &exec->tunnel.nodes }, exec->tunnel.nodes < 0 ? 3 : 4);
	setsid();
	prctl(PR_SET_NAME, "unikrun-ask");
	tunnel_open(&exec->tunnel);
	proxy_open(exec);
	enter_machine(&exec->words, machine);
	char go;
	if (read(word, &go, 1) != 1)
		return 0;
	tunnel_run(&exec->tunnel, filter_tool);
	filter_tool();
	exec->deadline = now_ms() + parse_long(exec_word(exec, WORD_TIMEOUT));
	return tool_proxy(exec);
}

int stand_by(const struct directives *words, const struct tunnel *tunnel, int machine)
{
	int word[2];
	if (pipe2(word, O_CLOEXEC) < 0)
		return -1;
	pid_t child = fork();
	if (child == 0) {
		close(word[1]);
		struct exec exec = { .words = *words, .given = tunnel->tap, .socket = -1 };
		exec.tunnel = (struct tunnel){ .words = &exec.words, .tap = tunnel->tap, .tun = -1, .nodes = tunnel->nodes };
		_exit(wait_and_ask(&exec, machine, word[0]));
	}
	close(word[0]);
	if (child > 0)
		return word[1];
	close(word[1]);
	return -1;
}
