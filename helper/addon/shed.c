// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "shed.h"
#include "trace_http.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Leaving out less than this is not worth a further record. */
#define GAP_MIN 256
/*
 * Bytes kept before a cut, and for HTTP/1 after it: a chunk's size, a WebSocket frame's or gRPC message's header; as
 * TAIL_SIZE.
 */
#define EDGE 64
/* Longest method of a request line. */
#define METHOD_MAX 24

#define FRAME_HEADER 9 /* RFC 9113 section 4.1 */
#define FRAME_DATA 0
#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define PREFACE_SIZE (sizeof(PREFACE) - 1)
/* Larger frames and unknown types mean that no frame begins here. */
#define FRAME_MAX (1u << 20)
#define FRAME_TYPE_MAX 0x20
#define OTHER_TYPE 0xff

#define LANES 16384 /* connections that are followed, a power of two; for others all is kept */

enum lane_state { LANE_FRESH, LANE_KNOWN, LANE_LOST };

/* One direction of an HTTP/2 connection. */
struct lane {
	uint64_t next; /* position of the next expected byte */
	uint32_t left; /* of the frame's payload */
	uint8_t header[FRAME_HEADER];
	uint8_t gathered; /* bytes of the header */
	uint8_t type;
	uint8_t state;
};

struct lanes {
	uint64_t connection; /* 0 = free */
	struct lane lane[2];
};

struct shedder {
	struct lanes table[LANES];
	uint32_t used;
};

struct shedder *shedder_new(void)
{
	return calloc(1, sizeof(struct shedder)); /* unused pages take no memory */
}

void shedder_free(struct shedder *shedder)
{
	free(shedder);
}

static uint32_t place_of(uint64_t connection)
{
	return (uint32_t)((connection * 0x9e3779b97f4a7c15ull) >> 50) & (LANES - 1);
}

static struct lanes *find(struct shedder *shedder, uint64_t connection, bool make)
{
	uint32_t at = place_of(connection);

	if (connection == 0)
		return NULL;
	/* A free place always remains. */
	for (; shedder->table[at].connection; at = (at + 1) & (LANES - 1)) {
		if (shedder->table[at].connection == connection)
			return &shedder->table[at];
	}
	if (!make || shedder->used >= LANES / 4 * 3)
		return NULL;
	shedder->used++;
	memset(&shedder->table[at], 0, sizeof(shedder->table[at]));
	shedder->table[at].connection = connection;
	return &shedder->table[at];
}

/* Later entries move up, so that a search never ends too early. */
static void forget(struct shedder *shedder, uint64_t connection)
{
	struct lanes *found = find(shedder, connection, false);
	uint32_t hole, at;

	if (!found)
		return;
	shedder->used--;
	hole = (uint32_t)(found - shedder->table);
	for (at = (hole + 1) & (LANES - 1); shedder->table[at].connection; at = (at + 1) & (LANES - 1)) {
		uint32_t home = place_of(shedder->table[at].connection);

		if (((at - home) & (LANES - 1)) < ((at - hole) & (LANES - 1)))
			continue;
		shedder->table[hole] = shedder->table[at];
		hole = at;
	}
	shedder->table[hole].connection = 0;
}

/* Appends a range; when there is no more room, everything from the last one on is kept. */
static size_t keep(struct kept *kept, size_t count, uint32_t from, uint32_t to, uint32_t copied)
{
	if (from >= to && count > 0)
		return count;
	if (count > 0 && from < kept[count - 1].from + kept[count - 1].length + GAP_MIN) {
		if (to > kept[count - 1].from + kept[count - 1].length)
			kept[count - 1].length = to - kept[count - 1].from;
		return count;
	}
	if (count == KEPT_MAX) {
		kept[count - 1].length = copied - kept[count - 1].from;
		return count;
	}
	kept[count] = (struct kept){from, to - from};
	return count + 1;
}

static size_t keep_all(struct kept *kept, uint32_t copied)
{
	kept[0] = (struct kept){0, copied};
	return 1;
}

/* A request or status line, or anything that looks like one. */
static bool begins_message(const unsigned char *bytes, uint32_t length)
{
	if (length >= 5 && memcmp(bytes, "HTTP/", 5) == 0)
		return true;
	for (uint32_t i = 0; i < length && i <= METHOD_MAX; i++) {
		if (bytes[i] == ' ')
			return i > 0;
		if (bytes[i] < '!' || bytes[i] > '~')
			return false;
	}
	return false;
}

