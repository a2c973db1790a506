/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads plaintext by uprobes on the functions of TLS libraries. A session is
 * a connection of its own, whose bytes are the plaintext. Its socket is found
 * by ciphertext or by the socket call that is made inside the library's call,
 * never by calls that merely happen at about the same time.
 *
 * One program runs at every entry, and one at every return; the probe's
 * cookie says which function it is.
 */
#ifndef TRACE_HTTP_TLS_H
#define TRACE_HTTP_TLS_H

#include "data.h"
#include "nss.h"

/* The cookie of a probe: a function, a library, how its return is seen, and the number of its file. */
#define COOKIE_FUNCTION(cookie) ((u8)(cookie))
#define COOKIE_LIBRARY(cookie) ((u8)((cookie) >> 8))
/* Bytes to be added to the stack pointer to get its value at the function's first instruction, or at its return. */
#define COOKIE_STACK(cookie) ((u16)((cookie) >> 16))
#define COOKIE_FILE(cookie) ((u32)((cookie) >> 32))

/* Arguments and results by the calling convention of C, or of Go's ABIInternal (cmd/compile/abi-internal.md). */
struct tls_arguments {
	u64 first, second, third, fourth, fifth;
};

static __always_inline struct tls_arguments read_tls_arguments(struct pt_regs *regs, bool go)
{
	struct tls_arguments arguments = {};

#if defined(__TARGET_ARCH_x86)
	if (go) {
		arguments.first = BPF_CORE_READ(regs, ax);
		arguments.second = BPF_CORE_READ(regs, bx);
		arguments.third = BPF_CORE_READ(regs, cx);
		return arguments;
	}
#endif
	arguments.first = PT_REGS_PARM1_CORE(regs);
	arguments.second = PT_REGS_PARM2_CORE(regs);
	arguments.third = PT_REGS_PARM3_CORE(regs);
	if (go)
		return arguments;
	arguments.fourth = PT_REGS_PARM4_CORE(regs);
	arguments.fifth = PT_REGS_PARM5_CORE(regs);
	return arguments;
}

static __always_inline struct tls_frames *thread_frames(bool create)
{
	struct tls_thread *thread = tls_thread(create);

	if (!thread)
		return 0;
	asm volatile("" : "+r"(thread)); /* no offset is added before the check: 6.1 does not allow it */
	return &thread->frames;
}

/* A goroutine moves between threads, so its calls are kept by its own address. */
static __always_inline struct tls_frames *goroutine_frames(u64 goroutine, bool create)
{
	struct tls_key key = {.address = goroutine, .pid = bpf_get_current_pid_tgid() >> 32};
	struct tls_frames *frames = bpf_map_lookup_elem(&goroutines, &key);
	u32 slot = 0;

	if (frames || !create)
		return frames;
	frames = bpf_map_lookup_elem(&no_frames, &slot);
	if (!frames || bpf_map_update_elem(&goroutines, &key, frames, BPF_ANY))
		return 0;
	return bpf_map_lookup_elem(&goroutines, &key);
}

/* A function of its own, as new_connection: its value is large. */
static __noinline struct tls_session *new_session(u64 address, u64 cookie)
{
	struct tls_key key = {.address = address, .pid = bpf_get_current_pid_tgid() >> 32};
	struct tls_session *blank, *session;
	struct family *family;
	u32 slot = 0;

	blank = bpf_map_lookup_elem(&blank_session, &slot);
	if (!blank || bpf_map_update_elem(&tls_sessions, &key, blank, BPF_ANY)) {
		COUNT(connections_untracked, 1);
		return 0;
	}
	session = bpf_map_lookup_elem(&tls_sessions, &key);
	if (!session)
		return 0;
	session->connection.id = __sync_fetch_and_add(&last_connection_id, 1) + 1;
	session->connection.transport = TRANSPORT_TLS;
	session->connection.pid = current_visible_pid();
	session->connection.last_direction = NO_DIRECTION;
	session->connection.request_direction = NO_DIRECTION;
	session->connection.late = 1; /* until the socket says otherwise */
	session->library = COOKIE_LIBRARY(cookie);
	session->file = COOKIE_FILE(cookie);
	family = bpf_map_lookup_elem(&families, &key.pid);
	if (family)
		session->forks = family->forks;
	return session;
}

