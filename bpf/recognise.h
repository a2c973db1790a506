/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads the beginning of each direction of a connection, byte by byte, across
 * segments and calls, and classifies it: certainly HTTP/1, HTTP/2 or TLS,
 * certainly none of them, or possibly one. User space decides the doubtful
 * cases, as it sees both directions.
 *
 * PROXY protocol and SOCKS precede a connection's actual protocol: they are
 * skipped, and what follows is read as a new beginning.
 */
#ifndef TRACE_HTTP_RECOGNISE_H
#define TRACE_HTTP_RECOGNISE_H

#include "classify.h"
#include "connection.h"
#include "layers.h"
#include "scan.h"

#define LONGEST_WORD 64     /* of a method; longer ones are not read as such */
#define LONGEST_LINE 65536  /* of a start line */
#define SCAN_STEPS (LONGEST_LINE + 1024) /* bytes, and segments */

static __always_inline bool is_digit(u64 c)
{
	return c - '0' <= 9;
}

/* ` HTTP/1.1`: the eight bytes in `latest` and the one before them. */
static __always_inline bool ends_with_version(u64 earlier, u64 latest)
{
	u8 blank = earlier;

	if (latest >> 24 == 0x485454502full && is_digit(latest >> 16 & 0xff) && (latest >> 8 & 0xff) == '.' && is_digit(latest & 0xff))
		return blank == ' ' || blank == '\t';
	/* Icecast's source clients name their protocol ICE/1.0. */
	blank = latest >> 56;
	return (latest >> 24 & 0xffffffff) == 0x4943452full && is_digit(latest >> 16 & 0xff) && (latest >> 8 & 0xff) == '.' &&
	       is_digit(latest & 0xff) && (blank == ' ' || blank == '\t');
}

/* Classifies the complete first line. */
static __always_inline u8 judge_line(struct reading *reading)
{
	u64 latest = reading->latest, earlier = reading->earlier;

	if ((latest & 0xff) == '\r') {
		latest = latest >> 8 | earlier << 56;
		earlier >>= 8;
	}
	if (!(reading->line & LINE_BLANK))
		return FOUND_FOREIGN;
	if (!ends_with_version(earlier, latest))
		return FOUND_DOUBTFUL;
	if (latest == 0x485454502f322e30ull && (earlier & 0xffffffffffffull) == 0x505249202a20ull)
		return FOUND_HTTP2; /* PRI * HTTP/2.0 */
	return FOUND_REQUEST;
}

/* `HTTP/1.1 200`, the first twelve bytes. */
static __always_inline bool is_status_line(u64 earlier, u64 latest)
{
	return (earlier & 0xffffffff) == 0x48545450ull && latest >> 56 == '/' && is_digit(latest >> 48 & 0xff) &&
	       (latest >> 40 & 0xff) == '.' && is_digit(latest >> 32 & 0xff) && (latest >> 24 & 0xff) == ' ' &&
	       is_digit(latest >> 16 & 0xff) && is_digit(latest >> 8 & 0xff) && is_digit(latest & 0xff);
}

static __always_inline u8 read_line(struct reading *reading, u8 c)
{
	if (c == '\n')
		return judge_line(reading);
	if ((c < ' ' && c != '\t' && c != '\r') || c == 0x7f)
		return FOUND_FOREIGN;
	if (reading->line & LINE_BLANK) {
		if (c == ' ' || c == '\t' || reading->line & LINE_TARGET)
			return FOUND_NOTHING;
		reading->line |= LINE_TARGET;
		if (!(reading->line & LINE_ODD) && (c == '/' || c == '*' || c == 'h' || c == 'H' || reading->line & LINE_CONNECT))
			reading->line |= LINE_LIKELY;
		return FOUND_NOTHING;
	}
	if (c == ' ' || c == '\t') {
		reading->line |= LINE_BLANK;
		if (reading->count == 5 && (reading->latest & 0xffffffffffull) == 0x50524f5859ull)
			reading->state = READING_PROXY_LINE;
		if (reading->count == 7 && (reading->latest & 0xffffffffffffffull) == 0x434f4e4e454354ull)
			reading->line |= LINE_CONNECT;
		return FOUND_NOTHING;
	}
	if (c >= 0x80 || reading->count > LONGEST_WORD)
		return FOUND_FOREIGN;
	if (!is_method_character(c))
		reading->line |= LINE_ODD;
	return FOUND_NOTHING;
}

