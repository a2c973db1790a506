/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Predicates on the first bytes of a call. A connection's protocol is recognised in recognise.h, by all bytes of
 * its beginning; where further messages or frames begin is only needed to distribute the copy budget.
 */
#ifndef TRACE_HTTP_CLASSIFY_H
#define TRACE_HTTP_CLASSIFY_H

#include "state.h"

#define MASK (HEAD_PROBE - 1) /* shows the verifier the bound that the code already ensures */

/* Characters of registered methods, which are all upper case. */
static __always_inline bool is_method_character(u8 c)
{
	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* A TLS record in the middle of a connection: ChangeCipherSpec, alert, handshake or application data. */
static __always_inline bool is_tls_record(const u8 *bytes, u32 length)
{
	return length >= 2 && bytes[0] >= 0x14 && bytes[0] <= 0x17 && bytes[1] == 3;
}

/* Only for bytes that were recognised as HTTP/1. */
static __always_inline bool is_response(const struct head *head)
{
	const u8 *bytes = head->bytes;

	return bytes[0] == 'H' && bytes[1] == 'T' && bytes[2] == 'T' && bytes[3] == 'P' && bytes[4] == '/';
}

/* The first line of HTTP/2's preface; at least 16 bytes. */
static __always_inline bool is_preface(const struct head *head)
{
	const u8 *bytes = head->bytes;

	return bytes[0] == 'P' && bytes[1] == 'R' && bytes[2] == 'I' && bytes[3] == ' ' && bytes[4] == '*' && bytes[5] == ' ' &&
	       bytes[6] == 'H' && bytes[7] == 'T' && bytes[8] == 'T' && bytes[9] == 'P' && bytes[10] == '/' && bytes[11] == '2' &&
	       bytes[12] == '.' && bytes[13] == '0' && bytes[14] == '\r' && bytes[15] == '\n';
}

/*
 * A frame header of HTTP/2 (RFC 9113 section 4.1 and 6) in the middle of a
 * connection: length, flags and stream must be valid for its type. The reader
 * in user space checks more.
 */
static __always_inline bool is_http2_frame(const u8 *bytes, u32 length)
{
	u32 size, stream;
	u8 type, flags;

	if (length < 9)
		return false;
	size = (u32)bytes[0] << 16 | (u32)bytes[1] << 8 | bytes[2];
	type = bytes[3];
	flags = bytes[4];
	stream = (u32)bytes[5] << 24 | (u32)bytes[6] << 16 | (u32)bytes[7] << 8 | bytes[8];
	if (size > 1 << 20 || stream >> 24)
		return false;
	switch (type) {
	case 0: /* DATA */
		return (stream & 1) && !(flags & ~0x09);
	case 1: /* HEADERS */
		return (stream & 1) && size > 0 && (flags & 0x04) && !(flags & ~0x2d);
	case 4: /* SETTINGS */
		return stream == 0 && !(flags & ~0x01) && size % 6 == 0 && size <= 60 && (flags ? size == 0 : size > 0);
	case 6: /* PING */
		return stream == 0 && !(flags & ~0x01) && size == 8;
	case 8: /* WINDOW_UPDATE */
		return flags == 0 && size == 4;
	default:
		return false;
	}
}

/* Looks for the end of the method. */
struct scan {
	const u8 *bytes;
	u32 length;
	u32 at;         /* where it ended */
	bool in_method; /* it has begun; empty lines may precede it */
	bool ended;
};

/* One character; a bpf_loop callback, so verified only once. */
static long scan_method(u32 index, struct scan *scan)
{
	u8 c;

	if (index >= scan->length)
		return 1;
	c = scan->bytes[index & MASK];
	if (!scan->in_method && (c == '\r' || c == '\n'))
		return 0;
	if (is_method_character(c)) {
		scan->in_method = true;
		return 0;
	}
	scan->at = index;
	scan->ended = true;
	return 1;
}

/*
 * Whether a message of HTTP/1 seems to begin here: a status line, or a method,
 * one space and the start of a target in one of the four forms of RFC 9112
 * section 3.2. Global, so that the verifier checks it once and not in every
 * state of every caller, which would take a second more per program.
 */
__noinline int trace_http_begins(const struct head *head, u32 length)
{
	struct scan scan = {};
	const u8 *bytes;
	u8 target;
	u32 i;

	if (!head || length == 0)
		return 0;
	bytes = head->bytes;
	if (length > HEAD_PROBE)
		length = HEAD_PROBE;
	if (length >= 5 && is_response(head))
		return 1;
	scan.bytes = bytes;
	scan.length = length;
	bpf_loop(HEAD_PROBE, scan_method, &scan, 0);
	if (!scan.ended)
		return 0;
	i = scan.at & MASK;
	if (bytes[i] != ' ' || !scan.in_method)
		return 0;
	if (i >= 7 && bytes[(i - 7) & MASK] == 'C' && bytes[(i - 4) & MASK] == 'N' && bytes[(i - 1) & MASK] == 'T')
		return 1; /* CONNECT: any authority */
	if (i + 1 >= length)
		return 0;
	target = bytes[(i + 1) & MASK];
	return target == '/' || target == '*' || target == 'h' || target == 'H';
}

#endif
