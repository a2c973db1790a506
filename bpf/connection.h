/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Connections: from a socket to its state, and from TCP's own sequence
 * counters to positions. The counters are authoritative: bytes that moved by
 * a path without a hook (io_uring, splice) show as a jump in them, and are
 * reported as unseen.
 */
#ifndef TRACE_HTTP_CONNECTION_H
#define TRACE_HTTP_CONNECTION_H

#include "emit.h"

static __always_inline u32 sequence_of(struct sock *sk, u8 direction)
{
	struct tcp_sock *tcp = (struct tcp_sock *)sk;

	return direction == DIRECTION_OUT ? BPF_CORE_READ(tcp, write_seq) : BPF_CORE_READ(tcp, copied_seq);
}

/* Makes the socket a plain number for the verifier, as everywhere else. */
static __always_inline struct sock *address_of(struct sock *sk)
{
	struct sock *address = 0;

	bpf_probe_read_kernel(&address, sizeof(address), &sk);
	return address;
}

/* A socket that may carry HTTP, and its unique identity. */
struct endpoint {
	struct sock *sk; /* NULL = none */
	u32 inode;
	u8 transport;
};

static __always_inline struct endpoint endpoint_of_socket(struct socket *socket, u32 inode)
{
	struct endpoint none = {};
	struct sock *sk;
	u16 family;

	if (BPF_CORE_READ(socket, type) != SOCK_STREAM)
		return none;
	sk = BPF_CORE_READ(socket, sk);
	if (!sk)
		return none;
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (family == AF_UNIX)
		return (struct endpoint){sk, inode, TRANSPORT_UNIX};
	if (family != AF_INET && family != AF_INET6)
		return none;
	switch (BPF_CORE_READ(sk, sk_protocol)) {
	case IPPROTO_TCP:
		return (struct endpoint){sk, inode, TRANSPORT_TCP};
	case IPPROTO_MPTCP:
		return (struct endpoint){sk, inode, TRANSPORT_MPTCP};
	default:
		return none;
	}
}

static __always_inline struct file *file_of_descriptor(u32 descriptor)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task_btf();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files, *file = 0;

	if (descriptor >= BPF_CORE_READ(table, max_fds))
		return 0;
	files = BPF_CORE_READ(table, fd);
	bpf_probe_read_kernel(&file, sizeof(file), files + descriptor);
	return file;
}

/* The stream socket behind a descriptor of the current task. */
static __always_inline struct endpoint endpoint_of_descriptor(u32 descriptor)
{
	struct endpoint none = {};
	struct file *file = file_of_descriptor(descriptor);
	struct inode *node;

	if (!file)
		return none;
	node = BPF_CORE_READ(file, f_inode);
	if ((BPF_CORE_READ(node, i_mode) & S_IFMT) != S_IFSOCK)
		return none;
	return endpoint_of_socket(BPF_CORE_READ(file, private_data), BPF_CORE_READ(node, i_ino));
}

/* For TRANSPORT_TLS `sk` is the address of the session. */
static __always_inline struct connection *connection_of(struct sock *sk, u8 transport)
{
	struct connection *connection;
	u64 key = (u64)sk;

	if (transport == TRANSPORT_TLS) {
		struct tls_session *session = session_of(key);

		return (struct connection *)session; /* its first member */
	}
	if (transport == TRANSPORT_UNIX)
		connection = bpf_map_lookup_elem(&unix_connections, &key);
	else
		connection = bpf_map_lookup_elem(&connections, &key);
	return connection && !connection->gone ? connection : 0;
}

/*
 * The socket has ended. From Linux 5.11 until a fix in 6.7 (6.1.64, 6.6.2), a program that interrupts another operation
 * on the map cannot delete an entry. It then stays, marked as gone, until another socket has its address.
 */
static __always_inline void forget_connection(struct sock *sk, struct connection *connection)
{
	u64 key = (u64)sk;
	int error; /* before Linux 6.4, the upper half of what a map operation returns is undefined */

	if (connection->transport == TRANSPORT_UNIX)
		error = bpf_map_delete_elem(&unix_connections, &key);
	else
		error = bpf_map_delete_elem(&connections, &key);
	if (error && error != -ENOENT)
		connection->gone = 1;
}

/* The same for a handshake. */
static __always_inline void forget_handshake(struct sock *sk)
{
	struct handshake *handshake;
	u64 key = (u64)sk;
	int error = bpf_map_delete_elem(&handshakes, &key);

	if (!error || error == -ENOENT)
		return;
	handshake = bpf_map_lookup_elem(&handshakes, &key);
	if (handshake)
		handshake->established = 0;
}

/*
 * A connection not in its map yet. It is added only when everything known about it is filled in: two threads may first
 * see it at the same moment, on two CPUs.
 */
static __noinline struct connection *fresh_connection(u32 slot, u8 transport, u8 side)
{
	struct connection *fresh = bpf_map_lookup_elem(&fresh_connections, &slot);

	if (!fresh)
		return 0;
	__builtin_memset(fresh, 0, sizeof(*fresh));
	fresh->id = __sync_fetch_and_add(&last_connection_id, 1) + 1;
	fresh->side = side;
	fresh->transport = transport;
	fresh->pid = current_visible_pid();
	fresh->last_direction = NO_DIRECTION;
	fresh->request_direction = NO_DIRECTION;
	return fresh;
}

