/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The tracepoint backend: entry and exit of every system call, by the raw
 * tracepoints. It needs neither kprobes nor BPF trampolines.
 */
#ifndef TRACE_HTTP_TRACEPOINT_H
#define TRACE_HTTP_TRACEPOINT_H

#include "data.h"
#include "syscalls.h"

/* Fills in which socket a call is about; 0 when it is not about one. */
static __always_inline u64 resolve(struct syscall *what, struct arguments *arguments, long number, u32 *inode)
{
	if (what->shape == SHAPE_FILE && number == NR_SPLICE) {
		u64 sk = (u64)sock_of_descriptor(arguments->third, inode);

		if (sk)
			return sk;
		what->direction = DIRECTION_IN;
	}
	return (u64)sock_of_descriptor(arguments->first, inode);
}

SEC("tp_btf/sys_enter")
int BPF_PROG(trace_http_enter, struct pt_regs *regs, long number)
{
	struct syscall what = describe(number);
	struct arguments arguments;
	struct task_struct *task;
	struct call *call;

	if (what.shape == SHAPE_NONE || what.shape == SHAPE_ACCEPT || !current_target())
		return 0;
	task = bpf_get_current_task_btf();
	if (is_compat(task))
		return 0;
	call = bpf_task_storage_get(&calls, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!call) {
		COUNT(calls_untracked, 1);
		return 0;
	}
	arguments = read_arguments(regs);
	call->entered = bpf_ktime_get_boot_ns();
	call->number = number;
	call->active = 1;
	call->sock = resolve(&what, &arguments, number, &call->inode);
	if (call->sock) {
		call->sequence[DIRECTION_OUT] = sequence_of((struct sock *)call->sock, DIRECTION_OUT);
		call->sequence[DIRECTION_IN] = sequence_of((struct sock *)call->sock, DIRECTION_IN);
	}
	return 0;
}

static __always_inline void accepted(long descriptor)
{
	u32 inode = 0;
	struct sock *sk = sock_of_descriptor(descriptor, &inode);
	struct connection *connection;

	if (!sk)
		return;
	connection = new_connection(sk, inode, SIDE_SERVER);
	if (connection)
		base_connection(sk, connection);
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

static __always_inline void read_end_of_stream(struct sock *sk, struct syscall *what, struct arguments *arguments, u64 flags)
{
	struct connection *connection = connection_of(sk);

	if (!connection || what->direction != DIRECTION_IN || flags & (MSG_PEEK | MSG_ERRQUEUE))
		return;
	if (what->shape == SHAPE_BUFFER && arguments->third == 0)
		return; /* zero bytes were asked for */
	if (!(BPF_CORE_READ(sk, sk_shutdown) & RCV_SHUTDOWN))
		return;
	emit_ended(connection, DIRECTION_IN, ENDING_READ_EOF, 0);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(trace_http_exit, struct pt_regs *regs, long result)
{
	long number = read_number(regs);
	struct syscall what = describe(number);
	struct arguments arguments;
	struct task_struct *task;
	struct target *target;
	struct work *work;
	struct call *call;
	u32 inode = 0, before = 0;
	bool entered = false;
	u64 entry = 0, flags, sock;
	struct sock *sk;

	if (what.shape == SHAPE_NONE)
		return 0;
	target = current_target();
	if (!target)
		return 0;
	if (what.shape == SHAPE_ACCEPT) {
		if (result >= 0 && !is_compat(bpf_get_current_task_btf()))
			accepted(result);
		return 0;
	}
	task = bpf_get_current_task_btf();
	if (is_compat(task))
		return 0;
	arguments = read_arguments(regs);
	call = bpf_task_storage_get(&calls, task, 0, 0);
	if (call && call->active && call->number == (u16)number) {
		call->active = 0;
		if (!call->sock)
			return 0;
		sock = call->sock;
		inode = call->inode;
		entry = call->entered;
		entered = true;
		if (what.shape == SHAPE_FILE && number == NR_SPLICE) {
			u32 other = 0;

			/* Which end of the splice the socket was. */
			if ((u64)sock_of_descriptor(arguments.third, &other) != sock)
				what.direction = DIRECTION_IN;
		}
		before = call->sequence[what.direction & 1];
	} else {
		/* The call began before the trace did. */
		if (result < 0)
			return 0;
		sock = resolve(&what, &arguments, number, &inode);
		if (!sock)
			return 0;
	}
	if (result < 0)
		return 0;
	sk = (struct sock *)sock;
	flags = what.direction == DIRECTION_IN ? receive_flags(&arguments, number) : 0;
	if (result == 0) {
		read_end_of_stream(sk, &what, &arguments, flags);
		return 0;
	}
	if (flags & (MSG_PEEK | MSG_OOB | MSG_ERRQUEUE))
		return 0;

	work = the_work();
	if (!work)
		return 0;
	work->segments = 0;
	work->segment_count = 0;
	work->base = 0;
	work->left = 0;
	work->remaining = result;
	work->allowed = 0;
	work->entered = entry;
	work->time = bpf_ktime_get_boot_ns();
	work->unseen = 0;
	work->pid = bpf_get_current_pid_tgid() >> 32;
	work->flags = 0;
	work->number = number;
	work->direction = what.direction;
	work->unreadable = 0;
	work->messages = 0;
	work->messages_left = 0;
	work->message_left = ~0ull;

	switch (what.shape) {
	case SHAPE_BUFFER:
		work->base = arguments.second;
		work->left = result;
		break;
	case SHAPE_VECTOR:
		work->segments = arguments.second;
		work->segment_count = arguments.third;
		break;
	case SHAPE_MESSAGE: {
		struct user_msghdr message;

		if (bpf_probe_read_user(&message, sizeof(message), (void *)arguments.second))
			break;
		work->segments = message.msg_iov;
		work->segment_count = message.msg_iovlen;
		break;
	}
	case SHAPE_MESSAGES:
		/* The result counts messages; the bytes of each are in its own header. */
		work->messages = arguments.second;
		work->messages_left = result;
		work->remaining = 0;
		for (u32 i = 0; i < MAX_MESSAGES && i < (u64)result; i++) {
			struct mmsghdr *message = (struct mmsghdr *)arguments.second + i;
			u32 moved = 0;

			if (bpf_probe_read_user(&moved, sizeof(moved), &message->msg_len))
				break;
			work->remaining += moved;
		}
		if (work->remaining == 0)
			return 0;
		break;
	default:
		work->unreadable = 1;
		break;
	}
	if (flags & MSG_TRUNC) {
		/* TCP throws the bytes away instead of copying them. */
		work->unreadable = 1;
		work->segment_count = 0;
		work->messages_left = 0;
		work->left = 0;
	}
	trace_call(sk, inode, work, entered, before);
	return 0;
}

#endif