#define ANCESTORS 3 /* generations that are looked back for a session */

/*
 * The session that this process has in its memory because an ancestor made it before it forked: a server may do the
 * handshake, and a child the rest. It is the same stream, of which the child reports what follows. Global for the
 * verifier's sake.
 */
__noinline int trace_http_inherit(u64 address)
{
	struct tls_key own = {.address = address, .pid = bpf_get_current_pid_tgid() >> 32}, key = {.address = address};
	struct tls_session *session;
	struct family *family;
	u32 pid = own.pid;

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
		if (bpf_map_update_elem(&tls_sessions, &own, session, BPF_ANY))
			return 0;
		session = bpf_map_lookup_elem(&tls_sessions, &own);
		if (!session)
			return 0;
		session->shared = 0;
		session->write.entered = 0;
		family = bpf_map_lookup_elem(&families, &own.pid);
		session->forks = family ? family->forks : 0;
		return 1;
	}
	return 0;
}

static __always_inline struct tls_session *session_at(u64 address, u64 cookie)
{
	struct tls_session *session = session_of(address);

	/* A child goes on with the shared one: whatever this process does with its copy is another stream. */
	if (session && !session->shared)
		return session;
	if (!session && trace_http_inherit(address)) {
		session = session_of(address);
		if (session)
			return session;
	}
	return new_session(address, cookie);
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
		/* A child may go on with it. It ends with its socket. */
		struct tls_key freed = {.address = address, .pid = key.pid, .number = family ? family->forks : 0};

		if (freed.number && !session->shared)
			bpf_map_update_elem(&tls_sessions, &freed, session, BPF_ANY);
		bpf_map_delete_elem(&tls_sessions, &key);
		return;
	}
	if (min_latency_us && session->connection.protocol == PROTOCOL_HTTP1)
		end_filter((struct sock *)address, &session->connection, TRANSPORT_TLS, SLOT_TLS);
	emit_closed(&session->connection);
	bpf_map_delete_elem(&tls_sessions, &key);
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

/*
 * Removes frames whose return was not seen. The stack grows down, so such a frame is not above the new one. A Go
 * function whose stack is too small, or that is preempted, is entered again at its first instruction.
 */
static __always_inline void drop_left_frames(struct tls_frames *frames, struct tls_frame *frame, bool go)
{
	u32 depth = frames->depth;

	for (u32 i = 0; i < MAX_FRAMES; i++) {
		struct tls_frame *top;

		if (depth == 0 || depth > MAX_FRAMES)
			break;
		top = &frames->frame[(depth - 1) & (MAX_FRAMES - 1)];
		if (go ? top->function != frame->function || top->session != frame->session : top->stack > frame->stack)
			break;
		depth--;
	}
	frames->depth = depth;
}

static __always_inline void push_frame(struct tls_frames *frames, struct tls_frame *frame)
{
	u32 depth = frames->depth;

	if (depth >= MAX_FRAMES) {
		COUNT(calls_untracked, 1);
		depth = MAX_FRAMES - 1;
	}
	frames->frame[depth & (MAX_FRAMES - 1)] = *frame;
	frames->depth = depth + 1;
}

/* Removes the frame that a return belongs to, and all that were entered inside it. */
static __always_inline struct tls_frame *pop_frame(struct tls_frames *frames, u8 function, u64 stack, bool go)
{
	u32 depth = frames->depth;

	for (u32 i = 0; i < MAX_FRAMES; i++) {
		struct tls_frame *top;

		if (depth == 0 || depth > MAX_FRAMES)
			return 0;
		depth--;
		top = &frames->frame[depth & (MAX_FRAMES - 1)];
		/* After the return instruction the stack is one word shorter than before it. */
		if (top->function == function && (go || stack - top->stack <= sizeof(u64))) {
			frames->depth = depth;
			return top;
		}
	}
	return 0;
}

