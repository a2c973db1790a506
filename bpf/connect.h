/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Failed connect(2) calls. TCP's state shows failures that come from the network (an answer, or a timeout), also for
 * nonblocking calls; the result of the call shows the rest: no route, no such path.
 */
#ifndef TRACE_HTTP_CONNECT_H
#define TRACE_HTTP_CONNECT_H

#include "connection.h"
#include "syscalls.h"

/* The address that the program passed, as far as readable. */
static __always_inline void read_user_address(struct record_connect_failed *record, u64 address, u64 length)
{
	u32 size = length > 2 + UNIX_PATH_SIZE ? UNIX_PATH_SIZE : length > 2 ? length - 2 : 0;
	__be16 port = 0;

	if (record->transport == TRANSPORT_UNIX) {
		asm volatile("" : "+r"(size));
		if (size > UNIX_PATH_SIZE)
			size = UNIX_PATH_SIZE;
		if (!bpf_probe_read_user(record->remote_path, size, (void *)(address + 2)))
			record->remote_length = size;
		return;
	}
	bpf_probe_read_user(&port, sizeof(port), (void *)(address + 2));
	record->remote_port = bpf_ntohs(port);
	if (record->family == AF_INET6)
		bpf_probe_read_user(record->remote_address, 16, (void *)(address + 8));
	else
		bpf_probe_read_user(record->remote_address, 4, (void *)(address + 4));
}

static __always_inline void read_remote(struct record_connect_failed *record, struct sock *sk)
{
	record->remote_port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (record->family == AF_INET6)
		BPF_CORE_READ_INTO((struct in6_addr *)record->remote_address, sk, __sk_common.skc_v6_daddr);
	else
		BPF_CORE_READ_INTO((__be32 *)record->remote_address, sk, __sk_common.skc_daddr);
}

/*
 * Reports the failure, once per attempt. `error` 0: the process closed the socket. `address` 0: use the socket's own.
 * Global, so that it is verified once.
 */
__noinline int trace_http_connect_failed(u64 socket, u32 transport, u32 error, u64 address, u64 length)
{
	struct sock *sk = (struct sock *)socket;
	struct connection *connection = transport == TRANSPORT_UNIX ? 0 : connection_of(sk, transport);
	struct record_connect_failed *record;
	u64 id;

	if (connection) {
		if (connection->connect_failed || connection->announced || connection->side != SIDE_CLIENT)
			return 0;
		connection->connect_failed = 1;
		id = connection->id;
	} else {
		id = __sync_fetch_and_add(&last_connection_id, 1) + 1;
	}
	record = reserve_structure(RECORD_CONNECT_FAILED, sizeof(*record), id);
	if (!record)
		return 0;
	if (connection) {
		record->header.pid = connection->pid; /* packets are handled in any task's context */
		record->started = connection->connect_started;
	}
	if (!error && is_exiting())
		record->header.flags |= FLAG_PROCESS_ENDED;
	record->network_namespace = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	record->error = error;
	record->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	record->transport = transport == TRANSPORT_UNIX ? TRANSPORT_UNIX : TRANSPORT_TCP;
	if (address)
		read_user_address(record, address, length);
	else
		read_remote(record, sk);
	submit_structure(record);
	return 0;
}

/* Errors that mean a failed connection, not an invalid call or one still in progress. */
static __always_inline bool is_refusal(u32 error, u8 transport)
{
	switch (error) {
	case EPERM:
	case EACCES:
	case ENETDOWN:
	case ENETUNREACH:
	case ECONNABORTED:
	case ECONNRESET:
	case ENOBUFS:
	case EADDRNOTAVAIL:
	case ETIMEDOUT:
	case ECONNREFUSED:
	case EHOSTDOWN:
	case EHOSTUNREACH:
		return true;
	case EAGAIN: /* its queue is full */
	case ENOENT:
	case ENOTDIR:
	case ELOOP:
	case EPROTOTYPE:
		return transport == TRANSPORT_UNIX;
	case EINVAL: /* link-local address without a scope id */
		return transport == TRANSPORT_TCP;
	default:
		return false;
	}
}

/* connect(fd, address, length) returned an error. */
static __always_inline void connect_call_failed(struct arguments *arguments, u32 error)
{
	struct endpoint endpoint;

	if (!is_refusal(error, TRANSPORT_UNIX) && !is_refusal(error, TRANSPORT_TCP))
		return;
	endpoint = endpoint_of_descriptor(arguments->first);
	if (endpoint.sk && is_refusal(error, endpoint.transport))
		trace_http_connect_failed((u64)endpoint.sk, endpoint.transport, error, arguments->second, arguments->third);
}

/*
 * A socket goes from SYN_SENT to CLOSE. If it has no error, it was closed or shut down (Java does both), or connect(2)
 * itself fails: then the socket is not yet SS_CONNECTING.
 */
static __always_inline void connect_ended(struct sock *sk, struct connection *connection)
{
	u32 error = sk->sk_err;

	if (error || sk->sk_shutdown == SHUTDOWN_MASK || BPF_CORE_READ(sk, sk_socket, state) > SS_UNCONNECTED)
		trace_http_connect_failed((u64)address_of(sk), connection->transport, error, 0, 0);
}

#endif
