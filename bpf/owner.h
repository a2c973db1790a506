/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Checks the owner of the current process by its current credentials and by ptrace's rules. Neither the map of targets
 * nor the credentials at the time of attaching are trusted.
 */
#ifndef TRACE_HTTP_OWNER_H
#define TRACE_HTTP_OWNER_H

#include "kernel.h"
#include "trace_http.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/*
 * Pointers in the kernel's structures are read by BPF_CORE_READ, even where the verifier would allow `task->mm`, because
 * newer kernels search all of their types several times for each such load. Exceptions are pointers that must keep their
 * type: `real_cred` below, and those in rings.h.
 */

/* Written by the loader; read-only from the moment of loading. */
const volatile u32 owner_uid = 0; /* whose processes may be traced; 0 = everybody's */
const volatile u32 owner_groups[OWNER_GROUPS_MAX] = {}; /* the most frequent one first */
const volatile u32 owner_group_count = 0;

/* include/linux/sched/coredump.h */
#define MMF_DUMPABLE_MASK 3
#define SUID_DUMP_USER 1

static __always_inline bool is_owners_group(u32 group)
{
	for (u32 i = 0; i < OWNER_GROUPS_MAX && i < owner_group_count; i++) {
		if (owner_groups[i] == group)
			return true;
	}
	return false;
}

/*
 * Whether the kernel lets other processes of its user inspect it: not if it has changed its user or group and not
 * executed a program since, executes a file that its user may not read, or has made itself nondumpable. The rule is
 * ptrace's, except in a user namespace that the owner created, where the owner may inspect everything.
 */
static __always_inline bool is_open_to_its_user(struct task_struct *task)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	unsigned long flags = SUID_DUMP_USER;

	if (!mm)
		return true; /* it is exiting and has no memory */
	/* A later kernel may keep this elsewhere: the helper and the broker have checked it, too. */
	if (bpf_core_field_exists(((struct mm_struct___since_6_18 *)mm)->flags.__mm_flags))
		flags = BPF_CORE_READ((struct mm_struct___since_6_18 *)mm, flags.__mm_flags[0]);
	else if (bpf_core_field_exists(((struct mm_struct___until_6_17 *)mm)->flags))
		flags = BPF_CORE_READ((struct mm_struct___until_6_17 *)mm, flags);
	return (flags & MMF_DUMPABLE_MASK) == SUID_DUMP_USER || BPF_CORE_READ(mm, user_ns, owner.val) == owner_uid;
}

/*
 * All four user ids must be the owner's, which rules out setuid programs. All group ids must be equal, and one of the
 * owner's, which rules out setgid programs, even if they made them equal. There must be no capabilities (file
 * capabilities give some). Groups and capabilities do not matter in a user namespace that the owner created, where the
 * owner has them anyway. A separate function, as every program calls it.
 */
__noinline int trace_http_is_owners(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const struct cred *cred = task->real_cred; /* not those that it has assumed temporarily */
	u64 capabilities = 0;
	u32 group;

	if (!owner_uid)
		return 1;
	if (cred->uid.val != owner_uid || cred->euid.val != owner_uid || cred->suid.val != owner_uid || cred->fsuid.val != owner_uid)
		return 0;
	group = cred->gid.val;
	if (cred->egid.val != group || cred->sgid.val != group || cred->fsgid.val != group)
		return 0;
	if (!is_open_to_its_user(task))
		return 0;
	bpf_probe_read_kernel(&capabilities, sizeof(capabilities), &cred->cap_permitted);
	return (!capabilities && is_owners_group(group)) || BPF_CORE_READ(cred, user_ns, owner.val) == owner_uid;
}

#endif
