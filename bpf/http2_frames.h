/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Follows the frames of HTTP/2 (RFC 9113 section 4.1) by their headers, so that content may be left out: the payload of
 * DATA frames beyond the budget of their stream's message, and more while the ring is filling. Everything else is
 * copied, as header compression depends on every byte. Where frames begin is known if the connection was seen from its
 * beginning, until bytes move unseen; then everything is copied.
 */
#ifndef TRACE_HTTP_HTTP2_FRAMES_H
#define TRACE_HTTP_HTTP2_FRAMES_H

#include "recognise.h"
#include "shed.h"

#define PAUSE_NS 100000000ull /* a stream that pauses so long gets a new budget: copying it costs little */

#define PREFACE_SIZE 24
#define PREFACE_REST 8 /* after its first line */
#define FRAME_STEPS 32768 /* headers, parts of payloads and segments that are examined in one call */

#define FRAME_DATA 0
#define FRAME_HEADERS 1
#define FRAME_RESET 3
#define FRAME_END_STREAM 0x01
#define FRAME_PADDED 0x08

struct stream_key {
	u64 connection;
	u32 stream;
	u32 padding;
};

/* Content copied so far of a stream with more than one DATA frame. */
struct stream_budget {
	u64 last_time;
	u32 used;
	u32 last_direction;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct stream_key);
	__type(value, struct stream_budget);
} streams SEC(".maps");

static __always_inline void follow_from(struct connection *connection, u8 direction, u32 left)
{
	struct frames *frames = direction ? &connection->frames[1] : &connection->frames[0];

	__builtin_memset(frames, 0, sizeof(*frames));
	frames->position = direction ? connection->position[1] : connection->position[0];
	frames->left = left;
	frames->share = UNLIMITED;
	frames->followed = 1;
}

/*
 * The call has shown, by a client's preface or a server's SETTINGS, that this is HTTP/2: sets where each direction's
 * frames begin. Global for the verifier's sake.
 */
__noinline int trace_http_follow(struct work *work, struct connection *connection)
{
	struct reading *own, *other;
	bool preface, unread;
	u8 direction;

	if (!work || !connection)
		return 0;
	direction = work->direction & 1;
	own = direction ? &connection->reading[1] : &connection->reading[0];
	other = direction ? &connection->reading[0] : &connection->reading[1];
	if (own->found != FOUND_HTTP2)
		return 0;
	preface = own->state == READING_LINE;
	connection->request_direction = preface ? direction : !direction;
	/* `latest` is a frame header without its last byte; the length of SETTINGS fits in its third. */
	follow_from(connection, direction, work->scanned + (preface ? PREFACE_REST : (u8)(own->latest >> 40)));
	unread = other->state == READING_START && other->count == 0 && other->skip == 0 && other->found == FOUND_NOTHING;
	if (unread)
		follow_from(connection, !direction, preface ? 0 : PREFACE_SIZE);
	return 0;
}

/* How much of a DATA frame may be copied, and why the rest may not. Global for the verifier's sake. */
__noinline int trace_http_content(struct work *work, u32 stream, u32 length, u32 ends)
{
	struct stream_key key = {.stream = stream};
	struct stream_budget *budget, first = {};
	u32 limit, share, used = 0, level;
	bool shed = false;

	if (!work)
		return 0;
	limit = work->limit;
	level = pressure();
	key.connection = work->connection;
	budget = limit ? bpf_map_lookup_elem(&streams, &key) : 0;
	if (budget && budget->last_direction == work->direction && work->time - budget->last_time <= PAUSE_NS)
		used = budget->used;
	share = limit == UNLIMITED ? length : used < limit ? limit - used : 0;
	if (share > length)
		share = length;
	if (used == USED_UP) {
		share = 0;
		shed = true;
	} else if (level != PRESSURE_NONE && share) {
		u32 less = level == PRESSURE_HALF && used < SHED_LIMIT ? SHED_LIMIT - used : 0;

		if (less < share) {
			share = less;
			shed = true;
		}
	}
	work->frames.share = share;
	work->frames.omission = shed ? OMISSION_PRESSURE : OMISSION_LIMIT;
	if (!limit || (!budget && ends))
		return 0;
	if (ends) {
		bpf_map_delete_elem(&streams, &key);
		return 0;
	}
	if (!budget)
		budget = &first;
	budget->last_time = work->time;
	budget->last_direction = work->direction;
	budget->used = shed ? USED_UP : share < USED_UP - 1 - used ? used + share : USED_UP - 1;
	if (budget == &first)
		bpf_map_update_elem(&streams, &key, &first, BPF_ANY);
	return 0;
}

static __always_inline u32 frame_length(const struct frames *frames)
{
	return (u32)frames->header[0] << 16 | (u32)frames->header[1] << 8 | frames->header[2];
}

/* The next byte is the length of the frame's padding. */
static __always_inline bool at_padding(const struct frames *frames)
{
	return frames->header[4] & FRAME_PADDED && frames->left == frame_length(frames);
}

