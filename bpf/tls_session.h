/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* TLS sessions: creation, inheritance across fork, and end; and the pending write of each. */
#ifndef TRACE_HTTP_TLS_SESSION_H
#define TRACE_HTTP_TLS_SESSION_H

#include "tls_calls.h"

/* The cookie of a probe: a function, a library, a stack offset, and the number of its file. */
#define COOKIE_FUNCTION(cookie) ((u8)(cookie))
#define COOKIE_LIBRARY(cookie) ((u8)((cookie) >> 8))
/* Bytes to be added to the stack pointer to get its value at the function's first instruction, or at its return. */
#define COOKIE_STACK(cookie) ((u16)((cookie) >> 16))
#define COOKIE_FILE(cookie) ((u32)((cookie) >> 32))

/*
 * A session seen for the first time; `flags` as in add_connection: two threads may first see a session at the same
 * moment. A separate function, as add_connection.
 */
static __noinline struct tls_session *new_session(u64 address, u64 cookie, u64 flags)
{
	struct tls_key key = {.address = address, .pid = bpf_get_current_pid_tgid() >> 32};
	struct tls_thread *thread = tls_thread(true);
	struct tls_session *fresh, *session;
	struct family *family;
	int error; /* before Linux 6.4, the upper half of what a map operation returns is undefined */

	if (!thread) {
		COUNT(connections_untracked, 1);
		return 0;
	}
	asm volatile("" : "+r"(thread)); /* 6.1: no offset may be added before the NULL check */
	fresh = &thread->fresh;
	__builtin_memset(fresh, 0, sizeof(*fresh));
	fresh->connection.id = __sync_fetch_and_add(&last_connection_id, 1) + 1;
	fresh->connection.transport = TRANSPORT_TLS;
	fresh->connection.pid = current_visible_pid();
	fresh->connection.last_direction = NO_DIRECTION;
	fresh->connection.request_direction = NO_DIRECTION;
	fresh->connection.late = 1; /* until the socket says otherwise */
	fresh->library = COOKIE_LIBRARY(cookie);
	fresh->file = COOKIE_FILE(cookie);
	family = bpf_map_lookup_elem(&families, &key.pid);
	if (family)
		fresh->forks = family->forks;
	error = bpf_map_update_elem(&tls_sessions, &key, fresh, flags);
	session = error && error != -EEXIST ? 0 : bpf_map_lookup_elem(&tls_sessions, &key);
	if (!session)
		COUNT(connections_untracked, 1);
	return session;
}

#define ANCESTORS 3 /* generations searched back for a session */

/*
 * The session that this process has in memory because an ancestor created it before forking: a server may do the
 * handshake, and a child the rest. It is the same stream, which the child's records continue. Global for the verifier's
 * sake.
 */
__noinline int trace_http_inherit(u64 address)
{
	struct tls_key own = {.address = address, .pid = bpf_get_current_pid_tgid() >> 32}, key = {.address = address};
	struct tls_session *session, *fresh;
	struct tls_thread *thread;
	struct family *family;
	u32 pid = own.pid;
	int error;

	for (u32 i = 0; i < ANCESTORS; i++) {
		u32 number;

		family = bpf_map_lookup_elem(&families, &pid);
		if (!family || !family->parent)
			return 0;
		number = family->number;
		pid = family->parent;
		key.pid = pid;
		/* Freed by the parent, which may have made another one at this address since. */
		key.number = number;
		session = bpf_map_lookup_elem(&tls_sessions, &key);
		if (!session) {
			key.number = 0;
			session = bpf_map_lookup_elem(&tls_sessions, &key);
			if (!session)
				continue;
			if (session->forks >= number)
				return 0; /* made after the child */
			session->shared = 1;
		}
		thread = tls_thread(true);
		if (!thread)
			return 0;
		asm volatile("" : "+r"(thread)); /* as in new_session */
		fresh = &thread->fresh;
		*fresh = *session;
		fresh->shared = 0;
		fresh->write.entered = 0;
		family = bpf_map_lookup_elem(&families, &own.pid);
		fresh->forks = family ? family->forks : 0;
		error = bpf_map_update_elem(&tls_sessions, &own, fresh, BPF_NOEXIST);
		return !error || error == -EEXIST; /* another thread of this process has done it */
	}
	return 0;
}

static __always_inline struct tls_session *session_at(u64 address, u64 cookie)
{
	struct tls_session *session = session_of(address);

	/* A child continues the shared one: whatever this process does with its copy is another stream. */
	if (session && !session->shared)
		return session;
	if (!session && trace_http_inherit(address)) {
		session = session_of(address);
		if (session)
			return session;
	}
	return new_session(address, cookie, session ? BPF_ANY : BPF_NOEXIST);
}

/* Its socket may carry another session. */
static __always_inline void unbind(struct tls_session *session)
{
	struct connection *connection;

	if (!session->socket)
		return;
	connection = connection_of((struct sock *)session->sock, TRANSPORT_TCP);
	if (connection && connection->id == session->socket)
		connection->bound = BOUND_BEFORE;
}

