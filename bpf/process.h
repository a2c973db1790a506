/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Follows targets across fork and exec: a child, even of a seed, is a target before its first system call. */
#ifndef TRACE_HTTP_PROCESS_H
#define TRACE_HTTP_PROCESS_H

#include "leave.h"

static __always_inline void emit_process(u16 type, struct task_struct *task, u32 parent, u32 status)
{
	struct record_process *record = reserve_structure(type, sizeof(*record), 0);

	if (!record)
		return;
	record->header.pid = visible_pid(task);
	record->header.tid = task->pid;
	record->start_time = BPF_CORE_READ(task, group_leader, start_boottime);
	record->parent = parent;
	record->status = status;
	BPF_CORE_READ_STR_INTO(&record->name, task, comm);
	submit_structure(record);
}

/* The child has a copy of its parent's memory, with the TLS sessions in it. */
static __always_inline void join_family(struct task_struct *parent, struct task_struct *child)
{
	u32 pid = child->tgid, parent_pid = parent->tgid;
	struct family *family, copy = {};

	if (BPF_CORE_READ(child, mm) == BPF_CORE_READ(parent, mm))
		return; /* vfork: it is about to execute another program */
	family = bpf_map_lookup_elem(&families, &parent_pid);
	if (!family) {
		bpf_map_update_elem(&families, &parent_pid, &copy, BPF_ANY);
		family = bpf_map_lookup_elem(&families, &parent_pid);
		if (!family)
			return;
	}
	__sync_fetch_and_add(&family->sharing, 1);
	copy.parent = parent_pid;
	copy.number = __sync_fetch_and_add(&family->forks, 1) + 1;
	/* There was an earlier process with this id: what its children have stored must not match this one. */
	family = bpf_map_lookup_elem(&families, &pid);
	if (family)
		copy.forks = family->forks;
	bpf_map_update_elem(&families, &pid, &copy, BPF_ANY);
}

/* The process has executed another program or ended. Its fork count stays, so that no number is reused. */
static __always_inline void leave_family(u32 pid)
{
	struct family *family = bpf_map_lookup_elem(&families, &pid);
	u32 parent;

	if (!family)
		return;
	parent = family->parent;
	family->parent = 0;
	family->sharing = 0;
	family = parent ? bpf_map_lookup_elem(&families, &parent) : 0;
	if (family && family->sharing > 0)
		__sync_fetch_and_add(&family->sharing, -1);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(trace_http_fork, struct task_struct *parent, struct task_struct *child)
{
	struct target *target, inherited;
	u32 pid = child->tgid;
	bool seed;

	if (child->tgid == parent->tgid)
		return 0; /* a thread */
	target = current_target_or_seed();
	if (!target || target->flags & TARGET_NO_CHILDREN)
		return 0;
	seed = target->flags & TARGET_SEED;
	inherited = *target;
	inherited.flags &= ~TARGET_SEED;
	inherited.start_time = child->start_boottime / NANOSECONDS_PER_TICK;
	if (bpf_map_update_elem(&targets, &pid, &inherited, BPF_ANY))
		return 0;
	if (!seed) {
		join_family(parent, child);
		trace_http_inherit_stacks(visible_pid(parent), visible_pid(child));
	}
	emit_process(RECORD_PROCESS_STARTED, child, visible_pid(parent), 0);
	notify_helper(PROCESS_FORKED, child);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(trace_http_exec, struct task_struct *task, int old_pid, struct linux_binprm *program)
{
	struct target *target;
	u32 pid = task->tgid;
	bool seed;

	target = target_of(task, pid);
	if (!target)
		return 0;
	seed = target->flags & TARGET_SEED;
	leave_family(pid);
	/* A program that runs with another user's rights may no longer be traced by the owner. */
	if (!trace_http_is_owners()) {
		bpf_map_delete_elem(&targets, &pid);
		if (!seed)
			emit_process(RECORD_PROCESS_ENDED, task, 0, 0);
		return 0;
	}
	if (seed)
		return 0;
	trace_http_inherit_stacks(0, visible_pid(task));
	sweep_unix(); /* those with O_CLOEXEC are closed */
	emit_process(RECORD_PROCESS_REPLACED, task, 0, 0);
	notify_helper_of_program(task, program);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(trace_http_end, struct task_struct *task)
{
	struct target *target;
	u32 pid = task->tgid;
	bool seed;

	target = target_of(task, pid);
	if (!target || BPF_CORE_READ(task, signal, live.counter) > 0)
		return 0;
	seed = target->flags & TARGET_SEED;
	bpf_map_delete_elem(&targets, &pid);
	leave_family(pid);
	if (seed || !trace_http_is_owners())
		return 0;
	emit_process(RECORD_PROCESS_ENDED, task, 0, BPF_CORE_READ(task, signal, group_exit_code) ?: task->exit_code);
	leave_process();
	notify_helper(PROCESS_GONE, task);
	return 0;
}

#endif
