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

#include "breaks.h"
#include "nss.h"
#include "tls_results.h"

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
	if (function >= TLS_SEND && function <= TLS_SEND_MESSAGE) {
		trace_http_break_send(arguments.first, arguments.second, arguments.third, function);
		return 0;
	}
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
	inner = function == TLS_BIO_WRITE || function == TLS_ERROR || function == TLS_PUT_ERROR || function == TLS_CLEAR;
	if (go) {
		goroutine = read_goroutine(regs);
		frames = goroutine_frames(goroutine, true);
	} else {
		/* A BIO and an error matter only inside a call of a session. */
		frames = thread_frames(!inner);
	}
	if (function == TLS_CLEAR) {
		clear_session(arguments.first, cookie, frames && innermost_session(frames, PT_REGS_SP_CORE(regs)) == arguments.first);
		return 0;
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
	if (trace_http_begin_call(session, frames, &frame, goroutine, arguments.third) && !go &&
	    (function == TLS_WRITE || function == TLS_WRITE_EX || function == TLS_WRITE_EX2))
		trace_http_break(arguments.second, arguments.third, 1);
	return 0;
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
		/* NSPR's functions read files, too; and a uretprobe sees no return of a call whose entry it missed. */
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
		/*
		 * Go keeps the error, so this session has ended. A later one may get its address: net/http closes only the socket.
		 */
		if (go && !is_done(moved, library))
			end_session(frame->session);
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
	if (!go)
		work->caller = CALLER_KNOWN;
#if defined(__TARGET_ARCH_x86)
	work->floor = frame->stack + sizeof(u64); /* past the return address */
#else
	work->floor = frame->stack;
#endif
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