static __always_inline u8 read_start(struct reading *reading, const struct reading *other, u8 c)
{
	switch (c) {
	case ' ':
	case '\t':
	case '\r':
	case '\n':
		return FOUND_NOTHING; /* `latest` has what may become the signature of a PROXY header */
	case 0:
		if (reading->count == 4 && (reading->latest & 0xffffffff) == 0x0d0a0d0aull) {
			reading->state = READING_PROXY_HEADER;
		} else if (other->layer == READ_SOCKS4 && !reading->layer && reading->count == 0) {
			reading->layer = READ_SOCKS4; /* the server's reply */
			begin_again(reading);
			reading->skip = 7;
		} else if (reading->count == 0) {
			reading->state = READING_SETTINGS;
		} else {
			return FOUND_FOREIGN;
		}
		return FOUND_NOTHING;
	case 0x16:
		if (reading->count)
			return FOUND_FOREIGN;
		reading->state = READING_TLS;
		return FOUND_NOTHING;
	case 4:
		if (reading->count || reading->layer)
			return FOUND_FOREIGN;
		reading->state = READING_SOCKS4_COMMAND;
		return FOUND_NOTHING;
	case 5:
		if (reading->count || reading->layer)
			return FOUND_FOREIGN;
		reading->layer = other->layer == READ_SOCKS5_CLIENT ? READ_SOCKS5_SERVER : READ_SOCKS5_CLIENT;
		reading->state = READING_SOCKS5_METHODS;
		return FOUND_NOTHING;
	default:
		if (c < ' ' || c >= 0x7f)
			return FOUND_FOREIGN;
		reading->state = READING_LINE;
		reading->count = 0;
		reading->latest = 0;
		reading->earlier = 0;
		return read_line(reading, c);
	}
}

/* A server of HTTP/2 may send first: its SETTINGS (RFC 9113 section 3.4), with at most ten parameters. */
static __always_inline u8 read_settings(struct reading *reading, u8 c)
{
	u32 at = reading->count;
	bool fits = at == 2 ? c <= 60 && c % 6 == 0 : c == (at == 3 ? 4 : 0);

	if (!fits)
		return FOUND_FOREIGN;
	return at == 8 ? FOUND_HTTP2 : FOUND_NOTHING;
}

static __always_inline u8 read_byte(struct reading *reading, const struct reading *other, u8 c)
{
	u8 found;

	if (reading->skip) {
		reading->skip--;
		return FOUND_NOTHING;
	}
	switch (reading->state) {
	case READING_START:
		found = read_start(reading, other, c);
		break;
	case READING_LINE:
		found = read_line(reading, c);
		break;
	case READING_TLS:
		return c == 3 ? FOUND_TLS : FOUND_FOREIGN;
	case READING_SETTINGS:
		found = read_settings(reading, c);
		break;
	case READING_PROXY_LINE:
		if (reading->count > LONGEST_PROXY_LINE)
			return FOUND_FOREIGN;
		found = FOUND_NOTHING;
		if (c == '\n') {
			reading->layer = READ_PROXY;
			begin_again(reading);
			return FOUND_NOTHING;
		}
		break;
	case READING_PROXY_HEADER:
		found = read_proxy_header(reading, c);
		break;
	case READING_SOCKS4_COMMAND:
	case READING_SOCKS4_ADDRESS:
	case READING_SOCKS4_USER:
	case READING_SOCKS4_HOST:
		found = read_socks4(reading, c);
		break;
	default:
		found = read_socks5(reading, c);
		break;
	}
	if (found)
		return found;
	/* A part of a layer has ended: what follows is counted from 0. */
	if (reading->skip || (reading->state == READING_START && c != ' ' && c != '\t' && c != '\r' && c != '\n'))
		return FOUND_NOTHING;
	reading->earlier = reading->earlier << 8 | reading->latest >> 56;
	reading->latest = reading->latest << 8 | c;
	if (reading->count < LONGEST_LINE)
		reading->count++;
	if (reading->state == READING_LINE && reading->count == 12 && is_status_line(reading->earlier, reading->latest))
		return FOUND_RESPONSE;
	return reading->count >= LONGEST_LINE ? FOUND_FOREIGN : FOUND_NOTHING;
}

