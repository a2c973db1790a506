/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Checks the owner of the current process by its present credentials. Neither the map of targets nor the credentials
 * at the time of attaching are trusted.
 */
#ifndef TRACE_HTTP_OWNER_H
#define TRACE_HTTP_OWNER_H

#include "kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* Written by the loader; read-only from the moment of loading. */
const volatile u32 owner_uid = 0; /* whose processes may be traced; 0 = everybody's */

/*
 * All four user ids must be the owner's: not so in a setuid program. All group ids must be equal: not so in a setgid
 * program. There must be no capabilities (file capabilities give some), except in a user namespace that the owner made,
 * where the owner has them anyhow. A function of its own, as every program calls it.
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
	bpf_probe_read_kernel(&capabilities, sizeof(capabilities), &cred->cap_permitted);
	return !capabilities || cred->user_ns->owner.val == owner_uid;
}

#endif
