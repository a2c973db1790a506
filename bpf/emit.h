/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes records to two rings: structure (rare, never crowded out), data. */
#ifndef TRACE_HTTP_EMIT_H
#define TRACE_HTTP_EMIT_H

#include "state.h"
#include <bpf/bpf_endian.h>

static __always_inline void fill_header(struct record_header *header, u16 type, u32 length, u64 connection, u32 pid)
{
	header->length = length;
	header->type = type;
	header->flags = 0;
	header->emitted = bpf_ktime_get_boot_ns();
	header->time = header->emitted;
	header->pid = pid;
	header->tid = (u32)bpf_get_current_pid_tgid();
	header->connection = connection;
}

/* As large as the largest structure record. Copied by one helper, as the verifier checks each store in each state. */
static const u8 zeros[sizeof(struct record_opened_unix)];

/* A structure record, zeroed except for its header; NULL, and counted, when the ring is full. */
static __always_inline void *reserve_structure(u16 type, const u32 size, u64 connection)
{
	void *record = bpf_ringbuf_reserve(&structure_ring, size, 0);

	COUNT(produced, 1);
	if (!record) {
		COUNT(dropped_structure, 1);
		return 0;
	}
	bpf_probe_read_kernel(record, size, zeros);
	fill_header(record, type, size, connection, current_visible_pid());
	return record;
}