static size_t look_at_http1(const struct record_data *record, struct kept *kept)
{
	const unsigned char *bytes = (const unsigned char *)(record + 1);
	uint32_t copied = record->copied, head = 0;
	size_t count;

	/* Requests without a body may follow each other. */
	while (begins_message(bytes + head, copied - head)) {
		const unsigned char *end = memmem(bytes + head, copied - head, "\r\n\r\n", 4);

		if (!end)
			return keep_all(kept, copied);
		head = (uint32_t)(end - bytes) + 4;
	}
	if (copied - head < 2 * EDGE + GAP_MIN)
		return keep_all(kept, copied);
	count = keep(kept, 0, 0, head + EDGE, copied);
	/* The last chunk, or the beginning of the next message. */
	return keep(kept, count, copied - EDGE, copied, copied);
}

/* Skips the bytes that are missing before `position`. False: it is unknown where the next frame begins. */
static bool skip(struct lane *lane, uint64_t position)
{
	uint64_t gap = position - lane->next;

	if (position < lane->next || (gap > 0 && (lane->gathered > 0 || gap > lane->left)))
		return false;
	lane->left -= (uint32_t)gap;
	lane->next = position;
	return true;
}

static size_t look_at_http2(struct lane *lane, const struct record_data *record, struct kept *kept)
{
	const unsigned char *bytes = (const unsigned char *)(record + 1);
	uint32_t copied = record->copied, at = 0;
	size_t count = 0;

	if (lane->state == LANE_FRESH) {
		lane->state = LANE_KNOWN;
		lane->next = record->position;
		if (copied >= PREFACE_SIZE && memcmp(bytes, PREFACE, PREFACE_SIZE) == 0) {
			lane->type = OTHER_TYPE;
			lane->left = PREFACE_SIZE;
		}
	}
	if (lane->state == LANE_LOST || record->header.flags & FLAG_UNORDERED || !skip(lane, record->position))
		goto lost;
	while (at < copied) {
		uint32_t rest = copied - at, part;

		if (lane->left > 0) {
			part = lane->left < rest ? lane->left : rest;
			if (lane->type == FRAME_DATA) {
				count = keep(kept, count, at, at + (part < EDGE ? part : EDGE), copied);
			} else {
				count = keep(kept, count, at, at + part, copied);
			}
			lane->left -= part;
			at += part;
			continue;
		}
		part = FRAME_HEADER - lane->gathered;
		part = part < rest ? part : rest;
		memcpy(lane->header + lane->gathered, bytes + at, part);
		count = keep(kept, count, at, at + part, copied);
		at += part;
		lane->gathered += (uint8_t)part;
		if (lane->gathered < FRAME_HEADER)
			break;
		lane->gathered = 0;
		lane->left = (uint32_t)lane->header[0] << 16 | (uint32_t)lane->header[1] << 8 | lane->header[2];
		lane->type = lane->header[3];
		if (lane->left > FRAME_MAX || lane->type > FRAME_TYPE_MAX)
			goto lost;
	}
	lane->next = record->position + copied;
	if (!skip(lane, record->position + record->size))
		lane->state = LANE_LOST;
	return count > 0 ? count : keep_all(kept, copied);
lost:
	lane->state = LANE_LOST;
	return keep_all(kept, copied);
}

size_t shedder_look(struct shedder *shedder, const struct record_header *header, bool crowded,
		    struct kept kept[KEPT_MAX])
{
	const struct record_data *record = (const struct record_data *)header;
	struct lanes *lanes;
	size_t count;

	if (header->type == RECORD_CLOSED)
		forget(shedder, header->connection);
	if (header->type != RECORD_DATA || header->length < sizeof(*record) || header->flags & FLAG_FILE ||
	    record->copied > header->length - sizeof(*record) || record->copied > record->size)
		return 0;
	count = keep_all(kept, record->copied);
	if (record->protocol == PROTOCOL_HTTP2) {
		lanes = find(shedder, header->connection, true);
		if (lanes)
			count = look_at_http2(&lanes->lane[record->direction & 1], record, kept);
	} else if (record->protocol == PROTOCOL_HTTP1 && crowded) {
		count = look_at_http1(record, kept);
	}
	return crowded ? count : 0;
}
