/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The tracepoint backend: entry and exit of every system call, by the raw
 * tracepoints. It needs neither kprobes nor BPF trampolines.
 */
#ifndef TRACE_HTTP_TRACEPOINT_H
#define TRACE_HTTP_TRACEPOINT_H

#include "data.h"
#include "syscalls.h"

/* Which socket a call is about; for a splice also which end of it that is. */
static __always_inline struct endpoint resolve(struct syscall *what, struct arguments *arguments, long number)
{
	if (number == NR_SPLICE) {
		struct endpoint target = endpoint_of_descriptor(arguments->third);

		if (target.sk)
			return target;
		what->direction = DIRECTION_IN;
	}
	return endpoint_of_descriptor(arguments->first);
}

/* True when this descriptor is the only reference to its open file. */
static __always_inline bool is_last_reference(struct file *file)
{
	struct file___until_6_12 *counted = (void *)file;
	struct file___since_6_13 *referenced = (void *)file;

	if (bpf_core_field_exists(counted->f_count))
		return BPF_CORE_READ(counted, f_count.counter) == 1;
	if (bpf_core_field_exists(referenced->f_ref))
		return BPF_CORE_READ(referenced, f_ref.refcnt.counter) == 0;
	return false;
}

/* close(2) of a Unix socket: it has no tracepoint of its own. */
static __always_inline void closing(u32 descriptor)
{
	struct endpoint endpoint = endpoint_of_descriptor(descriptor);
	struct connection *connection;
	struct file *file;

	if (!endpoint.sk || endpoint.transport != TRANSPORT_UNIX)
		return;
	file = file_of_descriptor(descriptor);
	connection = connection_of(endpoint.sk, TRANSPORT_UNIX);
	if (!connection || !file || !is_last_reference(file))
		return;
	emit_ended(connection, DIRECTION_OUT, ENDING_FIN, 0);
	emit_closed(connection);
	forget_connection(endpoint.sk, TRANSPORT_UNIX);
}

SEC("tp_btf/sys_enter")
int BPF_PROG(trace_http_enter, struct pt_regs *regs, long number)
{
	struct syscall what = describe(number);
	struct arguments arguments;
	struct endpoint endpoint;
	struct task_struct *task;
	struct call *call;

	if (what.shape == SHAPE_NONE || what.shape == SHAPE_ACCEPT || what.shape == SHAPE_CONNECT || !current_target())
		return 0;
	task = bpf_get_current_task_btf();
	if (is_compat(task))
		return 0;
	arguments = read_arguments(regs);
	if (what.shape == SHAPE_CLOSE) {
		closing(arguments.first);
		return 0;
	}
	call = bpf_task_storage_get(&calls, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!call) {
		COUNT(calls_untracked, 1);
		return 0;
	}
	call->entered = bpf_ktime_get_boot_ns();
	call->number = number;
	call->active = 1;
	endpoint = resolve(&what, &arguments, number);
	call->sock = (u64)endpoint.sk;
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

/* Flags of a receiving call that make its bytes no part of the stream, or not readable. */
static __always_inline u64 receive_flags(struct arguments *arguments, long number)
{
	switch (number) {
	case NR_RECVFROM:
	case NR_RECVMMSG:
		return arguments->fourth;
	case NR_RECVMSG:
		return arguments->third;
	default:
		return 0;
	}
}

/* Where the bytes of the call are; false when it moved none. */
static __always_inline bool describe_buffers(struct work *work, u8 shape, struct arguments *arguments, long result)
{
	switch (shape) {
	case SHAPE_BUFFER:
		work->source = SOURCE_BUFFER;
		work->base = arguments->second;
		work->left = result;
		return true;
	case SHAPE_VECTOR:
		work->source = SOURCE_USER_SEGMENTS;
		work->segments = arguments->second;
		work->segment_count = arguments->third;
		return true;
	case SHAPE_MESSAGE: {
		struct user_msghdr message;

		work->source = SOURCE_USER_SEGMENTS;
		if (bpf_probe_read_user(&message, sizeof(message), (void *)arguments->second))
			return true;
		work->segments = message.msg_iov;
		work->segment_count = message.msg_iovlen;
		return true;
	}
	case SHAPE_MESSAGES:
		/* The result counts messages; the bytes of each are in its own header. */
		work->source = SOURCE_USER_SEGMENTS;
		work->messages = arguments->second;
		work->messages_left = result;
		work->remaining = 0;
		for (u32 i = 0; i < MAX_MESSAGES && i < (u64)result; i++) {
			struct mmsghdr *message = (struct mmsghdr *)arguments->second + i;
			u32 moved = 0;

			if (bpf_probe_read_user(&moved, sizeof(moved), &message->msg_len))
				break;
			work->remaining += moved;
		}
		return work->remaining > 0;
	default:
		work->source = SOURCE_NONE;
		return true;
	}
}

SEC("tp_btf/sys_exit")
int BPF_PROG(trace_http_exit, struct pt_regs *regs, long result)
{
	long number = read_number(regs);
	struct syscall what = describe(number);
	struct endpoint endpoint = {};
	struct arguments arguments;
	struct task_struct *task;
	struct work *work;
	struct call *call;
	u64 flags;

	if (what.shape == SHAPE_NONE || what.shape == SHAPE_CLOSE || !current_target())
		return 0;
	task = bpf_get_current_task_btf();
	if (is_compat(task))
		return 0;
	arguments = read_arguments(regs);
	if (what.shape == SHAPE_ACCEPT) {
		if (result >= 0)
			meet_unix(endpoint_of_descriptor(result), SIDE_SERVER);
		return 0;
	}
	if (what.shape == SHAPE_CONNECT) {
		if (result == 0)
			meet_unix(endpoint_of_descriptor(arguments.first), SIDE_CLIENT);
		return 0;
	}
	call = bpf_task_storage_get(&calls, task, 0, 0);
	if (call && call->active && call->number == (u16)number) {
		call->active = 0;
		if (!call->sock)
			return 0;
		endpoint.sk = (struct sock *)call->sock;
		endpoint.inode = call->inode;
		endpoint.transport = call->transport;
		what.direction = call->direction;
	} else if (result >= 0) {
		/* The call began before the trace did. */
		call = 0;
		endpoint = resolve(&what, &arguments, number);
	}
	if (!endpoint.sk || result < 0)
		return 0;
	flags = what.direction == DIRECTION_IN ? receive_flags(&arguments, number) : 0;
	if (flags & (MSG_PEEK | MSG_OOB | MSG_ERRQUEUE))
		return 0;
	if (result == 0) {
		bool asked = what.shape != SHAPE_BUFFER || arguments.third > 0;

		if (what.direction == DIRECTION_IN && asked)
			read_end_of_stream(endpoint);
		return 0;
	}
	work = begin_work(SLOT_SYSCALL, result, call, what.direction, endpoint.transport);
	if (!work)
		return 0;
	work->number = number;
	if (!describe_buffers(work, what.shape, &arguments, result))
		return 0;
	if (flags & MSG_TRUNC && endpoint.transport == TRANSPORT_TCP) {
		/* TCP throws the bytes away instead of copying them. */
		work->source = SOURCE_NONE;
		work->segment_count = 0;
		work->messages_left = 0;
		work->left = 0;
	}
	trace_call(endpoint, work, SLOT_SYSCALL);
	return 0;
}

#endif
