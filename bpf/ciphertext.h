/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The socket side of TLS: finds the session whose ciphertext a connection
 * carries, and reports the ciphertext. The readable part of the handshake is
 * copied; later bytes are only counted.
 */
#ifndef TRACE_HTTP_CIPHERTEXT_H
#define TRACE_HTTP_CIPHERTEXT_H

#include "classify.h"
#include "position.h"

#define HANDSHAKE_COPIED 16384 /* bytes of each direction that are copied: hellos, and the headers of records */
#define REPORT_INTERVAL 200000000ull /* ns between two count-only records of a busy direction */

/* Go keeps the current goroutine in a register, even during a system call. */
static __always_inline u64 read_goroutine(struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	return BPF_CORE_READ(regs, r14);
#elif defined(__TARGET_ARCH_arm64)
	return BPF_CORE_READ(regs, regs[28]);
#endif
}

/* The innermost call into a TLS library that the current thread has not returned from. */
static __always_inline u64 innermost_session(struct tls_frames *frames, u64 stack)
{
	for (u32 i = 0; i < MAX_FRAMES; i++) {
		u32 at = frames->depth - 1 - i;

		if (at >= MAX_FRAMES)
			return 0;
		if (frames->frame[at].stack > stack)
			return frames->frame[at].session;
	}
	return 0;
}

/* The session in whose call the current thread or goroutine makes a system call; 0 = none. */
static __always_inline u64 calling_session(u32 pid)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	struct tls_thread *thread = tls_thread(false);
	struct tls_key goroutine = {};
	struct tls_frames *frames;
	u64 address;

	address = thread ? innermost_session(&thread->frames, PT_REGS_SP_CORE(regs)) : 0;
	if (address)
		return address;
	goroutine.address = read_goroutine(regs);
	goroutine.pid = pid;
	frames = bpf_map_lookup_elem(&goroutines, &goroutine);
	return frames ? innermost_session(frames, 0) : 0;
}

/* A ClientHello or ServerHello that is not encrypted (RFC 8446 section 4): a session begins with it. */
static __always_inline bool is_hello(const u8 *bytes)
{
	return bytes[0] == 0x16 && bytes[1] == 3 && (bytes[5] == 1 || bytes[5] == 2) && bytes[9] == 3 && bytes[10] == 3;
}

static __always_inline void bind(struct tls_session *session, struct sock *sk, struct connection *connection, u8 direction, u8 binding,
				 bool hello, bool inside)
{
	if (session->socket)
		return;
	session->socket = connection->id;
	session->sock = (u64)sk;
	session->binding = binding;
	session->calls_socket = inside;
	session->connection.side = connection->side;
	/* Seen from the first byte of the connection or of the session: no plaintext can have been missed. */
	if (!connection->late && (hello || (!connection->tunnel && connection->position[direction & 1] == connection->inner[direction & 1])))
		session->connection.late = 0;
	connection->bound = BOUND;
	emit_opened(sk, connection);
	emit_tls(session);
}

/*
 * Finds the session of this call's ciphertext: by the bytes that the library
 * wrote, or else by the library call in which this call is made. For sends, the
 * latter proves nothing if the library writes to memory: a callback may send on
 * any socket. Global for the verifier's sake.
 */
__noinline int trace_http_bind(struct work *work, struct connection *connection)
{
	struct tls_session *session;
	struct ciphertext_key key = {};
	u64 *found, address;
	struct sock *sk;

	if (!work || !connection)
		return 0;
	sk = (struct sock *)work->sock;
	if (connection->bound == BOUND || (connection->protocol != PROTOCOL_TLS && connection->protocol != PROTOCOL_HTTP1 && !connection->tunnel))
		return 0;
	key.pid = bpf_get_current_pid_tgid() >> 32;
	if (work->source == SOURCE_NONE || work->left < CIPHERTEXT_SIZE ||
	    bpf_probe_read_user(key.bytes, sizeof(key.bytes), (void *)work->base))
		key.bytes[0] = 0;
	if (connection->tunnel && !is_tls_record(key.bytes, CIPHERTEXT_SIZE))
		return 0;
	/* After plaintext HTTP messages (RFC 2817), a session also begins with a hello. */
	if ((connection->bound == BOUND_BEFORE || (connection->protocol != PROTOCOL_TLS && !connection->tunnel)) && !is_hello(key.bytes))
		return 0;
	address = calling_session(key.pid);
	if (work->direction == DIRECTION_OUT && key.bytes[0]) {
		found = bpf_map_lookup_elem(&ciphertexts, &key);
		if (found) {
			session = session_of(*found);
			if (session)
				bind(session, sk, connection, work->direction, TLS_BINDING_CIPHERTEXT, is_hello(key.bytes), *found == address);
			bpf_map_delete_elem(&ciphertexts, &key);
			return 0;
		}
	}
	session = address ? session_of(address) : 0;
	if (!session || (work->direction == DIRECTION_OUT && session->writes_bio))
		return 0;
	bind(session, sk, connection, work->direction, TLS_BINDING_CALL, is_hello(key.bytes), true);
	return 0;
}

/* Reports the bytes of one direction that no record covers yet, up to `end`. */
static __always_inline void report_ciphertext(struct connection *connection, u32 slot, u8 direction, u64 end, u64 time)
{
	u64 from = connection->reported[direction & 1];
	struct work *kept;

	if (end <= from)
		return;
	kept = other_moment(connection, slot, direction, from, time);
	if (!kept)
		return;
	trace_http_omit(kept, end - from, OMISSION_PROTOCOL);
	connection->reported[direction & 1] = end;
	connection->ciphertext_time[direction & 1] = time;
}

/*
 * Decides how much of a call's ciphertext is copied, if any; the rest is
 * reported from time to time. Returns a verdict. Global for the verifier's sake.
 */
__noinline int trace_http_ciphertext(struct work *work, struct connection *connection)
{
	struct sock *sk;
	u8 direction;

	if (!work || !connection)
		return VERDICT_NOTHING;
	sk = (struct sock *)work->sock;
	direction = work->direction & 1;
	trace_http_place(work, connection);
	emit_opened(sk, connection);
	if (work->unseen) {
		report_ciphertext(connection, work->slot, direction, work->position - work->unseen, work->time);
		connection->reported[direction] = work->position - work->unseen;
	}
	if (!connection->late && work->position < HANDSHAKE_COPIED) {
		work->allowed = HANDSHAKE_COPIED - work->position;
		if (work->allowed > work->remaining)
			work->allowed = work->remaining;
		work->beyond = work->remaining - work->allowed;
		work->remaining = work->allowed;
	} else if (work->unseen) {
		work->beyond = work->remaining;
		work->remaining = 0;
	} else {
		if (work->time - connection->ciphertext_time[direction] >= REPORT_INTERVAL)
			report_ciphertext(connection, work->slot, direction, connection->position[direction], work->time);
		return VERDICT_NOTHING;
	}
	connection->reported[direction] = connection->position[direction];
	connection->ciphertext_time[direction] = work->time;
	return VERDICT_COPY;
}

/* The connection is gone. */
static __always_inline void end_ciphertext(struct connection *connection, u32 slot)
{
	u64 now = bpf_ktime_get_boot_ns();

	if (!connection->announced)
		return;
	report_ciphertext(connection, slot, DIRECTION_OUT, connection->position[DIRECTION_OUT], now);
	report_ciphertext(connection, slot, DIRECTION_IN, connection->position[DIRECTION_IN], now);
}

#endif
