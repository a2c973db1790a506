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

/* The socket of a call; for a splice, also which end of it that is. */
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

/* Flags of a receiving call whose bytes are not part of the stream, or not readable. */
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

/* A call that has returned: `call` is NULL when its entry was not seen. */
static __always_inline void finish_syscall(struct syscall what, struct arguments *arguments, long number, long result,
					   struct endpoint endpoint, struct call *call)
{
	struct work *work;
	u64 flags;

	if (!endpoint.sk)
		return;
	if (result < 0) {
		fail_call(endpoint, what.direction, -result);
		return;
	}
	flags = what.direction == DIRECTION_IN ? receive_flags(arguments, number) : 0;
	if (flags & (MSG_PEEK | MSG_OOB | MSG_ERRQUEUE))
		return;
	if (result == 0) {
		bool asked = what.shape != SHAPE_BUFFER || arguments->third > 0;

		if (what.direction == DIRECTION_IN && asked)
			read_end_of_stream(endpoint);
		return;
	}
	work = begin_work(SLOT_SYSCALL, result, call, what.direction, endpoint.transport);
	if (!work)
		return;
	work->number = number;
	if (work->from.file && (number != NR_SENDFILE || !has_sent(&work->from, arguments, result)))
		work->from.file = 0;
	if (!describe_buffers(work, what.shape, arguments, result))
		return;
	if (flags & MSG_TRUNC && endpoint.transport != TRANSPORT_UNIX) {
		/* TCP discards the bytes instead of copying them. */
		work->source = SOURCE_NONE;
		work->segment_count = 0;
		work->messages_left = 0;
		work->left = 0;
	}
	trace_call(endpoint, work, SLOT_SYSCALL);
}

/* The endpoint that a call was entered with. */
static __always_inline struct endpoint endpoint_of_call(struct call *call)
{
	return (struct endpoint){(struct sock *)call->sock, call->inode, call->transport};
}

#endif
