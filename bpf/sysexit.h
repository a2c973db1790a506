/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Finds the bytes of a system call by its arguments when it returns. The
 * tracepoint backend is built on this; the others use it for calls that their
 * own hooks cannot see.
 */
#ifndef TRACE_HTTP_SYSEXIT_H
#define TRACE_HTTP_SYSEXIT_H

#include "connect.h"
#include "data.h"
#include "syscalls.h"

/* One per CPU: trace_http_exit and trace_http_begun share it, and only one of them is loaded. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct returned);
} returned_calls SEC(".maps");

/* Fills in what is known of a call that has returned. NULL only if the lookup in the map fails. */
static __always_inline struct returned *begin_returned(struct syscall what, struct pt_regs *regs, long number, long result)
{
	u32 zero = 0;
	struct returned *returned = bpf_map_lookup_elem(&returned_calls, &zero);

	if (!returned)
		return 0;
	returned->arguments = read_arguments(regs);
	returned->result = result;
	returned->entered = 0;
	returned->sock = 0;
	returned->number = number;
	returned->shape = what.shape;
	returned->direction = what.direction;
	return returned;
}

/* The socket of a call; for splice, also which of its ends. */
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

/* A receiving call's flags: its bytes may be outside the stream, or not readable. */
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

/* The messages of one sendmmsg or recvmmsg, while their bytes are added up. */
struct moved_messages {
	struct mmsghdr *message;
	u64 count;
	u64 bytes;
};

/* One message; a bpf_loop callback, so verified only once. */
static long add_message(u32 index, struct moved_messages *moved)
{
	u32 bytes = 0;

	if (index >= moved->count || bpf_probe_read_user(&bytes, sizeof(bytes), &moved->message[index].msg_len))
		return 1;
	moved->bytes += bytes;
	return 0;
}

/* Where the bytes of the call are; false when it moved none. */
static __always_inline bool describe_buffers(struct work *work, u8 shape, struct arguments *arguments, long result)
{
	struct moved_messages moved = {};

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
		moved.message = (struct mmsghdr *)arguments->second;
		moved.count = result;
		bpf_loop(MAX_MESSAGES, add_message, &moved, 0);
		work->remaining = moved.bytes;
		return work->remaining > 0;
	default:
		work->source = SOURCE_NONE;
		return true;
	}
}

/* Finds the socket of a call. Global for the verifier's sake. */
__noinline int trace_http_resolve(struct returned *returned)
{
	struct syscall what;
	struct endpoint endpoint;

	if (!returned)
		return 0;
	what.direction = returned->direction;
	endpoint = resolve(&what, &returned->arguments, returned->number);
	returned->direction = what.direction;
	returned->sock = (u64)endpoint.sk;
	returned->inode = endpoint.inode;
	returned->transport = endpoint.transport;
	return 0;
}

/*
 * A connect or accept has returned; with `unless_seen`, only for sockets that no hook saw. Global for the verifier's
 * sake.
 */
__noinline int trace_http_met(struct returned *returned, u32 unless_seen)
{
	struct connection *connection;
	struct endpoint endpoint;
	u8 side = SIDE_SERVER;
	u32 descriptor;

	if (!returned)
		return 0;
	descriptor = returned->result;
	if (returned->shape == SHAPE_CONNECT) {
		side = SIDE_CLIENT;
		descriptor = returned->arguments.first;
		if (returned->result != 0) {
			connect_call_failed(&returned->arguments, -returned->result);
			return 0;
		}
	}
	if (returned->result < 0)
		return 0;
	endpoint = endpoint_of_descriptor(descriptor);
	if (!is_met_by_call(endpoint, side))
		return 0;
	if (unless_seen) {
		connection = connection_of(endpoint.sk, endpoint.transport);
		if (connection && (!connection->inode || connection->inode == endpoint.inode))
			return 0;
	}
	meet_by_call(endpoint, side, SLOT_SYSCALL);
	return 0;
}

/* A call that has returned: `call` is NULL when its entry was not seen. Global for the verifier's sake. */
__noinline int trace_http_finish(struct returned *returned, struct call *call)
{
	struct arguments *arguments;
	struct endpoint endpoint;
	struct work *work;
	u64 flags;

	if (!returned || !returned->sock)
		return 0;
	arguments = &returned->arguments;
	endpoint.sk = (struct sock *)returned->sock;
	endpoint.inode = returned->inode;
	endpoint.transport = returned->transport;
	if (returned->result < 0) {
		fail_call(endpoint, returned->direction, -returned->result);
		return 0;
	}
	flags = returned->direction == DIRECTION_IN ? receive_flags(arguments, returned->number) : 0;
	if (flags & (MSG_PEEK | MSG_OOB | MSG_ERRQUEUE))
		return 0;
	if (returned->result == 0) {
		bool asked = returned->shape != SHAPE_BUFFER || arguments->third > 0;

		if (returned->direction == DIRECTION_IN && asked)
			read_end_of_stream(endpoint);
		return 0;
	}
	work = begin_work(SLOT_SYSCALL, returned->result, call, returned->direction, endpoint.transport);
	if (!work)
		return 0;
	work->number = returned->number;
	work->caller = CALLER_KNOWN;
	if (work->from.file && (returned->number != NR_SENDFILE || !has_sent(&work->from, arguments, returned->result)))
		work->from.file = 0;
	if (!describe_buffers(work, returned->shape, arguments, returned->result))
		return 0;
	if (flags & MSG_TRUNC && endpoint.transport != TRANSPORT_UNIX) {
		/* TCP discards the bytes instead of copying them. */
		work->source = SOURCE_NONE;
		work->segment_count = 0;
		work->messages_left = 0;
		work->left = 0;
	}
	trace_call(endpoint, work);
	return 0;
}

#endif
