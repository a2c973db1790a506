/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * For the backends below the system calls: name lookups, and calls whose return
 * their hooks miss. These are calls that waited when the programs were attached, and some
 * of many that wait at once, as a kretprobe has a limited number of instances.
 */
#ifndef TRACE_HTTP_BEGUN_H
#define TRACE_HTTP_BEGUN_H

#include "names.h"
#include "sysexit.h"

/* A socket whose connect or accept no hook has seen. */
static __always_inline void meet_missed(struct endpoint endpoint, u8 side)
{
	struct connection *connection;

	if (!is_met_by_call(endpoint, side))
		return;
	connection = connection_of(endpoint.sk, endpoint.transport);
	if (!connection || (connection->inode && connection->inode != endpoint.inode))
		meet_by_call(endpoint, side);
}

/*
 * A thread that has an entry in `calls` has entered a call before: the hooks
 * see all its later calls. The entry is created without a lookup first, as a
 * lookup that interrupts another one on the same CPU finds nothing.
 */
SEC("tp_btf/sys_exit")
int BPF_PROG(trace_http_begun, struct pt_regs *regs, long result)
{
	long number = read_number(regs);
	struct syscall what = describe(number);
	struct endpoint endpoint;
	struct arguments arguments;
	struct task_struct *task;
	struct call *call;

	if (what.shape == SHAPE_NONE || is_closing(what.shape) || !current_target())
		return 0;
	task = bpf_get_current_task_btf();
	if (is_compat(task))
		return 0;
	arguments = read_arguments(regs);
	if (what.shape == SHAPE_ACCEPT) {
		if (result >= 0)
			meet_missed(endpoint_of_descriptor(result), SIDE_SERVER);
		return 0;
	}
	if (what.shape == SHAPE_CONNECT) {
		if (result == 0)
			meet_missed(endpoint_of_descriptor(arguments.first), SIDE_CLIENT);
		else
			connect_call_failed(&arguments, -result);
		return 0;
	}
	report_name(what, &arguments, number, result, 0);
	call = bpf_task_storage_get(&calls, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!call || (call->entered && !call->active))
		return 0;
	endpoint = resolve(&what, &arguments, number);
	if (!call->entered) {
		call->entered = 1;
		finish_syscall(what, &arguments, number, result, endpoint, 0);
		return 0;
	}
	call->active = 0;
	/* For calls that send or receive several times, the result does not say how much the last time moved. */
	if (what.shape != SHAPE_MESSAGES && what.shape != SHAPE_FILE && (u64)endpoint.sk == call->sock &&
	    what.direction == call->direction)
		finish_syscall(what, &arguments, number, result, endpoint, call);
	return 0;
}

#endif
