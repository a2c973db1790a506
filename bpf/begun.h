/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * For the backends below the system calls: name lookups, and calls whose return their hooks miss. These are calls
 * blocked when the programs were attached, and some of many that block at once, as a kretprobe has a limited number of
 * instances.
 */
#ifndef TRACE_HTTP_BEGUN_H
#define TRACE_HTTP_BEGUN_H

#include "lookups.h"
#include "sysexit.h"

/*
 * A thread that has an entry in `calls` has entered a call before: the hooks
 * see all its later calls. The entry is created without a prior lookup, as a
 * lookup that interrupts another one on its CPU finds nothing.
 */
SEC("tp_btf/sys_exit")
int BPF_PROG(trace_http_begun, struct pt_regs *regs, long result)
{
	long number = read_number(regs);
	struct syscall what = described(number);
	struct returned *returned;
	struct task_struct *task;
	struct call *call;

	if (what.shape == SHAPE_NONE || is_closing(what.shape) || !current_target())
		return 0;
	task = bpf_get_current_task_btf();
	if (is_compat(task))
		return 0;
	returned = begin_returned(what, regs, number, result);
	if (!returned)
		return 0;
	if (what.shape == SHAPE_ACCEPT || what.shape == SHAPE_CONNECT) {
		trace_http_met(returned, 1);
		return 0;
	}
	report_name(returned);
	call = call_of(task, true);
	if (!call || (call->entered && !call->active))
		return 0;
	trace_http_resolve(returned);
	if (!call->entered) {
		call->entered = 1;
		trace_http_finish(returned, 0);
		return 0;
	}
	call->active = 0;
	/* For calls that send or receive several times, the result does not show how much the last transfer moved. */
	if (what.shape != SHAPE_MESSAGES && what.shape != SHAPE_FILE && returned->sock == call->sock &&
	    returned->direction == call->direction)
		trace_http_finish(returned, call);
	return 0;
}

#endif
