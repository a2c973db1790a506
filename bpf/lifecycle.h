/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A TCP socket's way through its states, from the kernel's own tracepoints. */
#ifndef TRACE_HTTP_LIFECYCLE_H
#define TRACE_HTTP_LIFECYCLE_H

#include "connection.h"

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(trace_http_state, struct sock *sk, int old_state, int new_state)
{
	struct connection *connection;

	if (new_state == TCP_SYN_SENT) {
		/* connect(): in the connecting thread. */
		if (sk->sk_protocol != IPPROTO_TCP || !current_target())
			return 0;
		connection = new_connection(sk, 0, SIDE_CLIENT);
		if (connection)
			connection->connect_started = bpf_ktime_get_boot_ns();
		return 0;
	}
	connection = connection_of(sk);
	if (!connection)
		return 0;
	switch (new_state) {
	case TCP_ESTABLISHED:
		connection->established = bpf_ktime_get_boot_ns();
		base_connection(sk, connection);
		break;
	case TCP_FIN_WAIT1:
	case TCP_LAST_ACK:
		/* shutdown(SHUT_WR) or close(): the FIN has no number yet. */
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

SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(trace_http_gone, struct sock *sk)
{
	struct connection *connection = connection_of(sk);
	struct record_closed *record;
	u64 key = (u64)sk;

	if (!connection)
		return 0;
	count_trailing(sk, connection, DIRECTION_IN);
	if (connection->announced) {
		record = reserve_structure(RECORD_CLOSED, sizeof(*record), connection->id);
		if (record) {
			record->header.pid = connection->pid;
			record->sent = connection->position[DIRECTION_OUT];
			record->received = connection->position[DIRECTION_IN];
			submit_structure(record);
		}
	}
	bpf_map_delete_elem(&connections, &key);
	return 0;
}

#endif
