/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Follows a TCP socket through its states, by the kernel's own tracepoints.
 * Since 6.2 the kernel skips a program that interrupts itself on its CPU (a
 * packet of another socket, while one is handled), so each program has a twin:
 * at least one of the two runs. If both run, the second has no effect.
 */
#ifndef TRACE_HTTP_LIFECYCLE_H
#define TRACE_HTTP_LIFECYCLE_H

#include "data.h"

static __always_inline int change_state(struct sock *sk, int old_state, int new_state)
{
	struct connection *connection;
	u64 key = (u64)sk;

	if (old_state == TCP_SYN_RECV && new_state == TCP_ESTABLISHED) {
		/* The server's side, not accepted yet: its process is not known yet. */
		struct handshake handshake = {.established = bpf_ktime_get_boot_ns()};

		connection = connection_of(sk, TRANSPORT_TCP);
		if (connection) {
			connection->established = handshake.established; /* Fast Open: bytes have been read from it already */
			return 0;
		}
		read_beginning(sk, handshake.sequence);
		bpf_map_update_elem(&handshakes, &key, &handshake, BPF_ANY);
		return 0;
	}
	if (old_state == new_state)
		return 0; /* close() after shutdown(): the FIN already has a sequence number */
	connection = connection_of(sk, TRANSPORT_TCP);
	if (!connection)
		return 0;
	switch (new_state) {
	case TCP_ESTABLISHED:
		if (connection->established)
			break;
		connection->established = bpf_ktime_get_boot_ns();
		base_client(sk, connection);
		break;
	case TCP_FIN_WAIT1:
	case TCP_LAST_ACK:
		/* shutdown(SHUT_WR) or close(): the FIN has no sequence number yet. */
		count_trailing(sk, connection, DIRECTION_OUT);
		emit_ended(connection, DIRECTION_OUT, ENDING_FIN, 0);
		break;
	case TCP_CLOSE: {
		u32 error = sk->sk_err;

		if (error) {
			emit_ended(connection, DIRECTION_OUT, ENDING_RESET, error);
			emit_ended(connection, DIRECTION_IN, ENDING_RESET, error);
		}
		break;
	}
	}
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(trace_http_state, struct sock *sk, int old_state, int new_state)
{
	struct connection *connection;

	if (new_state != TCP_SYN_SENT)
		return change_state(sk, old_state, new_state);
	/* connect(): in the connecting thread, which interrupts nobody. */
	if (sk->sk_protocol != IPPROTO_TCP || !current_target())
		return 0;
	connection = new_connection(sk, 0, TRANSPORT_TCP, SIDE_CLIENT);
	if (connection)
		connection->connect_started = bpf_ktime_get_boot_ns();
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(trace_http_state_twin, struct sock *sk, int old_state, int new_state)
{
	return new_state == TCP_SYN_SENT ? 0 : change_state(sk, old_state, new_state);
}

/* The verifier sees the kernel's socket as a plain number, as everywhere else. */
static __always_inline struct sock *address_of(struct sock *sk)
{
	struct sock *address = 0;

	bpf_probe_read_kernel(&address, sizeof(address), &sk);
	return address;
}

static __always_inline int destroy(struct sock *sk, u32 slot)
{
	struct connection *connection = connection_of(sk, TRANSPORT_TCP);
	u64 key = (u64)sk;

	bpf_map_delete_elem(&handshakes, &key);
	if (!connection)
		return 0;
	count_trailing(sk, connection, DIRECTION_IN);
	if (min_latency_us && connection->protocol == PROTOCOL_HTTP1)
		end_filter(address_of(sk), connection, TRANSPORT_TCP, slot);
	if (connection->protocol == PROTOCOL_TLS)
		end_ciphertext(connection, slot);
	emit_closed(connection);
	forget_connection(sk, TRANSPORT_TCP);
	return 0;
}

SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(trace_http_gone, struct sock *sk)
{
	return destroy(sk, SLOT_GONE);
}

SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(trace_http_gone_twin, struct sock *sk)
{
	return destroy(sk, SLOT_GONE_NESTED);
}

#endif
