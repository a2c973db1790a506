/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The latency filter: a request's head waits in http_events, and only when
 * its response begins late enough are both reported. One record says how many
 * bytes were left out, so that positions stay right.
 */
#ifndef TRACE_HTTP_LATENCY_H
#define TRACE_HTTP_LATENCY_H

#include "classify.h"
#include "connection.h"
#include "work.h"

/* Too large for a stack; one per CPU and slot, as struct work. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, u32);
	__type(value, struct http_event);
} event_map SEC(".maps");

/* The trace is stopping: waiting requests have been reported, and their responses will not be. */
static volatile u32 stopping; /* volatile: else the compiler shrinks it to one byte, against its type in BTF */

static __always_inline struct http_event *event_of(u32 slot)
{
	if (slot == SLOT_TLS) {
		struct tls_thread *thread = tls_thread(true);

		if (!thread)
			return 0;
		asm volatile("" : "+r"(thread)); /* 6.1: no offset may be added before the NULL check */
		return &thread->event;
	}
	return bpf_map_lookup_elem(&event_map, &slot);
}

static __always_inline void keep_request(struct connection *connection, struct work *work, u32 slot)
{
	struct http_event_key key = {.connection = connection->id, .number = connection->requests};
	struct http_event *event = event_of(slot);
	u32 length = work->left < work->remaining ? work->left : work->remaining;

	connection->requests++;
	if (!event)
		return;
	if (length > HEAD_KEPT)
		length = HEAD_KEPT;
	asm volatile("" : "+r"(length));
	if (length > HEAD_KEPT)
		length = HEAD_KEPT;
	if (bpf_probe_read_user(event->head, length, (void *)work->base))
		length = 0;
	event->head_length = length;
	event->started = work->direction == DIRECTION_OUT && work->entered ? work->entered : work->time;
	event->entered = work->entered;
	event->returned = work->time;
	event->position = work->position;
	event->pid = work->pid;
	event->call = work->number;
	event->direction = work->direction;
	bpf_map_update_elem(&http_events, &key, event, BPF_ANY);
}

/* Reports how many bytes of a direction were left out before `position`. */
static __always_inline void report_filtered(struct connection *connection, u32 slot, u8 direction, u64 position, u64 time)
{
	u64 from = connection->reported[direction & 1];
	struct work *kept;

	if (position <= from)
		return;
	kept = other_moment(connection, slot, direction, from, time);
	if (!kept)
		return;
	trace_http_omit(kept, position - from, OMISSION_FILTER);
	connection->reported[direction & 1] = position;
}

/* Emits the kept head of a request, and a record for its body, which was not kept. */
static __always_inline void report_request(struct connection *connection, struct http_event *event, u32 slot)
{
	u8 direction = event->direction & 1;
	u32 length = event->head_length;
	struct record_data *record;
	struct work *kept;
	u64 rest;

	report_filtered(connection, slot, direction, event->position, event->started);
	kept = other_moment(connection, slot, direction, event->position, event->started);
	if (!kept)
		return;
	kept->entered = event->entered;
	kept->time = event->returned;
	kept->pid = event->pid;
	kept->number = event->call;
	record = bpf_ringbuf_reserve(&data_ring, sizeof(*record) + HEAD_KEPT, 0);
	COUNT(produced, 1);
	COUNT(seen_bytes, length);
	if (!record) {
		COUNT(dropped_data, 1);
		COUNT(dropped_bytes, length);
	} else {
		/* All of it, as 6.1 loses the bounds of a length spilled to the stack. */
		bpf_probe_read_kernel(record + 1, HEAD_KEPT, event->head);
		fill_data(record, kept, length, length, OMISSION_NONE);
		submit_data(record);
		COUNT(copied_bytes, length);
	}
	connection->reported[direction] = event->position + length;
	if (connection->position[direction] <= connection->reported[direction])
		return;
	rest = connection->position[direction] - connection->reported[direction];
	kept->position = connection->reported[direction];
	trace_http_omit(kept, rest, OMISSION_LIMIT);
	connection->reported[direction] += rest;
}

/* A response begins: did its request exceed the threshold? */
static __always_inline void decide(struct sock *sk, struct connection *connection, struct work *work, u32 slot)
{
	struct http_event_key key = {.connection = connection->id, .number = connection->responses};
	struct http_event *event = bpf_map_lookup_elem(&http_events, &key);
	u64 now = work->direction == DIRECTION_OUT && work->entered ? work->entered : work->time;

	connection->responses++;
	connection->passing = 0;
	if (!event) {
		/* The request was evicted by others in flight, so its duration is unknown. */
		if (key.number < connection->requests && !stopping)
			COUNT(calls_untracked, 1);
		return;
	}
	if (now - event->started >= (u64)min_latency_us * 1000) {
		emit_opened(sk, connection);
		report_request(connection, event, slot);
		report_filtered(connection, slot, work->direction, work->position, now);
		connection->passing = 1;
	}
	bpf_map_delete_elem(&http_events, &key);
}

/* Whether this call's bytes are reported. Global, so that it is verified once. */
__noinline int trace_http_filter(struct work *work, struct connection *connection)
{
	struct head *head;
	bool begins, response;
	u32 length;

	if (!work || !connection)
		return 0;
	head = &work->scratch;
	__builtin_memset(head, 0, sizeof(*head));
	length = work->left < work->remaining ? work->left : work->remaining;
	if (length > HEAD_PROBE)
		length = HEAD_PROBE;
	asm volatile("" : "+r"(length));
	if (length > HEAD_PROBE)
		length = HEAD_PROBE;
	if (bpf_probe_read_user(head->bytes, length, (void *)work->base))
		return connection->passing;
	begins = length >= 12 && trace_http_begins(head, length);
	response = is_response(head);
	if (!begins)
		return connection->passing;
	if (work->direction == connection->request_direction) {
		if (response)
			return connection->passing;
		if (connection->responses >= connection->requests) {
			connection->requests = connection->responses;
			connection->passing = 0;
		}
		keep_request(connection, work, work->slot);
		return 0;
	}
	/* 1xx is not the final response, except 101. */
	if (!response || (head->bytes[9] == '1' && head->bytes[11] != '1'))
		return connection->passing;
	decide((struct sock *)work->sock, connection, work, work->slot);
	return connection->passing;
}

/* The connection or the trace ends: reports a request that exceeded the threshold, although it is unanswered. */
static __always_inline void end_filter(struct sock *sk, struct connection *connection, u8 transport, u32 slot)
{
	struct http_event_key key = {.connection = connection->id, .number = connection->responses};
	struct http_event *event = bpf_map_lookup_elem(&http_events, &key);
	u64 now = bpf_ktime_get_boot_ns();

	if (event) {
		if (now - event->started >= (u64)min_latency_us * 1000) {
			emit_opened(sk, connection);
			report_request(connection, event, slot);
		}
		bpf_map_delete_elem(&http_events, &key);
	}
	if (!connection->announced)
		return;
	report_filtered(connection, slot, DIRECTION_OUT, connection->position[DIRECTION_OUT], now);
	report_filtered(connection, slot, DIRECTION_IN, connection->position[DIRECTION_IN], now);
}

#endif
