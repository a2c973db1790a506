/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * With a latency filter, when the trace is stopped: requests that have waited
 * long enough for an answer that did not begin yet. The helper reads an
 * iterator over the connections, and with it this program looks at each. It
 * does so while the other programs still run, so that no socket is gone.
 */
#ifndef TRACE_HTTP_WAITING_H
#define TRACE_HTTP_WAITING_H

#include "data.h"

SEC("iter/bpf_map_elem")
int trace_http_waiting(struct bpf_iter__bpf_map_elem *ctx)
{
	struct connection *met = ctx->value, *connection;
	u64 *key = ctx->key, socket;
	u8 transport;

	if (!met || !key)
		return 0;
	stopping = 1;
	socket = *key;
	transport = met->transport;
	connection = connection_of((struct sock *)socket, transport);
	if (connection && connection->protocol == PROTOCOL_HTTP1)
		end_filter((struct sock *)socket, connection, transport, SLOT_WAITING);
	return 0;
}

#endif