/* True when an outer call of the same kind on the same session reports the bytes of this one, too. */
static __always_inline bool is_inner(struct tls_frames *frames, u64 session, u8 direction)
{
	u32 depth = frames->depth;

	for (u32 i = 0; i < MAX_FRAMES; i++) {
		struct tls_frame *frame = &frames->frame[i];

		if (i >= depth)
			break;
		if (frame->session == session && frame->moves && frame->direction == direction)
			return true;
	}
	return false;
}

/* A Go stack that grew meanwhile lies elsewhere; distances from its upper end stay. */
static __always_inline u64 upper_stack_end(u64 goroutine)
{
	u64 bounds[2] = {}; /* runtime.g begins with stack.lo and stack.hi */

	bpf_probe_read_user(bounds, sizeof(bounds), (void *)goroutine);
	return bounds[1];
}

static __always_inline bool is_on_stack(u64 goroutine, u64 address)
{
	u64 bounds[2] = {};

	return !bpf_probe_read_user(bounds, sizeof(bounds), (void *)goroutine) && address >= bounds[0] && address < bounds[1];
}

#define PENDING_WRITE 16384 /* the plaintext of one TLS record (RFC 8446 section 5.1) */
#define WRITE_CHANGING 1    /* `entered` while the rest is being changed */

/*
 * While one thread or goroutine writes, another one may read what the peer answers, and may even end the process: a
 * write that the answer shows to have been sent is reported then, before the answer, and not when it returns. Whether
 * all of a longer write has been sent is known only when it returns.
 */
static __always_inline void begin_write(struct tls_session *session, struct tls_frame *frame, u64 goroutine, u64 length)
{
	u64 caller = goroutine ? goroutine : bpf_get_current_pid_tgid();
	u64 pending = session->write.entered;

	/* A call that the same caller has left, or has entered twice (see drop_left_frames), is replaced. */
	if (length > PENDING_WRITE || pending == WRITE_CHANGING || (pending && session->write.caller != caller))
		return;
	/* Who does not get it, as another one enters in this moment, reports its write when it returns. */
	if (__sync_val_compare_and_swap(&session->write.entered, pending, WRITE_CHANGING) != pending)
		return;
	session->write.caller = caller;
	session->write.buffer = frame->buffer;
	session->write.below = frame->below;
	session->write.length = length;
	frame->pending = 1;
	__sync_lock_test_and_set(&session->write.entered, frame->entered);
}

/* False: the write has been reported already. */
static __always_inline bool end_write(struct tls_session *session, struct tls_frame *frame)
{
	u64 entered = frame->entered;

	return !frame->pending || __sync_val_compare_and_swap(&session->write.entered, entered, 0) == entered;
}

/* Reports the write that has not returned, if there is one. Nothing is copied to the stack, which many functions share. */
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
	/* Then nobody has changed it meanwhile. */
	if (__sync_val_compare_and_swap(&session->write.entered, entered, 0) != entered)
		return;
	session->connection.pid = work->pid;
	work->sock = address;
	trace_http_work(work, &session->connection);
}

#define ERR_LIB_SSL 20        /* of OpenSSL; the library that an error belongs to */
#define ERR_LIB_SSL_BORING 16 /* of BoringSSL */
#define UNEXPECTED_EOF 294    /* SSL_R_UNEXPECTED_EOF_WHILE_READING */

/* An error that the library raises inside a call of a session. */
static __always_inline void fail_session(u64 address, u8 library, u64 owner, u64 reason)
{
	struct tls_session *session = address ? session_of(address) : 0;

	if (!session || (u32)owner != (library == TLS_LIBRARY_BORINGSSL ? ERR_LIB_SSL_BORING : ERR_LIB_SSL) || !(u32)reason)
		return;
	session->error = reason;
	if (library != TLS_LIBRARY_BORINGSSL && (u32)reason == UNEXPECTED_EOF)
		session->close_notify = CLOSE_NOTIFY_ABSENT;
	emit_tls(session);
}

