/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Copies what targets send to and receive from name servers: datagrams and streams of port 53, and systemd-resolved's
 * Unix socket. All backends do this at system call exit, from its arguments. Only the beginning of a message is copied:
 * its question and, nearly always, all of its answers.
 */
#ifndef TRACE_HTTP_LOOKUPS_H
#define TRACE_HTTP_LOOKUPS_H

#include "sysexit.h"

#define NAME_PORT 53
#define NAME_KEPT 1536   /* bytes of one message; EDNS servers and clients agree on 1232 or so */
#define NAME_SEGMENTS 4  /* of one message */
#define NAME_MESSAGES 4  /* of one sendmmsg or recvmmsg; glibc sends two, for A and AAAA */
#define DNS_HEADER 12
#define MAX_ERRNO 4095

/* The socket of a call, and which protocol to expect on it. */
struct name_socket {
	struct sock *sk;
	u32 inode;
	u8 transport; /* enum name_transport; 0 = none */
};

/* As programs on functions can be preempted by others on the same CPU, each kind has a slot of its own. */
enum name_slot { NAME_SYSCALL, NAME_CLOSED, NAME_CLOSED6, NAME_SLOTS };

/* One message being examined. */
struct name_work {
	u64 base;     /* user address of the bytes, or of the array of segments */
	u64 segments; /* 0 = the bytes are at base */
	u64 address;  /* user address of the peer's sockaddr; 0 = none */
	u64 size;     /* bytes that moved, or were to move */
	u64 remaining;
	u32 offset;   /* bytes copied */
	struct record_name record;
	u8 bytes[2 * NAME_KEPT]; /* twice, as the verifier bounds offset and length separately */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NAME_SLOTS);
	__type(key, u32);
	__type(value, struct name_work);
} name_works SEC(".maps");

static __always_inline struct name_work *name_work(u32 slot)
{
	return bpf_map_lookup_elem(&name_works, &slot);
}

/* Eight characters as they are in memory: a string would be compared byte by byte, in a section of its own. */
#define WORD(a, b, c, d, e, f, g, h)                                                                                       \
	((u64)(a) | (u64)(b) << 8 | (u64)(c) << 16 | (u64)(d) << 24 | (u64)(e) << 32 | (u64)(f) << 40 | (u64)(g) << 48 |     \
	 (u64)(h) << 56)
#define RESOLVED_PATH_LENGTH 39

/* Whether the peer is bound to systemd-resolved's path: /run/systemd/resolve/io.systemd.Resolve */
static __always_inline bool is_resolved(struct sock *sk)
{
	struct sock *peer = BPF_CORE_READ((struct unix_sock *)sk, peer);
	struct unix_address *address = peer ? BPF_CORE_READ((struct unix_sock *)peer, addr) : 0;
	const u32 family_size = 2;
	u64 path[5] = {};
	u32 length;

	if (!address)
		return false;
	length = BPF_CORE_READ(address, len);
	/* With its NUL or without. */
	if (length != family_size + RESOLVED_PATH_LENGTH + 1 && length != family_size + RESOLVED_PATH_LENGTH)
		return false;
	if (bpf_probe_read_kernel(path, RESOLVED_PATH_LENGTH, (char *)address + bpf_core_field_offset(address->name) + family_size))
		return false;
	return path[0] == WORD('/', 'r', 'u', 'n', '/', 's', 'y', 's') && path[1] == WORD('t', 'e', 'm', 'd', '/', 'r', 'e', 's') &&
	       path[2] == WORD('o', 'l', 'v', 'e', '/', 'i', 'o', '.') && path[3] == WORD('s', 'y', 's', 't', 'e', 'm', 'd', '.') &&
	       path[4] == WORD('R', 'e', 's', 'o', 'l', 'v', 'e', 0);
}

/*
 * Finds a descriptor's socket, if names may be looked up with it. Datagrams are distinguished by their address. Global
 * for the verifier's sake.
 */
