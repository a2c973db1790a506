// SPDX-License-Identifier: MIT
/* Drops the privileges. Each step is checked; the process never goes on with a privilege left. */
#define _GNU_SOURCE
#include "loader.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool is_root(void)
{
	return geteuid() == 0;
}

void drop_privileges(const struct requester *requester)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct left[_LINUX_CAPABILITY_U32S_3] = {0};
	struct rlimit no_core = {0, 0};
	/*
	 * A process without capabilities cannot read the mappings of one that has some. A user's programs have none;
	 * root's have all, so for root this capability stays. The helper has access to root's files and processes anyhow.
	 */
	bool kept = requester->uid == 0;

	/* No payload in a core dump. */
	if (setrlimit(RLIMIT_CORE, &no_core))
		fail("drop", "Core dumps cannot be switched off: %s.", strerror(errno));
	/* With an empty bounding set not even root's exec gains a capability. EINVAL: beyond the last one. */
	for (int capability = 0; capability < 64; capability++) {
		if (capability == CAP_SYS_PTRACE && kept)
			continue;
		if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) && errno != EINVAL && is_root())
			fail("drop", "A capability cannot be given up: %s.", strerror(errno));
	}
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
		fail("drop", "The ambient capabilities cannot be given up: %s.", strerror(errno));
	if (is_root() && setgroups(0, NULL))
		fail("drop", "The groups cannot be given up: %s.", strerror(errno));
	if (setresgid(requester->gid, requester->gid, requester->gid) ||
	    setresuid(requester->uid, requester->uid, requester->uid))
		fail("drop", "The loader cannot become the user that asked: %s.", strerror(errno));
	if (kept && is_root())
		left[CAP_SYS_PTRACE / 32].permitted = left[CAP_SYS_PTRACE / 32].effective = 1u << (CAP_SYS_PTRACE % 32);
	if (syscall(SYS_capset, &header, left))
		fail("drop", "The capabilities cannot be given up: %s.", strerror(errno));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		fail("drop", "New privileges cannot be ruled out: %s.", strerror(errno));
	if (requester->uid != 0 && (setuid(0) == 0 || geteuid() == 0))
		fail("drop", "The privileges were not given up.");
}
