/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Leaves out bytes while the data ring is filling, so that the most important ones are not lost: from half_bytes on,
 * SHED_LIMIT bytes of each message are copied; from heads_only_bytes on, only heads. All other bytes are counted.
 */
#ifndef TRACE_HTTP_SHED_H
#define TRACE_HTTP_SHED_H

#include "connection.h"
#include "scan.h"

#define SHED_LIMIT 4096
#define LONGEST_HEAD 65536 /* of its part in one call */
#define HEAD_STEPS (LONGEST_HEAD + 1024) /* bytes, and segments */
#define CHUNK_LINE 16 /* bytes copied after a head, too: the chunk size, if the body is a single chunk */
#define USED_UP (UNLIMITED - 1) /* a message of which something was left out: nothing more of it is copied */

struct head_scan {
	struct work *work;
	u32 state;
	u32 size; /* bytes so far */
};

/* One byte of a head, or the next segment; a bpf_loop callback, so verified only once. */
static long head_step(u32 index, struct head_scan *scan)
{
	u8 byte;

	switch (next_byte(scan->work, &byte)) {
	case BYTE_READ:
		break;
	case BYTE_LATER:
		return 0;
	default:
		return 1;
	}
	scan->size++;
	if (byte == '\n') {
		if (scan->state == HEAD_NEWLINE || scan->state == HEAD_RETURN) {
			scan->state = HEAD_ENDED;
			return 1;
		}
		if (scan->state != HEAD_BEFORE)
			scan->state = HEAD_NEWLINE;
	} else if (byte != '\r') {
		scan->state = HEAD_LINE;
	} else if (scan->state == HEAD_NEWLINE) {
		scan->state = HEAD_RETURN;
	}
	return 0;
}

/* Adds the copied bytes of the call to the budget of its message. */
static __always_inline void use_budget(struct connection *connection, struct work *work)
{
	u8 direction = work->direction & 1;
	u32 used = connection->budget_used[direction];

	/* Saturates: only "used up" matters. */
	if (used != USED_UP)
		connection->budget_used[direction] = work->allowed < USED_UP - 1 - used ? used + (u32)work->allowed : USED_UP - 1;
}

/* Sets work->exempt: the call's bytes that are a head's. Global for the verifier's sake. */
__noinline int trace_http_head(struct work *work, struct connection *connection)
{
	struct head_scan scan = {};
	u8 direction;

	if (!work || !connection)
		return 0;
	work->exempt = 0;
	if (work->source == SOURCE_NONE)
		return 0;
	direction = work->direction & 1;
	scan.state = connection->head[direction];
	if (scan.state <= HEAD_UNKNOWN)
		return 0;
	scan.work = work;
	begin_scan(work, LONGEST_HEAD);
	bpf_loop(HEAD_STEPS, head_step, &scan, 0);
	end_scan(work);
	connection->head[direction] = scan.state;
	work->exempt = scan.size;
	if (scan.state == HEAD_ENDED)
		work->exempt += CHUNK_LINE;
	return 0;
}

/*
 * Reduces what an HTTP/1 message's budget grants this call, after trace_http_head has searched for the head's end.
 * Global for the verifier's sake.
 */
__noinline int trace_http_shed(struct work *work, struct connection *connection)
{
	u32 used, share;
	u8 direction;

	if (!work || !connection)
		return 0;
	direction = work->direction & 1;
	used = connection->budget_used[direction];
	share = used < SHED_LIMIT ? SHED_LIMIT - used : 0;
	/* Perhaps the rest of a head. */
	if (pressure() == PRESSURE_HEADS && connection->head[direction] != HEAD_UNKNOWN)
		share = 0;
	if (share < work->exempt)
		share = work->exempt;
	if (work->allowed > share) {
		work->allowed = share;
		work->omission = OMISSION_PRESSURE;
		connection->budget_used[direction] = USED_UP;
	}
	use_budget(connection, work);
	return 0;
}

#endif
