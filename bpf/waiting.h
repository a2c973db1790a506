/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * With a latency filter, when the trace is stopped: reports requests that
 * exceed the threshold, but whose response has not begun yet. The helper reads
 * an iterator over the connections, which runs this program for each. It does
 * so while the other programs are still attached, so that no socket is gone.
 */
#ifndef TRACE_HTTP_WAITING_H
#define TRACE_HTTP_WAITING_H

#include "data.h"

SEC("iter/bpf_map_elem")
int trace_http_waiting(struct bpf_iter__bpf_map_elem *ctx)
{
	struct connection *entry = ctx->value, *connection;
	u64 *key = ctx->key, socket;
	u8 transport;

	if (!entry || !key)
		return 0;
	stopping = 1;
	socket = *key;
	transport = entry->transport;
	connection = connection_of((struct sock *)socket, transport);
	if (connection && connection->protocol == PROTOCOL_HTTP1)
		end_filter((struct sock *)socket, connection, transport, SLOT_WAITING);
	return 0;
}

#endif
