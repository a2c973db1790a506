/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Examines the bytes of a call one by one, across its segments, before they are copied. */
#ifndef TRACE_HTTP_SCAN_H
#define TRACE_HTTP_SCAN_H

#include "work.h"

/* Examines at most `limit` bytes. Saves the cursor, so that the call can be copied from its first byte (end_scan). */
static __always_inline void begin_scan(struct work *work, u64 limit)
{
	work->kept.segments = work->segments;
	work->kept.segment_count = work->segment_count;
	work->kept.base = work->base;
	work->kept.left = work->left;
	work->kept.messages = work->messages;
	work->kept.messages_left = work->messages_left;
	work->kept.message_left = work->message_left;
	work->scan_at = 0;
	work->scan_have = 0;
	work->scan_left = work->remaining < limit ? work->remaining : limit;
}

/* How many bytes were looked at. */
static __always_inline u64 scan_size(struct work *work, u64 limit)
{
	return (work->remaining < limit ? work->remaining : limit) - work->scan_left - (work->scan_have - work->scan_at);
}

static __always_inline void end_scan(struct work *work)
{
	work->segments = work->kept.segments;
	work->segment_count = work->kept.segment_count;
	work->base = work->kept.base;
	work->left = work->kept.left;
	work->messages = work->kept.messages;
	work->messages_left = work->kept.messages_left;
	work->message_left = work->kept.message_left;
}

enum next { BYTE_READ, BYTE_LATER, NO_BYTE };

/*
 * Reads the next bytes into `scratch` (BYTE_READ), or moves to the next segment (BYTE_LATER). Global, so that the verifier
 * checks it once.
 */
__noinline int trace_http_refill(struct work *work)
{
	u32 count;

	if (!work || work->scan_left == 0)
		return NO_BYTE;
	if (work->left == 0)
		return next_segment(work) ? BYTE_LATER : NO_BYTE;
	count = work->left < work->scan_left ? work->left : work->scan_left;
	if (count > sizeof(work->scratch.bytes))
		count = sizeof(work->scratch.bytes);
	asm volatile("" : "+r"(count));
	if (count > sizeof(work->scratch.bytes))
		count = sizeof(work->scratch.bytes);
	if (bpf_probe_read_user(work->scratch.bytes, count, (void *)work->base))
		return NO_BYTE;
	work->base += count;
	work->left -= count;
	work->scan_left -= count;
	work->scan_have = count;
	work->scan_at = 0;
	return BYTE_READ;
}

/* The next byte. BYTE_LATER: only the next segment was begun. */
static __always_inline u32 next_byte(struct work *work, u8 *byte)
{
	if (work->scan_at >= work->scan_have) {
		u32 next = trace_http_refill(work);

		if (next != BYTE_READ)
			return next;
	}
	*byte = work->scratch.bytes[work->scan_at & (sizeof(work->scratch.bytes) - 1)];
	work->scan_at++;
	return BYTE_READ;
}

#endif
