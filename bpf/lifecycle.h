/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Follows a TCP socket through its states, by the kernel's own tracepoints.
 * Since 6.2 the kernel skips a program that interrupts itself on its CPU (a
 * packet of another socket, while one is handled), so each program has a twin:
 * at least one of the two runs. If both run, the second has no effect.
 */
#ifndef TRACE_HTTP_LIFECYCLE_H
#define TRACE_HTTP_LIFECYCLE_H

#include "connect.h"
#include "data.h"

/* The socket is released: no more records of it follow. */
static __always_inline void finish_connection(struct sock *sk, struct connection *connection, u32 slot)
{
	count_trailing(sk, connection, DIRECTION_IN);
	if (min_latency_us && connection->protocol == PROTOCOL_HTTP1)
		end_filter(address_of(sk), connection, TRANSPORT_TCP, slot);
	if (connection->protocol == PROTOCOL_TLS)
		end_ciphertext(connection, slot);
	emit_notices(connection);
	/* The process has read up to an error, or never will. */
	if (connection->error) {
		emit_ended(connection, DIRECTION_OUT, ENDING_RESET, connection->error);
		emit_ended(connection, DIRECTION_IN, ENDING_RESET, connection->error);
	}
	emit_closed(connection);
	forget_connection(sk, connection);
}

/* The server's side of a socket that no process has read from yet. */
static __always_inline void change_unread(struct sock *sk, int new_state)
{
	u64 key = (u64)sk;
	struct handshake *handshake = bpf_map_lookup_elem(&handshakes, &key);

	if (!handshake || !handshake->established)
		return;
	if (new_state == TCP_CLOSE_WAIT)
		handshake->fin_time = bpf_ktime_get_boot_ns();
	if (new_state == TCP_CLOSE && sk->sk_err) {
		handshake->error = sk->sk_err;
		handshake->error_time = bpf_ktime_get_boot_ns();
	}
}

/* An error (RST, timeout), or the target closes with a RST. */
static __always_inline void change_to_closed(struct sock *sk, struct connection *connection)
{
	u32 error = sk->sk_err;

	if (error && BPF_CORE_READ(sk, sk_socket)) {
		/*
		 * The process still has the socket. It can read what it has received, and the call that caused the
		 * error may have moved bytes: a direction ends with the call that returns the error.
		 */
		connection->error = error;
		connection->error_time = bpf_ktime_get_boot_ns();
		if (connection->announced)
			emit_notices(connection);
	} else if (error) {
		emit_ended(connection, DIRECTION_OUT, ENDING_RESET, error);
		emit_ended(connection, DIRECTION_IN, ENDING_RESET, error);
	} else if (sk->sk_shutdown == SHUTDOWN_MASK && !(connection->ended & 1 << DIRECTION_OUT)) {
		/* Closed without a FIN: unread bytes were left, or because of SO_LINGER. */
		count_trailing(sk, connection, DIRECTION_OUT);
		emit_ended(connection, DIRECTION_OUT, ENDING_CLOSE, connection->transport == TRANSPORT_TCP ? ECONNRESET : 0);
	}
}

/* A socket starts to connect, or is created for a peer: what is stored for its address is an earlier socket's. */
static __always_inline void begin_socket(struct sock *sk, u32 slot)
{
	struct connection *connection = connection_of(sk, TRANSPORT_TCP);

	forget_handshake(address_of(sk));
	if (connection)
		finish_connection(sk, connection, slot);
}

static __always_inline int change_state(struct sock *sk, int old_state, int new_state, u32 slot)
{
	struct connection *connection;
	u64 key = (u64)sk;

	if (old_state == TCP_LISTEN && new_state == TCP_SYN_RECV) {
		begin_socket(sk, slot);
		return 0;
	}

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
	if (!connection) {
		change_unread(sk, new_state);
		return 0;
	}
	switch (new_state) {
	case TCP_ESTABLISHED:
		if (connection->established)
			break;
		connection->established = bpf_ktime_get_boot_ns();
		if (connection->transport == TRANSPORT_TCP)
			count_client(sk, connection);
		break;
	case TCP_CLOSE_WAIT:
		connection->fin_time = bpf_ktime_get_boot_ns();
		if (connection->announced)
			emit_notices(connection);
		break;
	case TCP_FIN_WAIT1:
	case TCP_LAST_ACK:
		/* shutdown(SHUT_WR) or close(): the FIN has no sequence number yet. */
		count_trailing(sk, connection, DIRECTION_OUT);
		emit_ended(connection, DIRECTION_OUT, sk->sk_shutdown == SHUTDOWN_MASK ? ENDING_CLOSE : ENDING_FIN, 0);
		break;
	case TCP_CLOSE:
		if (old_state == TCP_SYN_SENT && !connection->announced)
			connect_ended(sk, connection);
		else
			change_to_closed(sk, connection);
		break;
	}
	/* MPTCP's own socket has no tracepoint for its end, and is closed long after the process has released it. */
	if (connection->transport == TRANSPORT_MPTCP && sk->sk_shutdown == SHUTDOWN_MASK && connection->announced &&
	    (new_state == TCP_FIN_WAIT1 || new_state == TCP_LAST_ACK || new_state == TCP_CLOSE))
		finish_connection(sk, connection, slot);
	return 0;
}

/* A TCP subflow of an MPTCP socket: its data is seen there. */
static __always_inline bool is_subflow(struct sock *sk)
{
	struct tcp_sock *tcp = (struct tcp_sock *)sk;

	return bpf_core_field_exists(tcp->is_mptcp) && BPF_CORE_READ(tcp, is_mptcp);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(trace_http_state, struct sock *sk, int old_state, int new_state)
{
	struct connection *fresh;
	bool mptcp = sk->sk_protocol == IPPROTO_MPTCP;

	if (new_state != TCP_SYN_SENT)
		return change_state(sk, old_state, new_state, SLOT_STATE);
	/* connect(): in the connecting thread, interrupting nothing. */
	begin_socket(sk, SLOT_STATE);
	if ((!mptcp && (sk->sk_protocol != IPPROTO_TCP || is_subflow(sk))) || !current_target())
		return 0;
	fresh = fresh_connection(SLOT_STATE, mptcp ? TRANSPORT_MPTCP : TRANSPORT_TCP, SIDE_CLIENT);
	if (fresh)
		fresh->connect_started = bpf_ktime_get_boot_ns();
	add_connection(address_of(sk), fresh, BPF_ANY);
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(trace_http_state_twin, struct sock *sk, int old_state, int new_state)
{
	return new_state == TCP_SYN_SENT ? 0 : change_state(sk, old_state, new_state, SLOT_STATE_NESTED);
}

static __always_inline int destroy(struct sock *sk, u32 slot)
{
	struct connection *connection = connection_of(sk, TRANSPORT_TCP);

	forget_handshake(address_of(sk));
	if (connection)
		finish_connection(sk, connection, slot);
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