SEC("uprobe")
int trace_http_tls_enter(struct pt_regs *regs)
{
	struct tls_arguments arguments;
	struct tls_frame frame = {};
	struct tls_frames *frames;
	struct tls_session *session;
	u64 cookie, goroutine = 0;
	u8 function, library;
	bool go, inner;

	if (!current_target())
		return 0;
	cookie = bpf_get_attach_cookie(regs);
	function = COOKIE_FUNCTION(cookie);
	library = COOKIE_LIBRARY(cookie);
	go = library == TLS_LIBRARY_GO;
	if (function == TLS_LOADER_STATE) {
		notify_helper(PROCESS_MAPPED, (struct task_struct *)bpf_get_current_task());
		return 0;
	}
	if (function == TLS_IMPORT)
		return 0;
	arguments = read_tls_arguments(regs, go);
	if (library == TLS_LIBRARY_NSS) {
		arguments.first = trace_http_nss_session(arguments.first);
		if (!arguments.first || (function == TLS_SHUTDOWN && (u32)arguments.second == NSPR_SHUTDOWN_RECEIVE))
			return 0;
	}
	if (function == TLS_SHUTDOWN) {
		/* Nothing more will be written, whether or not it succeeds. */
		session = session_of(arguments.first);
		if (session)
			emit_ended(&session->connection, DIRECTION_OUT, ENDING_FIN, 0);
		return 0;
	}
	if (function == TLS_FREE) {
		end_session(arguments.first);
		return 0;
	}
	inner = function == TLS_BIO_WRITE || function == TLS_ERROR || function == TLS_PUT_ERROR;
	if (go) {
		goroutine = read_goroutine(regs);
		frames = goroutine_frames(goroutine, true);
	} else {
		/* A BIO and an error matter only inside a call of a session. */
		frames = thread_frames(!inner);
	}
	if (!frames) {
		if (!inner)
			COUNT(calls_untracked, 1);
		return 0;
	}
	if (function == TLS_ERROR || function == TLS_PUT_ERROR) {
		fail_session(innermost_session(frames, PT_REGS_SP_CORE(regs)), library, arguments.first,
			     function == TLS_ERROR ? arguments.second : arguments.third);
		return 0;
	}
	if (function == TLS_BIO_WRITE) {
		u64 address = innermost_session(frames, PT_REGS_SP_CORE(regs));

		if (address)
			expect_ciphertext(address, arguments.second, (u32)arguments.third);
		return 0;
	}
	session = session_at(arguments.first, cookie);
	if (!session)
		return 0;
	frame.entered = bpf_ktime_get_boot_ns();
	frame.session = arguments.first;
	frame.buffer = arguments.second;
	frame.stack = PT_REGS_SP_CORE(regs) + COOKIE_STACK(cookie);
	frame.function = function;
	switch (function) {
	case TLS_READ:
	case TLS_READ_EX:
	case TLS_READ_INNER:
	case TLS_READ_EARLY:
		frame.direction = DIRECTION_IN;
		frame.moves = 1;
		frame.out = arguments.fourth;
		break;
	case TLS_RECEIVE:
		frame.direction = DIRECTION_IN;
		frame.moves = !(arguments.fourth & MSG_PEEK); /* PR_MSG_PEEK is the same */
		break;
	case TLS_WRITE:
	case TLS_WRITE_EX:
	case TLS_WRITE_EARLY:
		frame.direction = DIRECTION_OUT;
		frame.moves = 1;
		frame.out = arguments.fourth;
		break;
	case TLS_WRITE_EX2:
		frame.direction = DIRECTION_OUT;
		frame.moves = 1;
		frame.out = arguments.fifth;
		break;
	case TLS_WRITE_VECTOR:
		frame.direction = DIRECTION_OUT;
		frame.moves = 1;
		frame.out = (u32)arguments.third;
		break;
	case TLS_FLUSH:
		/* Neither its inner writes nor the call itself is reported again. */
		frame.direction = DIRECTION_OUT;
		frame.moves = 1;
		break;
	case TLS_SENDFILE:
		frame.direction = DIRECTION_OUT;
		frame.moves = 1;
		frame.buffer = 0;
		break;
	case TLS_HANDSHAKE:
	case TLS_STEP:
		if (!session->handshake_started)
			session->handshake_started = frame.entered;
		break;
	case TLS_ALPN:
		/* gnutls_datum_t holds both. */
		frame.out = library == TLS_LIBRARY_GNUTLS ? arguments.second + sizeof(u64) : arguments.third;
		if (library == TLS_LIBRARY_NSS) {
			frame.buffer = arguments.third;
			frame.out = arguments.fourth;
		}
		break;
	}
	drop_left_frames(frames, &frame, go);
	if (frame.moves && is_inner(frames, frame.session, frame.direction))
		frame.moves = 0;
	if (go && frame.moves && is_on_stack(goroutine, frame.buffer))
		frame.below = upper_stack_end(goroutine) - frame.buffer;
	if (function == TLS_WRITE && frame.moves)
		begin_write(session, &frame, goroutine, arguments.third);
	push_frame(frames, &frame);
	return 0;
}

