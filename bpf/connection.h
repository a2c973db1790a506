/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Connections: from a socket to its state, and from TCP's own sequence
 * counters to positions. The counters are the truth: bytes that moved by a
 * path without a hook (io_uring, splice) show as a jump and are told, not
 * missed.
 */
#ifndef TRACE_HTTP_CONNECTION_H
#define TRACE_HTTP_CONNECTION_H

#include "emit.h"

static __always_inline u32 sequence_of(struct sock *sk, u8 direction)
{
	struct tcp_sock *tcp = (struct tcp_sock *)sk;

	return direction == DIRECTION_OUT ? BPF_CORE_READ(tcp, write_seq) : BPF_CORE_READ(tcp, copied_seq);
}

/* The TCP socket behind a descriptor of the current task, or NULL. `inode` names it for good. */
static __always_inline struct sock *sock_of_descriptor(u32 descriptor, u32 *inode)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task_btf();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files, *file = 0;
	struct socket *socket;
	struct inode *node;
	struct sock *sk;
	u16 family;

	if (descriptor >= BPF_CORE_READ(table, max_fds))
		return 0;
	files = BPF_CORE_READ(table, fd);
	bpf_probe_read_kernel(&file, sizeof(file), files + descriptor);
	if (!file)
		return 0;
	node = BPF_CORE_READ(file, f_inode);
	if ((BPF_CORE_READ(node, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	socket = BPF_CORE_READ(file, private_data);
	if (BPF_CORE_READ(socket, type) != SOCK_STREAM)
		return 0;
	sk = BPF_CORE_READ(socket, sk);
	if (!sk)
		return 0;
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if ((family != AF_INET && family != AF_INET6) || BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP)
		return 0;
	*inode = BPF_CORE_READ(node, i_ino);
	return sk;
}

static __always_inline struct connection *connection_of(struct sock *sk)
{
	u64 key = (u64)sk;

	return bpf_map_lookup_elem(&connections, &key);
}

static __always_inline struct connection *new_connection(struct sock *sk, u32 inode, u8 side)
{
	struct connection fresh = {};
	u64 key = (u64)sk;

	fresh.id = __sync_fetch_and_add(&last_connection_id, 1) + 1;
	fresh.inode = inode;
	fresh.side = side;
	fresh.pid = bpf_get_current_pid_tgid() >> 32;
	fresh.last_direction = 0xff;
	if (bpf_map_update_elem(&connections, &key, &fresh, BPF_ANY)) {
		COUNT(connections_untracked, 1);
		return 0;
	}
	return bpf_map_lookup_elem(&connections, &key);
}

/* Positions count from here on. */
static __always_inline void base_connection(struct sock *sk, struct connection *connection)
{
	connection->sequence[DIRECTION_OUT] = sequence_of(sk, DIRECTION_OUT);
	connection->sequence[DIRECTION_IN] = sequence_of(sk, DIRECTION_IN);
	connection->based = 1;
}

static __always_inline bool is_copied(u8 protocol)
{
	return protocol == PROTOCOL_UNDECIDED || protocol == PROTOCOL_HTTP1;
}

/*
 * Counts what moved since the last call on this direction without a call that
 * was seen. A FIN takes one number of its own, whether or not it was read.
 */
static __always_inline void count_trailing(struct sock *sk, struct connection *connection, u8 direction)
{
	u32 now, moved;

	if (!connection->based || !is_copied(connection->protocol) || !connection->announced)
		return;
	now = sequence_of(sk, direction);
	moved = now - connection->sequence[direction & 1];
	if (direction == DIRECTION_IN && moved == 1)
		moved = 0;
	if (moved == 0 || (s32)moved < 0)
		return;
	connection->sequence[direction & 1] = now;
	connection->position[direction & 1] += moved;
	COUNT(seen_bytes, moved);
	COUNT(unseen_bytes, moved);
}

#endif