/* Whether this program prepared the connection, not another thread. */
static __always_inline bool is_fresh(u32 slot, struct connection *connection)
{
	struct connection *fresh = bpf_map_lookup_elem(&fresh_connections, &slot);

	return fresh && fresh->id == connection->id;
}

static __always_inline int put_connection(u64 key, struct connection *fresh, u64 flags)
{
	if (fresh->transport == TRANSPORT_UNIX)
		return bpf_map_update_elem(&unix_connections, &key, fresh, flags);
	return bpf_map_update_elem(&connections, &key, fresh, flags);
}

/*
 * With BPF_NOEXIST, returns the connection that another thread has added meanwhile, if any. BPF_ANY replaces one whose
 * end was not seen. A separate function, so that its keys take no stack in callers that call others too.
 */
static __noinline struct connection *add_connection(struct sock *sk, struct connection *fresh, u64 flags)
{
	struct connection *connection = 0;
	int error;

	if (!fresh)
		return 0;
	error = put_connection((u64)sk, fresh, flags);
	if (!error || error == -EEXIST)
		connection = connection_of(sk, fresh->transport);
	if (!connection && error == -EEXIST && !put_connection((u64)sk, fresh, BPF_ANY)) /* that one is gone */
		connection = connection_of(sk, fresh->transport);
	if (!connection)
		COUNT(connections_untracked, 1);
	return connection;
}

/* TCP's own counter at a position of the connection. */
static __always_inline u32 sequence_at(struct connection *connection, u8 direction, u64 position)
{
	return (u32)connection->origin[direction & 1] + (u32)position;
}

static __always_inline bool is_counted(struct connection *connection, u8 direction)
{
	return connection->origin[direction & 1] & ORIGIN_KNOWN;
}

/* Makes this value of TCP's own counter position 0 of the direction, unless that is set already. */
static __always_inline void count_from(struct connection *connection, u8 direction, u32 sequence)
{
	__sync_val_compare_and_swap(&connection->origin[direction & 1], 0, ORIGIN_KNOWN | sequence);
}

/*
 * A client's connection is established: positions count from here on. With TCP
 * Fast Open, bytes were sent with the SYN (RFC 7413), before or during the
 * first call; the acknowledged bytes show where the stream began.
 */
static __always_inline void count_client(struct sock *sk, struct connection *connection)
{
	struct tcp_sock *tcp = (struct tcp_sock *)sk;

	count_from(connection, DIRECTION_OUT, BPF_CORE_READ(tcp, snd_una) - (u32)BPF_CORE_READ(tcp, bytes_acked) + 1);
	count_from(connection, DIRECTION_IN, sequence_of(sk, DIRECTION_IN));
}

/* Where the streams of a server's socket began; with TCP Fast Open, bytes may have moved before the handshake ended. */
static __always_inline void read_beginning(struct sock *sk, u32 *sequence)
{
	struct tcp_sock *tcp = (struct tcp_sock *)sk;

	sequence[DIRECTION_OUT] = BPF_CORE_READ(tcp, snd_una) - (u32)BPF_CORE_READ(tcp, bytes_acked);
	sequence[DIRECTION_IN] = BPF_CORE_READ(tcp, rcv_nxt) - (u32)BPF_CORE_READ(tcp, bytes_received);
}

/* The end of the stream was read, and there was nothing before it: a FIN takes one sequence number. */
static __always_inline bool has_read_only_fin(struct sock *sk, u32 beginning, u32 read)
{
	return read == beginning + 1 && read == BPF_CORE_READ((struct tcp_sock *)sk, rcv_nxt) &&
	       BPF_CORE_READ(sk, sk_shutdown) & RCV_SHUTDOWN;
}

/* A TCP socket seen for the first time, in a call at whose entry its counters were `before`. */
static __always_inline struct connection *meet_tcp(struct sock *sk, u32 slot, bool entered, const u32 *before)
{
	u64 key = (u64)sk;
	struct handshake *known = bpf_map_lookup_elem(&handshakes, &key), handshake = {};
	struct connection *fresh, *connection;
	bool server = true;

	if (known && known->established)
		handshake = *known;
	else if (BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_SYN_RECV)
		read_beginning(sk, handshake.sequence); /* Fast Open: read before the handshake ended */
	else
		server = false;
	fresh = fresh_connection(slot, TRANSPORT_TCP, server ? SIDE_SERVER : SIDE_UNKNOWN);
	if (!fresh)
		return 0;
	fresh->late = 1;
	if (server) {
		fresh->established = handshake.established;
		/* Bytes may have moved while its process was not yet a target. */
		if (entered && handshake.sequence[DIRECTION_OUT] == before[DIRECTION_OUT] &&
		    (handshake.sequence[DIRECTION_IN] == before[DIRECTION_IN] ||
		     has_read_only_fin(sk, handshake.sequence[DIRECTION_IN], before[DIRECTION_IN]))) {
			fresh->late = 0;
			count_from(fresh, DIRECTION_OUT, before[DIRECTION_OUT]);
			count_from(fresh, DIRECTION_IN, before[DIRECTION_IN]);
		}
	}
	connection = add_connection(sk, fresh, BPF_NOEXIST);
	/*
	 * From here on, ends are recorded in the connection. A thread that first sees it now finds the handshake or the
	 * connection.
	 */
	known = bpf_map_lookup_elem(&handshakes, &key);
	if (!connection || !known || !known->established)
		return connection;
	if (!connection->fin_time)
		connection->fin_time = known->fin_time;
	if (!connection->error) {
		connection->error_time = known->error_time;
		connection->error = known->error;
	}
	forget_handshake(sk);
	return connection;
}

