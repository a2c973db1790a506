/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * With a latency filter, when the trace is stopped: reports requests that
 * exceed the threshold, but whose response has not begun yet. The helper
 * requests it in a map and renames itself to the same name, which runs this
 * program (helper/addon/kernel.c). It does so while the other programs are
 * still attached, so that no socket is gone. Iterators (BPF_TRACE_ITER) would
 * do, but some kernels refuse them.
 */
#ifndef TRACE_HTTP_WAITING_H
#define TRACE_HTTP_WAITING_H

#include "data.h"

/* Set by the helper. 1: the next rename of a thread reports the waiting requests. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} waiting_wanted SEC(".maps");

static long report_waiting(struct bpf_map *map, u64 *key, struct connection *entry, void *nothing)
{
	u64 socket = *key;
	u8 transport = entry->transport;
	struct connection *connection = connection_of((struct sock *)socket, transport);

	if (connection && connection->protocol == PROTOCOL_HTTP1)
		end_filter((struct sock *)socket, connection, transport, SLOT_WAITING);
	return 0;
}

SEC("tp_btf/task_rename")
int trace_http_waiting(void *ctx)
{
	u32 key = 0, *wanted = bpf_map_lookup_elem(&waiting_wanted, &key);

	if (!wanted || !*wanted)
		return 0;
	*wanted = 0;
	stopping = 1;
	bpf_for_each_map_elem(&connections, report_waiting, 0, 0);
	bpf_for_each_map_elem(&unix_connections, report_waiting, 0, 0);
	return 0;
}

#endif
