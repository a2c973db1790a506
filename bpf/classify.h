/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What protocol a connection speaks, from the first bytes of one direction. */
#ifndef TRACE_HTTP_CLASSIFY_H
#define TRACE_HTTP_CLASSIFY_H

#include "state.h"

#define MASK (HEAD_PROBE - 1) /* says to the verifier what the code says already */

/*
 * Methods are case-sensitive and the registered ones are all upper case;
 * memcached's "get /key" is not one.
 */
static __always_inline bool is_method_character(u8 c)
{
	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* A TLS record in the middle of a connection: ChangeCipherSpec, alert, handshake or application data. */
static __always_inline bool is_tls_record(const u8 *bytes, u32 length)
{
	return length >= 2 && bytes[0] >= 0x14 && bytes[0] <= 0x17 && bytes[1] == 3;
}

/* Of bytes that were recognised as HTTP/1. */
static __always_inline bool is_response(const struct head *head)
{
	const u8 *bytes = head->bytes;

	return bytes[0] == 'H' && bytes[1] == 'T' && bytes[2] == 'T' && bytes[3] == 'P' && bytes[4] == '/';
}

/* How many of the first bytes are those of `text`; the whole length when all are. */
static __always_inline bool starts_with(const u8 *bytes, u32 length, const char *text, const u32 text_length)
{
#pragma unroll
	for (u32 i = 0; i < text_length; i++) {
		if (i >= length)
			return true; /* so far */
		if (bytes[i] != (u8)text[i])
			return false;
	}
	return true;
}

#define STARTS_WITH(bytes, length, text) starts_with(bytes, length, text, sizeof(text) - 1)
#define IS_WHOLE(length, text) ((length) >= sizeof(text) - 1)

/*
 * PROTOCOL_UNDECIDED asks for more bytes; it is never the answer to HEAD_PROBE
 * bytes. A request is a method, one space and the start of a target in one of
 * the four forms of RFC 9112 section 3.2; empty lines before it are allowed
 * (section 2.2). Global, so that the verifier looks at it once and not in
 * every state of every caller: that is the difference of a second per program.
 */
__noinline int trace_http_classify(const struct head *head, u32 length)
{
	const u8 *bytes;
	bool in_method = false;
	u32 i;

	if (!head || length == 0)
		return PROTOCOL_UNDECIDED;
	bytes = head->bytes;
	if (length > HEAD_PROBE)
		length = HEAD_PROBE;
	if (bytes[0] == 0x16) {
		if (length < 2)
			return PROTOCOL_UNDECIDED;
		return bytes[1] == 3 ? PROTOCOL_TLS : PROTOCOL_OTHER;
	}
	if (STARTS_WITH(bytes, length, "PRI * HTTP/2.0\r\n"))
		return IS_WHOLE(length, "PRI * HTTP/2.0\r\n") ? PROTOCOL_HTTP2 : PROTOCOL_UNDECIDED;
	if (STARTS_WITH(bytes, length, "HTTP/"))
		return IS_WHOLE(length, "HTTP/") ? PROTOCOL_HTTP1 : PROTOCOL_UNDECIDED;
	for (i = 0; i < HEAD_PROBE; i++) {
		u8 c, target;

		if (i >= length)
			return PROTOCOL_UNDECIDED;
		c = bytes[i & MASK];
		if (!in_method && (c == '\r' || c == '\n'))
			continue;
		if (is_method_character(c)) {
			in_method = true;
			continue;
		}
		if (c != ' ' || !in_method)
			return PROTOCOL_OTHER;
		if (i >= 7 && bytes[(i - 7) & MASK] == 'C' && bytes[(i - 4) & MASK] == 'N' && bytes[(i - 1) & MASK] == 'T')
			return PROTOCOL_HTTP1; /* CONNECT: any authority */
		if (i + 1 >= length)
			return i + 1 >= HEAD_PROBE ? PROTOCOL_OTHER : PROTOCOL_UNDECIDED;
		target = bytes[(i + 1) & MASK];
		return target == '/' || target == '*' || target == 'h' || target == 'H' ? PROTOCOL_HTTP1 : PROTOCOL_OTHER;
	}
	return PROTOCOL_OTHER;
}

#endif
