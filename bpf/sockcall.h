/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The common part of the backends below the system calls: entry and exit of
 * a protocol's sendmsg and recvmsg. Every variant of read and write, sendmmsg
 * and io_uring call these.
 */
#ifndef TRACE_HTTP_SOCKCALL_H
#define TRACE_HTTP_SOCKCALL_H

#include "data.h"
#include "lookups.h"

/* Saves where the bytes will be: at the exit, the iterator has moved on. */
static __always_inline void save_iterator(struct call *call, struct msghdr *message)
{
	u64 offset = BPF_CORE_READ(message, msg_iter.iov_offset);
	u8 type = BPF_CORE_READ(message, msg_iter.iter_type);

	call->base = 0;
	call->segments = 0;
	call->segment_count = 0;
	call->skip = 0;
	call->source = SOURCE_NONE;
	if (bpf_core_enum_value_exists(enum iter_type, ITER_UBUF) && type == bpf_core_enum_value(enum iter_type, ITER_UBUF)) {
		call->source = SOURCE_BUFFER;
		call->base = (u64)BPF_CORE_READ(message, msg_iter.ubuf) + offset;
	} else if (type == bpf_core_enum_value(enum iter_type, ITER_IOVEC)) {
		struct msghdr___before_6_4 *old = (void *)message;

		call->source = SOURCE_KERNEL_SEGMENTS;
		call->segments = bpf_core_field_exists(message->msg_iter.__iov) ? (u64)BPF_CORE_READ(message, msg_iter.__iov) :
										  (u64)BPF_CORE_READ(old, msg_iter.iov);
		call->segment_count = BPF_CORE_READ(message, msg_iter.nr_segs);
		call->skip = offset;
	} else if (type == bpf_core_enum_value(enum iter_type, ITER_BVEC)) {
		/* Pages of sendfile and splice, since 6.5. They are consecutive in the file. */
		const struct bio_vec *pages = BPF_CORE_READ(message, msg_iter.bvec);

		call->from.position = (u64)BPF_CORE_READ(pages, bv_page);
		trace_http_sent_page(call, BPF_CORE_READ(pages, bv_offset) + (u32)offset);
	}
}

/* `message` is NULL for calls that move pages. Always returns 0, as programs do. */
static __always_inline int enter_call(struct sock *sk, struct msghdr *message, u64 size, u64 flags, u8 direction, u8 transport)
{
	struct task_struct *task;
	struct call *call;

	if (!current_target())
		return 0;
	task = bpf_get_current_task_btf();
	call = call_of(task, true);
	if (!call) {
		COUNT(calls_untracked, 1);
		return 0;
	}
	call->entered = bpf_ktime_get_boot_ns();
	call->sock = (u64)sk;
	call->size = size;
	call->flags = flags;
	call->direction = direction;
	call->transport = transport;
	call->inode = inode_of(sk);
	call->source = SOURCE_NONE;
	call->from.file = 0;
	call->active = 1;
	if (transport == TRANSPORT_TCP) {
		call->sequence[DIRECTION_OUT] = sequence_of(sk, DIRECTION_OUT);
		call->sequence[DIRECTION_IN] = sequence_of(sk, DIRECTION_IN);
	}
	if (message)
		save_iterator(call, message);
	return 0;
}

/* sendfile and splice until 6.4: a page at a time. */
static __always_inline int enter_page(struct sock *sk, void *page, int offset, u64 size, u8 transport)
{
	struct call *call;

	enter_call(sk, 0, size, 0, DIRECTION_OUT, transport);
	if (!current_target())
		return 0;
	call = call_of(bpf_get_current_task_btf(), false);
	if (!call)
		return 0;
	call->from.position = (u64)page;
	trace_http_sent_page(call, offset);
	return 0;
}

/* The end of the call that this thread entered last. */
static __always_inline int leave_call(s64 result, u32 slot)
{
	struct endpoint endpoint = {};
	struct task_struct *task;
	struct call *call;
	struct work *work;

	if (!current_target())
		return 0;
	task = bpf_get_current_task_btf();
	call = call_of(task, false);
	if (!call || !call->active)
		return 0; /* entered before the trace began: begun.h */
	call->active = 0;
	endpoint.sk = (struct sock *)call->sock;
	endpoint.inode = call->inode;
	endpoint.transport = call->transport;
	if (result < 0) {
		fail_call(endpoint, call->direction, -result);
		return 0;
	}
	if (call->direction == DIRECTION_IN && call->flags & (MSG_PEEK | MSG_OOB | MSG_ERRQUEUE))
		return 0;
	if (result == 0) {
		if (call->direction == DIRECTION_IN && call->size > 0)
			read_end_of_stream(endpoint);
		return 0;
	}
	work = begin_work(slot, result, call, call->direction, call->transport);
	if (!work)
		return 0;
	work->caller = CALLER_KNOWN;
	work->source = call->source;
	work->base = call->base;
	work->segments = call->segments;
	work->segment_count = call->segment_count;
	if (call->source == SOURCE_BUFFER)
		work->left = result;
	if (call->direction == DIRECTION_IN && call->flags & MSG_TRUNC && call->transport != TRANSPORT_UNIX) {
		work->source = SOURCE_NONE;
		work->segment_count = 0;
		work->left = 0;
	}
	if (work->source == SOURCE_KERNEL_SEGMENTS && next_segment(work)) {
		u64 skip = call->skip < work->left ? call->skip : work->left;

		work->base += skip;
		work->left -= skip;
	}
	trace_call(endpoint, work);
	return 0;
}

/* A Unix socket is released: by its last descriptor, or with its process. */
static __always_inline int release_unix(struct socket *socket)
{
	struct sock *sk = BPF_CORE_READ(socket, sk);
	struct connection *connection;

	if (!sk)
		return 0;
	connection = connection_of(sk, TRANSPORT_UNIX);
	if (!connection)
		return 0;
	close_unix(sk, connection);
	return 0;
}

/* A datagram socket of a target ends. */
static __always_inline int release_datagram(struct sock *sk, u32 slot)
{
	if (current_target())
		report_name_closed(sk, inode_of(sk), slot);
	return 0;
}

static __always_inline int met_unix(struct socket *socket, u8 side)
{
	struct endpoint endpoint;

	if (!current_target())
		return 0;
	endpoint.sk = BPF_CORE_READ(socket, sk);
	endpoint.inode = BPF_CORE_READ(socket, file, f_inode, i_ino);
	endpoint.transport = TRANSPORT_UNIX;
	meet_by_call(endpoint, side, side == SIDE_CLIENT ? SLOT_UNIX_CONNECT : SLOT_UNIX_ACCEPT);
	return 0;
}

#endif