/* The result of a function, if it is a number: GnuTLS's is ssize_t and Go's int has 64 bits, all others are int. */
static __always_inline s64 number_of(u64 result, u8 library)
{
	return library == TLS_LIBRARY_GNUTLS || library == TLS_LIBRARY_GO ? (s64)result : (s32)result;
}

/* Whether a handshake is complete: OpenSSL, BoringSSL and wolfSSL return 1, the others 0, Go a nil error. */
static __always_inline bool is_done(u64 result, u8 library)
{
	if (library == TLS_LIBRARY_GO)
		return result == 0;
	return (s32)result ==
	       (library == TLS_LIBRARY_OPENSSL || library == TLS_LIBRARY_BORINGSSL || library == TLS_LIBRARY_WOLFSSL ? 1 : 0);
}

/* How many bytes a call moved; 0 = none, negative = it failed or would block. */
static __always_inline s64 moved_bytes(struct tls_frame *frame, u64 result, u8 library)
{
	u64 size = 0;

	/* wolfSSL and Mbed TLS return the size of early data, too; 0 is not the end of the stream. */
	if (frame->function == TLS_READ_EARLY && (library == TLS_LIBRARY_WOLFSSL || library == TLS_LIBRARY_MBEDTLS))
		return (s32)result > 0 ? (s32)result : -1;
	switch (frame->function) {
	case TLS_READ_EX:
	case TLS_READ_INNER:
	case TLS_WRITE_EX:
	case TLS_WRITE_EX2:
	case TLS_READ_EARLY:
	case TLS_WRITE_EARLY:
		/* SSL_READ_EARLY_DATA_FINISH is 2: the end of early data, without bytes. */
		if ((s32)result != 1 || bpf_probe_read_user(&size, sizeof(size), (void *)frame->out))
			return -1;
		return size;
	default:
		return number_of(result, library);
	}
}

#define MBEDTLS_CLOSE_NOTIFY (-0x7880) /* MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY */

/* close_notify was read; an error is negative. Go reports the end by an error and 0 bytes, Mbed TLS by an error. */
static __always_inline bool is_end(s64 moved, u8 library)
{
	return library == TLS_LIBRARY_MBEDTLS ? moved == 0 || moved == MBEDTLS_CLOSE_NOTIFY : moved == 0 && library != TLS_LIBRARY_GO;
}

