#define _GNU_SOURCE
#include "cage/cage.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static void keep_capabilities(uint32_t low)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3, .pid = 0 };
	struct __user_cap_data_struct sets[2] = { { low, low, 0 }, { 0, 0, 0 } };
	if (syscall(SYS_capset, &header, sets) < 0)
		fail_errno("could not give up capabilities");
}

static void drop_bounding_set(void)
{
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			fail_errno("could not give up capability %d", cap);
}

/*
 * The machine's limits are its cgroup's. Those of setrlimit(2) came to us from whoever called the runtime, and could
 * break the VMM: a write fails, a thread can't be made. Where a hard limit can't be raised, the soft one goes up to it.
 */
void lift_limits(void)
{
	static const struct {
		int resource;
		rlim_t value;
	} limits[] = {
		/* A dump would be the guest's memory, on the host's disk. */
		{ RLIMIT_CORE, 0 },
		/* What a thread gets for its stack. */
		{ RLIMIT_STACK, 8 << 20 },
		{ RLIMIT_CPU, RLIM_INFINITY },	      { RLIMIT_FSIZE, RLIM_INFINITY },	 { RLIMIT_DATA, RLIM_INFINITY },
		{ RLIMIT_RSS, RLIM_INFINITY },	      { RLIMIT_NPROC, RLIM_INFINITY },	 { RLIMIT_MEMLOCK, RLIM_INFINITY },
		{ RLIMIT_AS, RLIM_INFINITY },	      { RLIMIT_LOCKS, RLIM_INFINITY },	 { RLIMIT_SIGPENDING, RLIM_INFINITY },
		{ RLIMIT_MSGQUEUE, RLIM_INFINITY },   { RLIMIT_RTTIME, RLIM_INFINITY },	 { RLIMIT_NOFILE, 65536 },
	};
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		struct rlimit limit = { limits[i].value, limits[i].value };
		if (setrlimit(limits[i].resource, &limit) == 0 || getrlimit(limits[i].resource, &limit) < 0)
			continue;
		limit.rlim_cur = limit.rlim_max;
		setrlimit(limits[i].resource, &limit);
	}
}

void set_limits(const struct directives *d)
{
	static const struct {
		enum word word;
		int resource;
		long unit;
	} limits[] = {
		{ WORD_MEMORY_LIMIT, RLIMIT_AS, 1 },
		{ WORD_SIZE_LIMIT, RLIMIT_FSIZE, 1 },
		/* Milliseconds; a second more, for whoever watches it is to be the first. */
		{ WORD_CPU_LIMIT, RLIMIT_CPU, 1000 },
	};
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		const char *value = directives_get(d, limits[i].word);
		if (!value)
			continue;
		rlim_t most = (rlim_t)(parse_long(value) / limits[i].unit + (limits[i].unit > 1));
		if (setrlimit(limits[i].resource, &(struct rlimit){ most, most }) < 0)
			fail_errno("could not set a limit to %s", value);
	}
}

/* Leaves an unprivileged process that can never become another. */
static void become_nobody(const struct directives *d)
{
	const char *uid = directives_get(d, WORD_UID);
	if (!uid)
		fail("the plan names no uid for the VMM");
	uid_t id = (uid_t)parse_long(uid);
	/* A user namespace that its user made without newgidmap(1) keeps those that he has: nobody there can change them. */
	if (!directives_get(d, WORD_KEEP_GROUPS) && setgroups(0, NULL) < 0 && errno != EPERM)
		fail_errno("could not give up groups");
	if (setresgid(id, id, id) < 0 || setresuid(id, id, id) < 0)
		fail_errno("could not become uid %s", uid);
}

/* Whoever called the runtime may have keys in his, which whoever has that keyring can read (keyrings(7)). */
void own_keyring(void)
{
	enum { JOIN_SESSION_KEYRING = 1 };
	if (syscall(SYS_keyctl, JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS && errno != EPERM)
		fail_errno("could not leave the caller's session keyring");
}

void confine(const struct directives *d)
{
	own_keyring();
	lift_limits();
	drop_bounding_set();
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	become_nobody(d);
	keep_capabilities(0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		fail_errno("could not renounce new privileges");
}

/* What is left of init once the VMM runs: it reads a hostile console, and needs only to end the VMM. */
void confine_init(void)
{
	drop_bounding_set();
	keep_capabilities(1U << CAP_KILL);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		fail_errno("could not renounce new privileges");
}