/* The header is complete. Global for the verifier's sake. */
__noinline int trace_http_frame(struct work *work)
{
	struct frames *frames;
	u32 length, stream;
	u8 type, flags;

	if (!work)
		return 0;
	frames = &work->frames;
	length = frame_length(frames);
	type = frames->header[3];
	flags = frames->header[4];
	stream = (u32)(frames->header[5] & 0x7f) << 24 | (u32)frames->header[6] << 16 | (u32)frames->header[7] << 8 | frames->header[8];
	frames->have = 0;
	frames->left = length;
	frames->share = UNLIMITED;
	frames->content = type == FRAME_DATA && stream != 0;
	if (frames->content) {
		trace_http_content(work, stream, length, flags & FRAME_END_STREAM);
		/* The padding's length determines the content's length. */
		if (flags & FRAME_PADDED && frames->share == 0)
			frames->share = 1;
	}
	if (type == FRAME_HEADERS && work->direction == DIRECTION_OUT && !work->stream)
		work->stream = stream;
	if (!frames->content && work->limit && (type == FRAME_RESET || (type == FRAME_HEADERS && flags & FRAME_END_STREAM))) {
		struct stream_key key = {.connection = work->connection, .stream = stream};

		bpf_map_delete_elem(&streams, &key);
	}
	return 0;
}

/* Reports the bytes before the cursor. Global for the verifier's sake. */
__noinline int trace_http_frames_flush(struct work *work)
{
	u64 run, hole;

	if (!work)
		return 0;
	run = work->run;
	hole = work->hole;
	work->run = 0;
	work->hole = 0;
	if (run)
		trace_http_copy(work, work->run_base, run, run + hole, hole ? work->frames.omission : OMISSION_NONE);
	else if (hole)
		trace_http_omit(work, hole, work->frames.omission);
	return 0;
}

/*
 * One step through the call: a segment, a header, a part of a payload, or the report of what precedes it. Global, so
 * that the verifier checks it once, whatever the number of steps. 0 = done.
 */
__noinline int trace_http_frame_step(struct work *work)
{
	struct frames *frames;
	u64 count, rest;

	if (!work || !work->frames.followed)
		return 0;
	frames = &work->frames;
	rest = work->remaining - work->run - work->hole;
	if (rest == 0)
		return 0;
	if (work->left == 0)
		return next_segment(work);
	count = work->left < rest ? work->left : rest;
	if (frames->left) {
		if (count > frames->left)
			count = frames->left;
		/* Sheds the rest of a frame that is long or arrives in parts, not its Pad Length. */
		if (frames->content && frames->share && work->run == 0 && !at_padding(frames) && pressure() == PRESSURE_HEADS) {
			frames->share = 0;
			frames->omission = OMISSION_PRESSURE;
		}
		if (frames->share == 0) {
			work->hole += count;
			goto moved;
		}
		if (count > frames->share)
			count = frames->share;
	} else if (frames->have || count < FRAME_HEADER) {
		count = 1;
	} else {
		count = FRAME_HEADER;
	}
	/* These bytes are copied, together with the pending bytes before them, or after those were reported. */
	if ((work->run && work->run_base + work->run != work->base) || work->hole || work->run + FRAME_HEADER > PIECE_MAX) {
		trace_http_frames_flush(work);
		return 1;
	}
	if (count > PIECE_MAX - work->run)
		count = PIECE_MAX - work->run;
	if (!frames->left) {
		long error = count == 1 ? bpf_probe_read_user(frames->header + (frames->have & 15), 1, (void *)work->base) :
					  bpf_probe_read_user(frames->header, FRAME_HEADER, (void *)work->base);

		if (error) {
			frames->followed = 0;
			return 0;
		}
		frames->have += count;
	}
	if (!work->run)
		work->run_base = work->base;
	work->run += count;
moved:
	work->base += count;
	work->left -= count;
	if (frames->left) {
		frames->left -= count;
		if (frames->share && frames->share != UNLIMITED)
			frames->share -= count;
	} else if (frames->have >= FRAME_HEADER) {
		trace_http_frame(work);
	}
	return 1;
}

static long frame_step(u32 index, struct work **work)
{
	return !trace_http_frame_step(*work);
}

/* Begins to follow the frames of the call; false when it cannot. Global for the verifier's sake. */
__noinline int trace_http_frames_begin(struct work *work, struct connection *connection)
{
	struct frames *frames;
	u32 limit;

	if (!work || !connection)
		return 0;
	frames = work->direction & 1 ? &connection->frames[1] : &connection->frames[0];
	if (!frames->followed)
		return 0;
	if (frames->position != work->position) {
		frames->followed = 0;
		return 0;
	}
	if (work->source == SOURCE_NONE) {
		/* Bytes never in user memory, such as a file's: unless within one frame, frame boundaries are lost. */
		if (frames->left < work->remaining)
			frames->followed = 0;
		else
			frames->left -= work->remaining;
		frames->position += work->remaining;
		return 0;
	}
	limit = work->direction == connection->request_direction ? request_copy_limit : response_copy_limit;
	work->limit = limit == HEAD_ALLOWANCE ? 0 : limit;
	work->frames = *frames;
	work->run = 0;
	work->hole = 0;
	return 1;
}

/* Reports the rest of the call, and saves where the next one continues. Global for the verifier's sake. */
__noinline int trace_http_frames_end(struct work *work, struct connection *connection)
{
	struct frames *frames;

	if (!work || !connection)
		return 0;
	trace_http_frames_flush(work);
	frames = work->direction & 1 ? &connection->frames[1] : &connection->frames[0];
	*frames = work->frames;
	if (work->remaining)
		frames->followed = 0; /* not fully examined: from here on, everything is copied */
	frames->position = work->position;
	return 0;
}

#endif
