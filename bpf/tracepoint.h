/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The tracepoint backend: entry and exit of every system call, by the raw
 * tracepoints. It needs neither kprobes nor BPF trampolines.
 */
#ifndef TRACE_HTTP_TRACEPOINT_H
#define TRACE_HTTP_TRACEPOINT_H

#include "leave.h"
#include "lookups.h"
#include "sysexit.h"

/* close(2) of a Unix or datagram socket: they have no tracepoint of their own. Global for the verifier's sake. */
__noinline int trace_http_closing(u32 descriptor)
{
	struct endpoint endpoint = endpoint_of_descriptor(descriptor);
	struct connection *connection;
	struct file *file;

	if (!endpoint.sk) {
		file = file_of_descriptor(descriptor);
		if (file && references_of(file) == 1)
			trace_http_name_closes(descriptor);
		return 0;
	}
	if (endpoint.transport != TRANSPORT_UNIX)
		return 0;
	file = file_of_descriptor(descriptor);
	connection = connection_of(endpoint.sk, TRANSPORT_UNIX);
	if (connection && file && references_of(file) == 1)
		close_unix(endpoint.sk, connection);
	return 0;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(trace_http_enter, struct pt_regs *regs, long number)
{
	struct syscall what = described(number);
	struct arguments arguments;
	struct endpoint endpoint;
	struct task_struct *task;
	struct call *call;

	if (what.shape == SHAPE_NONE || what.shape == SHAPE_ACCEPT || what.shape == SHAPE_CONNECT ||
	    what.shape == SHAPE_CLOSE_SEVERAL || !current_target())
		return 0;
	task = bpf_get_current_task_btf();
	if (is_compat(task))
		return 0;
	arguments = read_arguments(regs);
	if (what.shape == SHAPE_CLOSE) {
		trace_http_closing(arguments.first);
		return 0;
	}
	if (what.shape == SHAPE_REPLACE) {
		if (arguments.first != arguments.second && file_of_descriptor(arguments.first))
			trace_http_closing(arguments.second);
		return 0;
	}
	call = call_of(task, true);
	if (!call) {
		COUNT(calls_untracked, 1);
		return 0;
	}
	call->entered = bpf_ktime_get_boot_ns();
	call->number = number;
	call->active = 1;
	endpoint = resolve(&what, &arguments, number);
	call->sock = (u64)endpoint.sk;
	call->from.file = 0;
	if (number == NR_SENDFILE && endpoint.sk)
		begin_sendfile(&call->from, &arguments);
	if (endpoint.sk) {
		call->inode = endpoint.inode;
		call->transport = endpoint.transport;
		call->direction = what.direction;
		if (endpoint.transport == TRANSPORT_TCP) {
			call->sequence[DIRECTION_OUT] = sequence_of(endpoint.sk, DIRECTION_OUT);
			call->sequence[DIRECTION_IN] = sequence_of(endpoint.sk, DIRECTION_IN);
		}
	}
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(trace_http_exit, struct pt_regs *regs, long result)
{
	long number = read_number(regs);
	struct syscall what = described(number);
	struct returned *returned;
	struct task_struct *task;
	struct call *call;

	if (what.shape == SHAPE_NONE || what.shape == SHAPE_CLOSE || what.shape == SHAPE_REPLACE || !current_target())
		return 0;
	task = bpf_get_current_task_btf();
	if (is_compat(task))
		return 0;
	if (what.shape == SHAPE_CLOSE_SEVERAL) {
		sweep_unix();
		return 0;
	}
	returned = begin_returned(what, regs, number, result);
	if (!returned)
		return 0;
	if (what.shape == SHAPE_ACCEPT || what.shape == SHAPE_CONNECT) {
		trace_http_met(returned, 0);
		return 0;
	}
	call = call_of(task, false);
	if (call && call->active)
		returned->entered = call->entered;
	report_name(returned);
	if (call && call->active && call->number == (u16)number) {
		call->active = 0;
		returned->sock = call->sock;
		returned->inode = call->inode;
		returned->transport = call->transport;
		returned->direction = call->direction;
	} else {
		/* The call began before the trace did. */
		call = 0;
		trace_http_resolve(returned);
	}
	trace_http_finish(returned, call);
	return 0;
}

#endif