/* A read has returned that began before the trace: its buffer and its session are unknown. */
static __always_inline void miss_read(u8 function, u8 library, u64 result)
{
	s64 moved = number_of(result, library);
	u32 pid = bpf_get_current_pid_tgid() >> 32;

	/* SSL_read_ex returns 1; how many bytes is behind an argument that is gone. */
	if ((function == TLS_READ || function == TLS_READ_EX || function == TLS_READ_INNER) && moved > 0)
		bpf_map_update_elem(&missed_reads, &pid, &moved, BPF_ANY);
}

/* Where the name is, and how long it is: each library has its own way to return them. */
static __always_inline bool locate_alpn(struct tls_frame *frame, u64 result, u8 library, u64 *name, u32 *length)
{
	char text[ALPN_SIZE + 1];
	long size;

	if (library == TLS_LIBRARY_MBEDTLS) {
		*name = result;
		size = bpf_probe_read_user_str(text, sizeof(text), (void *)result);
		/* With its NUL; a longer one is cut. */
		*length = size > 0 && size <= ALPN_SIZE ? size - 1 : 0;
		return true;
	}
	if (bpf_probe_read_user(length, sizeof(*length), (void *)frame->out))
		return false;
	/* wolfSSL_ALPN_GetProtocol has 16 bits for it. */
	if (library == TLS_LIBRARY_WOLFSSL)
		*length = (u16)*length;
	if (library == TLS_LIBRARY_NSS) {
		*name = frame->buffer;
		return (s32)result == 0;
	}
	return !bpf_probe_read_user(name, sizeof(*name), (void *)frame->buffer);
}

static __always_inline void read_alpn(struct tls_session *session, struct tls_frame *frame, u64 result, u8 library)
{
	u64 name = 0;
	u32 length = 0;

	if (!locate_alpn(frame, result, library, &name, &length))
		return;
	if (!name || length == 0 || length > ALPN_SIZE || session->alpn_length)
		return;
	asm volatile("" : "+r"(length));
	if (length > ALPN_SIZE)
		return;
	if (bpf_probe_read_user(session->alpn, length, (void *)name))
		return;
	session->alpn_length = length;
	emit_tls(session);
}

#define GNUTLS_E_INTERRUPTED (-52)
#define GNUTLS_E_AGAIN (-28)
#define GNUTLS_E_WARNING_ALERT_RECEIVED (-16)
#define GNUTLS_E_PREMATURE_TERMINATION (-110)

/* A call of GnuTLS returned an error. */
static __always_inline void fail_gnutls(struct tls_session *session, s32 result)
{
	if (result >= 0 || result == GNUTLS_E_AGAIN || result == GNUTLS_E_INTERRUPTED || result == GNUTLS_E_WARNING_ALERT_RECEIVED)
		return;
	session->error = -result;
	if (result == GNUTLS_E_PREMATURE_TERMINATION)
		session->close_notify = CLOSE_NOTIFY_ABSENT;
	emit_tls(session);
}

/*
 * A read returned no bytes: whether because of the peer's close_notify. OpenSSL says so with 0, but also when the
 * stream has ended and the program wants that ignored (SSL_OP_IGNORE_UNEXPECTED_EOF), so it is certain only if the
 * end of the stream would have been read inside a call of the library, and was not.
 */
static __always_inline void end_of_reading(struct tls_session *session, u8 library, s64 result)
{
	if (library == TLS_LIBRARY_GNUTLS) {
		if (result == 0)
			session->close_notify = CLOSE_NOTIFY_READ;
		else
			fail_gnutls(session, result);
	} else if (library == TLS_LIBRARY_OPENSSL && !session->close_notify) {
		if (session->stream_ended && session->calls_socket)
			session->close_notify = CLOSE_NOTIFY_ABSENT;
		else if (result == 0 && session->calls_socket)
			session->close_notify = CLOSE_NOTIFY_READ;
	} else {
		return;
	}
	if (session->close_notify)
		emit_tls(session);
}

