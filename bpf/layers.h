/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * PROXY protocol and SOCKS, which precede the actual protocol of a connection.
 * They are skipped, part by part, up to where it begins.
 */
#ifndef TRACE_HTTP_LAYERS_H
#define TRACE_HTTP_LAYERS_H

#include "state.h"

#define LONGEST_PROXY_LINE 107 /* with its line end: PROXY protocol, section 2.1 */
#define LONGEST_SOCKS4_NAME 512

enum reading_state {
	READING_START,
	READING_LINE,
	READING_TLS,
	READING_SETTINGS,
	READING_PROXY_LINE,
	READING_PROXY_HEADER,
	READING_SOCKS4_COMMAND,
	READING_SOCKS4_ADDRESS,
	READING_SOCKS4_USER,
	READING_SOCKS4_HOST,
	READING_SOCKS5_METHODS,
	READING_SOCKS5_NEXT,
	READING_SOCKS5_USER,
	READING_SOCKS5_PASSWORD,
	READING_SOCKS5_TYPE,
	READING_SOCKS5_NAME,
};

/* What was found in a line. */
#define LINE_BLANK (1 << 0)   /* its first word has ended */
#define LINE_ODD (1 << 1)     /* its first word does not look like a method */
#define LINE_TARGET (1 << 2)  /* its second word has begun */
#define LINE_LIKELY (1 << 3)  /* a usual word, and then a usual target's beginning */
#define LINE_CONNECT (1 << 4) /* the word is CONNECT */
#define LINE_HOST (1 << 5)    /* SOCKS4: a host name after the user id */

/* Starts over: a layer has been read. */
static __always_inline void begin_again(struct reading *reading)
{
	reading->state = READING_START;
	reading->count = 0;
	reading->line = 0;
	reading->latest = 0;
	reading->earlier = 0;
}

/* A SOCKS server's greeting and reply have the form of the client's, without the parts that only a client sends. */
static __always_inline u8 read_socks5(struct reading *reading, u8 c)
{
	bool server = reading->layer == READ_SOCKS5_SERVER;

	switch (reading->state) {
	case READING_SOCKS5_METHODS:
		if (server ? c == 0xff : c == 0 || c > 32)
			return FOUND_FOREIGN;
		reading->skip = server ? 0 : c;
		reading->state = READING_SOCKS5_NEXT;
		return FOUND_NOTHING;
	case READING_SOCKS5_NEXT:
		if (c == 1 && server) {
			reading->skip = 1;
		} else if (c == 1) {
			reading->state = READING_SOCKS5_USER;
		} else if (c == 5) {
			reading->skip = 2;
			reading->state = READING_SOCKS5_TYPE;
		} else {
			return FOUND_FOREIGN;
		}
		return FOUND_NOTHING;
	case READING_SOCKS5_USER:
		reading->skip = c;
		reading->state = READING_SOCKS5_PASSWORD;
		return FOUND_NOTHING;
	case READING_SOCKS5_PASSWORD:
		reading->skip = c;
		reading->state = READING_SOCKS5_NEXT;
		return FOUND_NOTHING;
	case READING_SOCKS5_TYPE:
		if (c == 3) {
			reading->state = READING_SOCKS5_NAME;
			return FOUND_NOTHING;
		}
		if (c != 1 && c != 4)
			return FOUND_FOREIGN;
		begin_again(reading);
		reading->skip = c == 1 ? 4 + 2 : 16 + 2;
		return FOUND_NOTHING;
	default: /* READING_SOCKS5_NAME */
		begin_again(reading);
		reading->skip = c + 2;
		return FOUND_NOTHING;
	}
}

static __always_inline u8 read_socks4(struct reading *reading, u8 c)
{
	if (++reading->part > LONGEST_SOCKS4_NAME)
		return FOUND_FOREIGN;
	switch (reading->state) {
	case READING_SOCKS4_COMMAND:
		if (c != 1 && c != 2)
			return FOUND_FOREIGN;
		reading->layer = READ_SOCKS4;
		reading->skip = 2;
		reading->part = 0;
		reading->state = READING_SOCKS4_ADDRESS;
		return FOUND_NOTHING;
	case READING_SOCKS4_ADDRESS:
		if (reading->part < 4)
			return FOUND_NOTHING;
		/* 0.0.0.x: the server is to look up the name that follows (SOCKS 4A). */
		if ((reading->latest & 0xffffff) == 0 && c)
			reading->line |= LINE_HOST;
		reading->part = 0;
		reading->state = READING_SOCKS4_USER;
		return FOUND_NOTHING;
	case READING_SOCKS4_USER:
		if (c)
			return FOUND_NOTHING;
		reading->part = 0;
		if (reading->line & LINE_HOST)
			reading->state = READING_SOCKS4_HOST;
		else
			begin_again(reading);
		return FOUND_NOTHING;
	default: /* READING_SOCKS4_HOST */
		if (!c)
			begin_again(reading);
		return FOUND_NOTHING;
	}
}

/* PROXY protocol version 2 (section 2.2): a signature, two bytes, and the length of the rest. */
static __always_inline u8 read_proxy_header(struct reading *reading, u8 c)
{
	u32 at = reading->count;

	if (at < 11)
		return FOUND_NOTHING;
	if (at == 11) /* \0 \r \n QUIT \n */
		return c == '\n' && (reading->latest & 0xffffffffffffffull) == 0x000d0a51554954ull ? FOUND_NOTHING : FOUND_FOREIGN;
	if (at == 12)
		return c >> 4 == 2 ? FOUND_NOTHING : FOUND_FOREIGN;
	if (at == 15) {
		u32 length = (reading->latest & 0xff) << 8 | c;

		reading->layer = READ_PROXY;
		begin_again(reading);
		reading->skip = length;
	}
	return FOUND_NOTHING;
}

#endif
