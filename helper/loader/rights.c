// SPDX-License-Identifier: MIT
/*
 * The effective rights. Until the loader is connected to the requester, they are the requester's own. Only then does it
 * raise those needed for loading, as root or from the file's capabilities (permitted, but not effective).
 */
#define _GNU_SOURCE
#include "loader.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#define CAP_BPF 39
#endif

static struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

static void read_capabilities(struct __user_cap_data_struct *sets)
{
	if (syscall(SYS_capget, &header, sets))
		fail("rights", "The capabilities cannot be read: %s.", strerror(errno));
}

static bool permits(const struct __user_cap_data_struct *sets, int capability)
{
	return sets[capability / 32].permitted & 1u << capability % 32;
}

bool may_load(void)
{
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];

	read_capabilities(sets);
	return permits(sets, CAP_SYS_ADMIN) || (permits(sets, CAP_BPF) && permits(sets, CAP_PERFMON));
}

void lower_rights(const struct requester *requester)
{
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];

	if (requester->uid == 0)
		return;
	if (geteuid() == 0 &&
	    (setgroups(0, NULL) || setegid(requester->gid) || seteuid(requester->uid)))
		fail("rights", "The loader cannot act as the user that asked: %s.", strerror(errno));
	read_capabilities(sets);
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		sets[i].effective = 0;
	if (syscall(SYS_capset, &header, sets) || geteuid() != requester->uid)
		fail("rights", "The loader cannot act as the user that asked: %s.", strerror(errno));
}

void raise_rights(void)
{
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
	uid_t real, effective, saved;

	if (getresuid(&real, &effective, &saved))
		fail("rights", "The user cannot be found out: %s.", strerror(errno));
	if (effective != 0 && saved == 0 && (seteuid(0) || setegid(0)))
		fail("rights", "The loader cannot become root again: %s.", strerror(errno));
	read_capabilities(sets);
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		sets[i].effective = sets[i].permitted;
	if (syscall(SYS_capset, &header, sets))
		fail("rights", "The capabilities cannot be used: %s.", strerror(errno));
}
