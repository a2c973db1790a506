/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whose process the current one is, by its credentials as they are now: neither the map of targets nor what was so
 * when the process was attached is believed.
 */
#ifndef TRACE_HTTP_OWNER_H
#define TRACE_HTTP_OWNER_H

#include "kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* Written by the loader; read-only from the moment of loading. */
const volatile u32 owner_uid = 0; /* whose processes may be traced; 0 = everybody's */

/*
 * Real, effective, saved and file-system user: a setuid program is not its user's. One group: a setgid program keeps
 * the real one. No capability (a program with file capabilities has some), but for those over a user namespace that
 * the owner made, which are no more than the owner has there. A function of its own, as every program calls it.
 */
__noinline int trace_http_is_owners(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const struct cred *cred = task->real_cred; /* not what it works with for the moment */
	u64 capabilities = 0;
	u32 group;

	if (!owner_uid)
		return 1;
	if (cred->uid.val != owner_uid || cred->euid.val != owner_uid || cred->suid.val != owner_uid || cred->fsuid.val != owner_uid)
		return 0;
	group = cred->gid.val;
	if (cred->egid.val != group || cred->sgid.val != group || cred->fsgid.val != group)
		return 0;
	bpf_probe_read_kernel(&capabilities, sizeof(capabilities), &cred->cap_permitted);
	return !capabilities || cred->user_ns->owner.val == owner_uid;
}

#endif