__noinline int trace_http_name_socket(u32 descriptor, struct name_socket *found)
{
	struct file *file = file_of_descriptor(descriptor);
	struct socket *socket;
	struct inode *node;
	struct sock *sk; /* a local variable: CO-RE would take the field of our own structure for the kernel's */
	u16 family, type;

	if (!found)
		return 0;
	found->transport = 0;
	if (!file)
		return 0;
	node = BPF_CORE_READ(file, f_inode);
	if ((BPF_CORE_READ(node, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	socket = BPF_CORE_READ(file, private_data);
	sk = BPF_CORE_READ(socket, sk);
	if (!sk)
		return 0;
	type = BPF_CORE_READ(socket, type);
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (family == AF_UNIX) {
		if (type != SOCK_STREAM || !is_resolved(sk))
			return 0;
		found->transport = NAME_RESOLVED;
	} else if (family == AF_INET || family == AF_INET6) {
		u16 protocol = BPF_CORE_READ(sk, sk_protocol);

		if (type == SOCK_DGRAM && protocol == IPPROTO_UDP)
			found->transport = NAME_UDP;
		else if (protocol == IPPROTO_TCP && bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport)) == NAME_PORT)
			found->transport = NAME_TCP;
		else
			return 0;
	} else {
		return 0;
	}
	found->sk = sk;
	found->inode = BPF_CORE_READ(node, i_ino);
	return 0;
}

/* Global for the verifier's sake. */
__noinline int trace_http_begin_name(struct name_work *work, struct name_socket *socket, u32 direction, u64 entered)
{
	struct record_name *record;
	struct sock *sk;

	if (!work || !socket)
		return 0;
	record = &work->record;
	sk = socket->sk;
	__builtin_memset(record, 0, sizeof(*record));
	fill_header(&record->header, RECORD_NAME, sizeof(*record), 0, current_visible_pid());
	if (entered && direction == DIRECTION_OUT)
		record->header.time = entered;
	record->socket = socket->inode;
	record->transport = socket->transport;
	record->direction = direction;
	record->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	work->segments = 0;
	work->address = 0;
	work->size = 0;
	work->offset = 0;
	if (socket->transport == NAME_RESOLVED)
		return 0;
	record->remote_port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (record->family == AF_INET6)
		BPF_CORE_READ_INTO((struct in6_addr *)record->remote_address, sk, __sk_common.skc_v6_daddr);
	else
		BPF_CORE_READ_INTO((__be32 *)record->remote_address, sk, __sk_common.skc_daddr);
	return 0;
}

/* The call's own address counts, even on a connected socket. */
static __always_inline void read_name_address(struct name_work *work)
{
	struct record_name *record = &work->record;
	struct user_sockaddr address = {};

	if (!work->address || record->transport != NAME_UDP)
		return;
	if (bpf_probe_read_user(&address, 8, (void *)work->address))
		return;
	if (address.family != AF_INET && address.family != AF_INET6)
		return;
	__builtin_memset(record->remote_address, 0, sizeof(record->remote_address));
	record->family = address.family;
	record->remote_port = bpf_ntohs(address.port);
	if (address.family == AF_INET)
		__builtin_memcpy(record->remote_address, address.address4, 4);
	else
		bpf_probe_read_user(record->remote_address, sizeof(record->remote_address), (char *)work->address + 8);
}

/* Appends bytes of user memory; false when copying must stop. */
static __always_inline bool copy_name(struct name_work *work, u64 base, u64 length)
{
	u32 offset = work->offset, count = NAME_KEPT;

	if (offset >= NAME_KEPT)
		return false;
	if (length < count)
		count = length;
	if (work->remaining < count)
		count = work->remaining;
	if (count > NAME_KEPT - offset)
		count = NAME_KEPT - offset;
	asm volatile("" : "+r"(count), "+r"(offset)); /* 6.1 does not know the bound of a copy saved before the comparison */
	if (count > NAME_KEPT || offset >= NAME_KEPT)
		return false;
	if (count == 0)
		return work->remaining > 0;
	if (bpf_probe_read_user(work->bytes + offset, count, (void *)base))
		return false;
	work->offset = offset + count;
	work->remaining -= count;
	return work->remaining > 0;
}

/* Copies and emits a message, or part of a stream, of a lookup. Global for the verifier's sake. */
__noinline int trace_http_name(u32 slot)
{
	struct name_work *work = name_work(slot);
	struct record_name *record;
	u32 length;

	if (!work)
		return 0;
	record = &work->record;
	read_name_address(work);
	if (record->transport != NAME_RESOLVED && record->remote_port && record->remote_port != NAME_PORT)
		return 0;
	work->remaining = work->size;
	if (!work->segments) {
		copy_name(work, work->base, work->size);
	} else {
		for (u32 i = 0; i < NAME_SEGMENTS && i < work->segments; i++) {
			struct iovec segment;

			if (bpf_probe_read_user(&segment, sizeof(segment), (struct iovec *)work->base + i))
				break;
			if (!copy_name(work, segment.iov_base, segment.iov_len))
				break;
		}
	}
	/* The sender is not known: accept only what can be an answer to one question. */
	if (record->transport == NAME_UDP && !record->remote_port && !record->closed &&
	    (record->direction == DIRECTION_OUT || work->offset < DNS_HEADER || !(work->bytes[2] & 0x80) || work->bytes[4] ||
	     work->bytes[5] != 1))
		return 0;
	length = work->offset;
	record->copied = length;
	record->size = (u32)(record->error ? length : work->size);
	length = (length + 7) & ~7u;
	asm volatile("" : "+r"(length));
	if (length > NAME_KEPT)
		return 0;
	record->header.length = sizeof(*record) + length;
	COUNT(produced, 1);
	if (bpf_ringbuf_output(&data_ring, record, sizeof(*record) + length, BPF_RB_NO_WAKEUP))
		COUNT(dropped_data, 1);
	return 0;
}

/* Errors that mean that a name server is unreachable or not listening. */
static __always_inline bool is_name_refusal(long result)
{
	switch (-result) {
	case 1:   /* EPERM: by a packet filter */
	case 101: /* ENETUNREACH */
	case 110: /* ETIMEDOUT */
	case 111: /* ECONNREFUSED */
	case 113: /* EHOSTUNREACH */
		return true;
	default:
		return false;
	}
}

/* The message of a sendmsg or recvmsg. */
static __always_inline bool describe_name_message(struct name_work *work, u64 address)
{
	struct user_msghdr message;

	if (bpf_probe_read_user(&message, sizeof(message), (void *)address))
		return false;
	work->address = message.msg_namelen ? message.msg_name : 0;
	work->base = message.msg_iov;
	work->segments = message.msg_iovlen;
	return work->segments > 0;
}

/*
 * Checks whether a call that has returned is on such a socket, and where its bytes are. Global, so that its stack is
 * not added to that of the programs' other calls.
 */
__noinline int trace_http_names(struct returned *returned)
{
	struct name_work *work = name_work(NAME_SYSCALL);
	struct name_socket socket = {};
	struct arguments *arguments;
	u64 flags = 0;

	if (!work || !returned)
		return 0;
	arguments = &returned->arguments;
	trace_http_name_socket(arguments->first, &socket);
	if (!socket.transport || (returned->result < 0 && socket.transport != NAME_UDP))
		return 0;
	if (returned->direction == DIRECTION_IN)
		flags = receive_flags(arguments, returned->number);
	if (flags & (MSG_PEEK | MSG_OOB | MSG_ERRQUEUE))
		return 0;
	trace_http_begin_name(work, &socket, returned->direction, returned->entered);
	if (returned->result < 0) {
		work->record.error = -returned->result;
		/* What could not be sent; a failed receive has nothing. */
		if (returned->direction == DIRECTION_OUT && returned->shape == SHAPE_BUFFER) {
			work->base = arguments->second;
			work->size = arguments->third;
			if (returned->number == NR_SENDTO)
				work->address = arguments->fifth;
		} else if (returned->direction == DIRECTION_OUT && returned->shape == SHAPE_MESSAGE) {
			if (!describe_name_message(work, arguments->second))
				return 0;
			work->size = NAME_KEPT;
		}
		trace_http_name(NAME_SYSCALL);
		return 0;
	}
	work->size = returned->result;
	switch (returned->shape) {
	case SHAPE_BUFFER:
		work->base = arguments->second;
		if (returned->number == NR_SENDTO || returned->number == NR_RECVFROM)
			work->address = arguments->fifth;
		/* With MSG_TRUNC the result is the datagram's size, even beyond the buffer; the rest is unrelated. */
		if (work->size > arguments->third)
			work->size = arguments->third;
		break;
	case SHAPE_VECTOR:
		work->base = arguments->second;
		work->segments = arguments->third;
		break;
	case SHAPE_MESSAGE:
		if (!describe_name_message(work, arguments->second))
			return 0;
		break;
	default:
		for (u32 i = 0; i < NAME_MESSAGES && i < (u64)returned->result; i++) {
			struct mmsghdr *message = (struct mmsghdr *)arguments->second + i;
			u32 moved = 0;

			trace_http_begin_name(work, &socket, returned->direction, returned->entered);
			if (!describe_name_message(work, (u64)message) || bpf_probe_read_user(&moved, sizeof(moved), &message->msg_len))
				return 0;
			work->size = moved;
			trace_http_name(NAME_SYSCALL);
		}
		return 0;
	}
	trace_http_name(NAME_SYSCALL);
	return 0;
}

static __always_inline void report_name(struct returned *returned)
{
	u8 shape = returned->shape;

	if (returned->result <= 0 && !is_name_refusal(returned->result))
		return;
	if (shape == SHAPE_BUFFER || shape == SHAPE_VECTOR || shape == SHAPE_MESSAGE || shape == SHAPE_MESSAGES)
		trace_http_names(returned);
}

/* A datagram socket ends: its open queries will not be answered. */
static __always_inline void report_name_closed(struct sock *sk, u32 inode, u32 slot)
{
	struct name_socket socket = {.sk = sk, .inode = inode, .transport = NAME_UDP};
	struct name_work *work = name_work(slot);

	if (!work)
		return;
	trace_http_begin_name(work, &socket, DIRECTION_OUT, 0);
	work->record.closed = 1;
	trace_http_name(slot);
}

/* As trace_http_names, for a descriptor that is about to be closed and is the last one of its socket. */
__noinline int trace_http_name_closes(u32 descriptor)
{
	struct name_socket socket = {};

	trace_http_name_socket(descriptor, &socket);
	if (socket.transport == NAME_UDP)
		report_name_closed(socket.sk, socket.inode, NAME_SYSCALL);
	return 0;
}

#endif