/* Sockets that no tracepoint reports as connected or (MPTCP) accepted. */
static __always_inline bool is_met_by_call(struct endpoint endpoint, u8 side)
{
	return endpoint.sk &&
	       (endpoint.transport == TRANSPORT_UNIX || (endpoint.transport == TRANSPORT_MPTCP && side == SIDE_SERVER));
}

/* A socket that a target's call has connected or accepted. */
static __always_inline void meet_by_call(struct endpoint endpoint, u8 side, u32 slot)
{
	struct connection *fresh, *connection;

	if (!is_met_by_call(endpoint, side))
		return;
	connection = connection_of(endpoint.sk, endpoint.transport);
	if (connection && (!connection->inode || connection->inode == endpoint.inode)) {
		connection->side = side; /* another thread has used it already */
		return;
	}
	if (connection)
		emit_closed(connection); /* an earlier one, whose end was not seen */
	fresh = fresh_connection(slot, endpoint.transport, side);
	if (fresh)
		fresh->inode = endpoint.inode;
	add_connection(endpoint.sk, fresh, BPF_ANY);
}

static __always_inline bool is_copied(u8 protocol)
{
	return protocol == PROTOCOL_UNDECIDED || protocol == PROTOCOL_HTTP1 || protocol == PROTOCOL_HTTP2;
}

/* The last descriptor of a Unix socket is closed, or its process ends. */
static __always_inline void close_unix(struct sock *sk, struct connection *connection)
{
	/* The peer closed first, and that was not read; a released socket no longer shows it. */
	if (!connection->fin_time && BPF_CORE_READ(sk, sk_socket) && BPF_CORE_READ(sk, sk_shutdown) & RCV_SHUTDOWN) {
		connection->fin_time = bpf_ktime_get_boot_ns();
		emit_ended(connection, DIRECTION_IN, ENDING_PEER_FIN, 0);
	}
	emit_ended(connection, DIRECTION_OUT, ENDING_CLOSE, 0);
	emit_closed(connection);
	forget_connection(sk, connection);
}

/* Bytes that moved past every hook; `amount` is negative when some of them are seen after all. */
static __always_inline void count_unseen(s64 amount)
{
	COUNT(seen_bytes, amount);
	COUNT(unseen_bytes, amount);
}

/* Whether TCP's own count allows that many bytes. If not, the connection is an earlier socket's with an unseen end. */
static __always_inline bool can_have_moved(struct sock *sk, u8 direction, u32 amount)
{
	struct tcp_sock *tcp = (struct tcp_sock *)sk;
	const u32 handshake = 2; /* SYN and FIN have sequence numbers */
	u32 acknowledged;
	u64 moved;

	if (direction == DIRECTION_IN) {
		moved = BPF_CORE_READ(tcp, bytes_received);
	} else {
		/* In this order, concurrent bytes are counted twice instead of missed. */
		acknowledged = BPF_CORE_READ(tcp, snd_una);
		moved = BPF_CORE_READ(tcp, bytes_acked);
		moved += BPF_CORE_READ(tcp, write_seq) - acknowledged;
	}
	return amount <= moved + handshake;
}

/*
 * Counts the bytes that moved in this direction after the last call that was
 * seen. A FIN takes one sequence number, read or not.
 */
static __always_inline void count_trailing(struct sock *sk, struct connection *connection, u8 direction)
{
	u32 moved;
	u64 end;

	if (connection->transport != TRANSPORT_TCP || !is_counted(connection, direction) || !is_copied(connection->protocol) ||
	    !connection->announced)
		return;
	end = connection->position[direction & 1];
	moved = sequence_of(sk, direction) - sequence_at(connection, direction, end);
	if (direction == DIRECTION_IN && moved == 1)
		moved = 0;
	if (moved == 0 || (s32)moved < 0)
		return;
	/* Or a disconnect has moved the counter past bytes that were never read. */
	if (!can_have_moved(sk, direction, moved))
		return;
	/* As in count_up_to: they may be bytes of a call that is about to end. */
	__sync_fetch_and_add(&connection->uncertain[direction & 1], 1);
	/* On failure, a call that just ended has counted them. */
	if (__sync_val_compare_and_swap(&connection->position[direction & 1], end, end + moved) != end)
		return;
	count_unseen(moved);
}

#endif