/* The reader's timer suffices for structure, too; only a large backlog wakes it. */
static __always_inline void submit_structure(void *record)
{
	u64 waiting = bpf_ringbuf_query(&structure_ring, BPF_RB_AVAIL_DATA);

	bpf_ringbuf_submit(record, waiting > (512 << 10) ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
}

static __always_inline void submit_data(void *record)
{
	u64 waiting = bpf_ringbuf_query(&data_ring, BPF_RB_AVAIL_DATA);

	bpf_ringbuf_submit(record, waiting > wakeup_bytes ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
}

static __always_inline void fill_opened(struct record_opened *record, struct sock *sk, struct connection *connection)
{
	if (connection->late)
		record->header.flags |= FLAG_JOINED_LATE;
	record->header.pid = connection->pid;
	record->inode = connection->inode;
	record->connect_started = connection->connect_started;
	record->established = connection->established;
	record->side = connection->side;
	record->transport = connection->transport == TRANSPORT_UNIX ? TRANSPORT_UNIX : TRANSPORT_TCP;
	record->network_namespace = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	record->family = BPF_CORE_READ(sk, __sk_common.skc_family);
}

static __always_inline void fill_inet_addresses(struct record_opened *record, struct sock *sk)
{
	record->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	if (!record->local_port) /* released when the connection ended; the source port stays */
		record->local_port = bpf_ntohs(BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
	record->remote_port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (record->family == AF_INET6) {
		BPF_CORE_READ_INTO((struct in6_addr *)record->local_address, sk, __sk_common.skc_v6_rcv_saddr);
		BPF_CORE_READ_INTO((struct in6_addr *)record->remote_address, sk, __sk_common.skc_v6_daddr);
	} else {
		BPF_CORE_READ_INTO((__be32 *)record->local_address, sk, __sk_common.skc_rcv_saddr);
		BPF_CORE_READ_INTO((__be32 *)record->remote_address, sk, __sk_common.skc_daddr);
	}
}

/* In sockfs; 0 = no process has it yet. */
static __always_inline u32 inode_of(struct sock *sk)
{
	return BPF_CORE_READ(sk, sk_socket, file, f_inode, i_ino);
}

/* sun_path of one end; its length. */
static __always_inline u16 read_unix_path(struct sock *sk, char *path)
{
	const u32 family_size = 2;
	struct unix_address *address;
	u32 length;

	if (!sk)
		return 0;
	address = BPF_CORE_READ((struct unix_sock *)sk, addr);
	if (!address)
		return 0;
	length = BPF_CORE_READ(address, len);
	if (length <= family_size)
		return 0;
	length -= family_size;
	asm volatile("" : "+r"(length));
	if (length > UNIX_PATH_SIZE)
		length = UNIX_PATH_SIZE;
	asm volatile("" : "+r"(length)); /* 6.1 does not know the bound of a copy saved before the comparison */
	if (bpf_probe_read_kernel(path, length, (char *)address + bpf_core_field_offset(address->name) + family_size))
		return 0;
	return length;
}

/* Reports everything known about a session; its last record counts. Global for the verifier's sake, as trace_http_count. */
__noinline int trace_http_session(struct tls_session *session)
{
	struct record_tls *record;

	if (!session)
		return 0;
	record = reserve_structure(RECORD_TLS, sizeof(*record), session->connection.id);
	session->connection.announced = 1;
	if (!record)
		return 0;
	if (session->connection.late)
		record->header.flags |= FLAG_JOINED_LATE;
	record->header.pid = session->connection.pid;
	record->socket = session->socket;
	record->handshake_started = session->handshake_started;
	record->handshake_ended = session->handshake_ended;
	record->library = session->library;
	record->binding = session->binding;
	record->side = session->connection.side;
	record->alpn_length = session->alpn_length;
	record->file = session->file;
	__builtin_memcpy(record->alpn, session->alpn, sizeof(record->alpn));
	record->error = session->error;
	record->verification = session->verification;
	record->close_notify = session->close_notify;
	submit_structure(record);
	return 0;
}

static __always_inline void emit_tls(struct tls_session *session)
{
	trace_http_session(session);
}

/* The current task is ending, and its sockets with it. Meaningless if a program runs in an unrelated task. */
static __always_inline bool is_exiting(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return task->flags & PF_EXITING;
}

/*
 * The end of a direction, or a notice; each is reported once. ENDING_CLOSE only from the task that closes. Global for
 * the verifier's sake, as trace_http_count.
 */
__noinline int trace_http_ended(struct connection *connection, u32 direction, u32 ending, u32 error)
{
	struct record_ended *record;
	u64 time = 0;
	u8 bit;

	if (!connection || !connection->announced)
		return 0;
	if (ending == ENDING_PEER_FIN || ending == ENDING_PEER_RESET) {
		bit = ending == ENDING_PEER_FIN ? 1 : 2;
		if (connection->noticed & bit)
			return 0;
		connection->noticed |= bit;
		time = ending == ENDING_PEER_FIN ? connection->fin_time : connection->error_time;
	} else {
		bit = 1 << (direction & 1);
		if (connection->ended & bit)
			return 0;
		connection->ended |= bit;
		if (ending == ENDING_RESET)
			time = connection->error_time;
	}
	record = reserve_structure(RECORD_ENDED, sizeof(*record), connection->id);
	if (!record)
		return 0;
	if (time)
		record->header.time = time;
	if (ending == ENDING_CLOSE && is_exiting())
		record->header.flags |= FLAG_PROCESS_ENDED;
	record->header.pid = connection->pid;
	record->position = connection->position[direction & 1];
	record->error = error;
	record->direction = direction;
	record->ending = ending;
	submit_structure(record);
	return 0;
}

static __always_inline void emit_ended(struct connection *connection, u8 direction, u8 ending, u32 error)
{
	trace_http_ended(connection, direction, ending, error);
}

/* Reports ends that have arrived from the peer, whether or not the process has read up to them. */
static __always_inline void emit_notices(struct connection *connection)
{
	if (connection->fin_time)
		emit_ended(connection, DIRECTION_IN, ENDING_PEER_FIN, 0);
	if (connection->error)
		emit_ended(connection, DIRECTION_IN, ENDING_PEER_RESET, connection->error);
}

/* Announces a connection. Global for the verifier's sake, as trace_http_count. */
__noinline int trace_http_open(u64 socket, struct connection *connection)
{
	struct sock *sk = (struct sock *)socket;

	if (!connection || connection->announced)
		return 0;
	connection->announced = 1;
	if (connection->transport == TRANSPORT_TLS) {
		struct tls_session *session = session_of(socket);

		if (session)
			emit_tls(session);
	} else if (connection->transport == TRANSPORT_UNIX) {
		struct record_opened_unix *record = reserve_structure(RECORD_OPENED, sizeof(*record), connection->id);
		struct sock *peer;

		if (!record)
			return 0;
		fill_opened(&record->opened, sk, connection);
		record->local_length = read_unix_path(sk, record->local_path);
		peer = BPF_CORE_READ((struct unix_sock *)sk, peer);
		record->remote_length = read_unix_path(peer, record->remote_path);
		record->peer_inode = inode_of(peer);
		submit_structure(record);
	} else {
		struct record_opened *record = reserve_structure(RECORD_OPENED, sizeof(*record), connection->id);

		if (!record)
			return 0;
		fill_opened(record, sk, connection);
		fill_inet_addresses(record, sk);
		submit_structure(record);
		if (!connection->fin_time && BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_CLOSE_WAIT)
			connection->fin_time = bpf_ktime_get_boot_ns(); /* or earlier: before it was seen */
	}
	return 0;
}

static __always_inline void emit_opened(struct sock *sk, struct connection *connection)
{
	if (!connection->announced)
		trace_http_open((u64)sk, connection);
}

static __always_inline void emit_closed(struct connection *connection)
{
	struct record_closed *record;

	if (!connection->announced)
		return;
	record = reserve_structure(RECORD_CLOSED, sizeof(*record), connection->id);
	if (!record)
		return;
	record->header.pid = connection->pid;
	record->sent = connection->position[DIRECTION_OUT];
	record->received = connection->position[DIRECTION_IN];
	submit_structure(record);
}

/* Makes the helper inspect a process at once: its TLS library may be called within a millisecond. */
static __always_inline void notify_helper(u32 change, struct task_struct *task)
{
	struct process_event *event = bpf_ringbuf_reserve(&process_ring, __builtin_offsetof(struct process_event, inode), 0);

	if (!event)
		return; /* the helper also inspects every process from time to time */
	event->change = change;
	event->pid = visible_pid(task);
	bpf_ringbuf_submit(event, BPF_RB_FORCE_WAKEUP);
}

/* As above, with the executed program: the process may end before the helper can inspect it. */
static __always_inline void notify_helper_of_program(struct task_struct *task, struct linux_binprm *program)
{
	struct process_event *event = bpf_ringbuf_reserve(&process_ring, sizeof(*event), 0);

	if (!event)
		return;
	event->change = PROCESS_EXECUTED;
	event->pid = visible_pid(task);
	event->inode = BPF_CORE_READ(program, file, f_inode, i_ino);
	event->path[0] = 0;
	bpf_probe_read_kernel_str(event->path, sizeof(event->path), BPF_CORE_READ(program, interp));
	bpf_ringbuf_submit(event, BPF_RB_FORCE_WAKEUP);
}

#endif