/* Reads one byte; returns what was found. Global, so that the verifier checks it once. */
__noinline int trace_http_read_byte(struct reading *reading, const struct reading *other, u32 byte)
{
	return reading && other ? read_byte(reading, other, byte) : FOUND_NOTHING;
}

/* State of the loop below, in addition to the cursor in struct work. */
struct scanner {
	struct work *work;
	struct reading *reading;
	const struct reading *other;
};

/* One byte, or the next segment; a bpf_loop callback, so verified only once. */
static long scan_step(u32 index, struct scanner *scanner)
{
	struct reading *reading = scanner->reading;
	u8 byte;

	if (reading->found)
		return 1;
	switch (next_byte(scanner->work, &byte)) {
	case BYTE_READ:
		reading->found = trace_http_read_byte(reading, scanner->other, byte);
		return 0;
	case BYTE_LATER:
		return 0;
	default:
		return 1;
	}
}

/* Continues reading the beginning of this call's direction. Global for the verifier's sake. */
__noinline int trace_http_scan(struct work *work, struct connection *connection)
{
	struct scanner scanner;
	u8 direction;

	if (!work || !connection)
		return 0;
	direction = work->direction & 1;
	scanner.work = work;
	scanner.reading = direction ? &connection->reading[1] : &connection->reading[0];
	scanner.other = direction ? &connection->reading[0] : &connection->reading[1];
	if (connection->late)
		__builtin_memset(scanner.reading, 0, sizeof(*scanner.reading)); /* it may be in the middle of a message */
	begin_scan(work, LONGEST_LINE);
	bpf_loop(SCAN_STEPS, scan_step, &scanner, 0);
	work->scanned = scan_size(work, LONGEST_LINE);
	end_scan(work);
	return 0;
}

/* The protocol, by what was found in both directions. PROTOCOL_UNDECIDED asks for more bytes. */
static __always_inline u8 protocol_found(struct connection *connection)
{
	u8 out = connection->reading[DIRECTION_OUT].found, in = connection->reading[DIRECTION_IN].found;
	bool asks_foreign = (connection->side == SIDE_CLIENT && out == FOUND_FOREIGN) || (connection->side == SIDE_SERVER && in == FOUND_FOREIGN);

	if (out == FOUND_REQUEST || out == FOUND_RESPONSE) {
		connection->request_direction = out == FOUND_REQUEST ? DIRECTION_OUT : DIRECTION_IN;
		return PROTOCOL_HTTP1;
	}
	if (in == FOUND_REQUEST || in == FOUND_RESPONSE) {
		connection->request_direction = in == FOUND_REQUEST ? DIRECTION_IN : DIRECTION_OUT;
		return PROTOCOL_HTTP1;
	}
	/* An HTTP server answers in HTTP even if the client sent something else. What a server sends first says less. */
	if (asks_foreign)
		return out && in ? PROTOCOL_OTHER : PROTOCOL_UNDECIDED;
	if (out == FOUND_HTTP2 || in == FOUND_HTTP2)
		return PROTOCOL_HTTP2;
	if (out == FOUND_TLS || in == FOUND_TLS)
		return PROTOCOL_TLS;
	if (out >= FOUND_DOUBTFUL && in >= FOUND_DOUBTFUL)
		return PROTOCOL_OTHER;
	return PROTOCOL_UNDECIDED;
}

#endif