static __always_inline void end_session(u64 address)
{
	struct tls_key key = {.address = address, .pid = bpf_get_current_pid_tgid() >> 32};
	struct tls_session *session = session_of(address);
	struct family *family;

	if (!session)
		return;
	family = bpf_map_lookup_elem(&families, &key.pid);
	if (session->shared || (family && family->sharing && family->forks > session->forks)) {
		/* A child may continue it. It ends with its socket. */
		struct tls_key freed = {.address = address, .pid = key.pid, .number = family ? family->forks : 0};

		if (freed.number && !session->shared)
			bpf_map_update_elem(&tls_sessions, &freed, session, BPF_ANY);
		bpf_map_delete_elem(&tls_sessions, &key);
		return;
	}
	if (min_latency_us && session->connection.protocol == PROTOCOL_HTTP1)
		end_filter((struct sock *)address, &session->connection, TRANSPORT_TLS, SLOT_TLS);
	unbind(session);
	emit_closed(&session->connection);
	bpf_map_delete_elem(&tls_sessions, &key);
}

/*
 * A session starts over, perhaps on another socket. OpenSSL does the same when a handshake begins, even a session's
 * first.
 */
static __always_inline void clear_session(u64 address, u64 cookie, bool inside)
{
	struct tls_session *session = session_of(address);

	if (!session || (inside && !session->socket && !session->handshake_ended))
		return;
	end_session(address);
	if (!inside)
		return;
	session = new_session(address, cookie, BPF_ANY);
	if (session)
		session->handshake_started = bpf_ktime_get_boot_ns();
}

/* Ciphertext on its way to the library's output: a send of this process will begin with it. */
static __always_inline void expect_ciphertext(u64 address, u64 bytes, u64 length)
{
	struct tls_session *session = session_of(address);
	struct ciphertext_key key = {.pid = bpf_get_current_pid_tgid() >> 32};

	if (!session)
		return;
	session->writes_bio = 1;
	if (session->socket || length < CIPHERTEXT_SIZE)
		return;
	if (bpf_probe_read_user(key.bytes, sizeof(key.bytes), (void *)bytes) || !is_tls_record(key.bytes, CIPHERTEXT_SIZE))
		return;
	bpf_map_update_elem(&ciphertexts, &key, &address, BPF_ANY);
}

#define PENDING_WRITE 16384 /* the plaintext of one TLS record (RFC 8446 section 5.1) */
#define WRITE_CHANGING 1    /* `entered` while the rest is being changed */

/*
 * While one thread or goroutine writes, another one may read the peer's answer, and may even end the process: a write
 * that the answer proves to have been sent is reported then, before the answer, and not when it returns. Whether a
 * longer write was sent completely is known only when it returns.
 */
static __always_inline void begin_write(struct tls_session *session, struct tls_frame *frame, u64 goroutine, u64 length)
{
	u64 caller = goroutine ? goroutine : bpf_get_current_pid_tgid();
	u64 pending = session->write.entered;

	/* A call that the same caller has left, or has entered twice (see drop_left_frames), is replaced. */
	if (length > PENDING_WRITE || pending == WRITE_CHANGING || (pending && session->write.caller != caller))
		return;
	/* If another thread enters at this moment and wins, this one's write is reported when it returns. */
	if (__sync_val_compare_and_swap(&session->write.entered, pending, WRITE_CHANGING) != pending)
		return;
	session->write.caller = caller;
	session->write.buffer = frame->buffer;
	session->write.below = frame->below;
	session->write.length = length;
	frame->pending = 1;
	__sync_lock_test_and_set(&session->write.entered, frame->entered);
}

/*
 * A goroutine, or a thread (`goroutine` is 0), enters a call on a session; `length` is what it writes. Returns whether
 * the call's own bytes are to be reported. Global for the verifier's sake.
 */
__noinline int trace_http_begin_call(struct tls_session *session, struct tls_frames *frames, struct tls_frame *frame,
				     u64 goroutine, u64 length)
{
	bool go;

	if (!session || !frames || !frame)
		return 0;
	go = goroutine != 0;
	drop_left_frames(frames, frame, go);
	if (frame->moves && is_inner(frames, frame->session, frame->direction))
		frame->moves = 0;
	if (go && frame->moves && is_on_stack(goroutine, frame->buffer))
		frame->below = upper_stack_end(goroutine) - frame->buffer;
	if (frame->function == TLS_WRITE && frame->moves)
		begin_write(session, frame, goroutine, length);
	push_frame(frames, frame);
	return frame->moves;
}

/* False: the write has been reported already. */
static __always_inline bool end_write(struct tls_session *session, struct tls_frame *frame)
{
	u64 entered = frame->entered;

	return !frame->pending || __sync_val_compare_and_swap(&session->write.entered, entered, 0) == entered;
}

/* Reports the pending write, if any. Nothing is copied to the stack, which many functions share. */
static __always_inline void report_pending_write(struct tls_session *session, u64 address)
{
	u64 entered = *(volatile u64 *)&session->write.entered;
	struct work *work;

	if (!entered || entered == WRITE_CHANGING)
		return;
	work = begin_work(SLOT_TLS, session->write.length, 0, DIRECTION_OUT, TRANSPORT_TLS);
	if (!work)
		return;
	work->entered = entered;
	work->source = SOURCE_BUFFER;
	work->base = session->write.below ? upper_stack_end(session->write.caller) - session->write.below : session->write.buffer;
	work->left = work->remaining;
	/* Fails if it was changed meanwhile. */
	if (__sync_val_compare_and_swap(&session->write.entered, entered, 0) != entered)
		return;
	session->connection.pid = work->pid;
	work->sock = address;
	trace_http_work(work, &session->connection);
}

#endif