SEC("uprobe")
int trace_http_tls_leave(struct pt_regs *regs)
{
	struct tls_session *session;
	struct tls_frames *frames;
	struct tls_frame *frame;
	u8 function, library;
	struct work *work;
	u64 cookie, goroutine = 0, buffer;
	struct call call = {};
	s64 moved, result;
	bool go;

	if (!current_target())
		return 0;
	cookie = bpf_get_attach_cookie(regs);
	function = COOKIE_FUNCTION(cookie);
	library = COOKIE_LIBRARY(cookie);
	go = library == TLS_LIBRARY_GO;
	if (function == TLS_LOADER_STATE) {
		notify_helper(PROCESS_MAPPED, (struct task_struct *)bpf_get_current_task());
		return 0;
	}
	if (function == TLS_IMPORT) {
		buffer = learn_nss_session(PT_REGS_RC_CORE(regs));
		/* A new one, even if the end of an older one at the same address was not seen. */
		end_session(buffer);
		if (buffer)
			session_at(buffer, cookie);
		return 0;
	}
	if (go) {
		goroutine = read_goroutine(regs);
		frames = goroutine_frames(goroutine, false);
	} else {
		frames = thread_frames(false);
	}
	frame = frames ? pop_frame(frames, function, PT_REGS_SP_CORE(regs) + COOKIE_STACK(cookie), go) : 0;
	if (!frame) {
		/* NSPR's reads are those of files, too; and a uretprobe sees no return of a call that it has not seen begin. */
		if (library != TLS_LIBRARY_NSS)
			miss_read(function, library, PT_REGS_RC_CORE(regs));
		return 0;
	}
	session = session_of(frame->session);
	if (!session)
		return 0;
	moved = PT_REGS_RC_CORE(regs);
	if (function == TLS_ALPN) {
		read_alpn(session, frame, moved, library);
		return 0;
	}
	if (function == TLS_HANDSHAKE) {
		if (is_done(moved, library) && !session->handshake_ended) {
			session->handshake_ended = bpf_ktime_get_boot_ns();
			emit_tls(session);
		}
		if (library == TLS_LIBRARY_GNUTLS)
			fail_gnutls(session, moved);
		return 0;
	}
	if (function == TLS_VERIFICATION) {
		if (session->verification != (u32)moved) {
			session->verification = moved;
			emit_tls(session);
		}
		return 0;
	}
	if (function == TLS_CLOSE) {
		end_session(frame->session);
		return 0;
	}
	if (!frame->moves || function == TLS_FLUSH || !end_write(session, frame))
		return 0;
	result = moved;
	moved = moved_bytes(frame, moved, library);
	if (moved > 0 && frame->direction == DIRECTION_IN)
		report_pending_write(session, frame->session);
	if (moved <= 0) {
		/* The end was read; an error is negative. */
		if (frame->direction != DIRECTION_IN || frame->function == TLS_READ_EARLY)
			return 0;
		result = frame->function == TLS_READ_EX ? -1 : number_of(result, library); /* SSL_read_ex: 0 is an error, too */
		end_of_reading(session, library, result);
		if (is_end(result, library) || session->close_notify)
			emit_ended(&session->connection, DIRECTION_IN, ENDING_READ_EOF, 0);
		return 0;
	}
	buffer = frame->below ? upper_stack_end(goroutine) - frame->below : frame->buffer;
	call.entered = frame->entered;
	work = begin_work(SLOT_TLS, moved, &call, frame->direction, TRANSPORT_TLS);
	if (!work)
		return 0;
	work->source = function == TLS_SENDFILE ? SOURCE_NONE : SOURCE_BUFFER;
	work->base = buffer;
	work->left = function == TLS_SENDFILE ? 0 : moved;
	if (function == TLS_WRITE_VECTOR) {
		work->source = library == TLS_LIBRARY_NSS ? SOURCE_NSPR_SEGMENTS : SOURCE_USER_SEGMENTS;
		work->segments = buffer;
		work->segment_count = frame->out;
		work->base = 0;
		work->left = 0;
	}
	session->connection.pid = work->pid;
	work->sock = frame->session;
	trace_http_work(work, &session->connection);
	return 0;
}

#endif
