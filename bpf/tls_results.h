/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Interprets the results of TLS functions: bytes, ends, errors and the ALPN protocol, which differ between libraries. */
#ifndef TRACE_HTTP_TLS_RESULTS_H
#define TRACE_HTTP_TLS_RESULTS_H

#include "tls_session.h"

#define ERR_LIB_SSL 20        /* of OpenSSL; the library that an error belongs to */
#define ERR_LIB_SSL_BORING 16 /* of BoringSSL */
#define UNEXPECTED_EOF 294    /* SSL_R_UNEXPECTED_EOF_WHILE_READING */

/* The library raises an error inside a call on a session. */
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

/* A read that began before the trace has returned: its buffer and its session are unknown. */
static __always_inline void miss_read(u8 function, u8 library, u64 result)
{
	s64 moved = number_of(result, library);
	u32 pid = bpf_get_current_pid_tgid() >> 32;

	/* SSL_read_ex returns 1; the address of its byte count is lost. */
	if ((function == TLS_READ || function == TLS_READ_EX || function == TLS_READ_INNER) && moved > 0)
		bpf_map_update_elem(&missed_reads, &pid, &moved, BPF_ANY);
}

/* Finds the name and its length, which each library returns in its own way. */
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
 * A read returned no bytes: was it the peer's close_notify? OpenSSL then returns 0, but also when the stream has ended
 * and the program has chosen to ignore that (SSL_OP_IGNORE_UNEXPECTED_EOF), so it is certain only if the end of the
 * stream would have been read inside a library call, and was not.
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

#endif
