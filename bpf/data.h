/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Handles a call that moved bytes: finds its connection, recognises the
 * protocol once, gives the bytes their position and a share of the message's
 * budget, and emits them.
 */
#ifndef TRACE_HTTP_DATA_H
#define TRACE_HTTP_DATA_H

#include "ciphertext.h"
#include "classify.h"
#include "latency.h"
#include "position.h"

/* Adds the first bytes of a call to those by which the protocol is recognised. */
static __always_inline u8 recognise(struct connection *connection, struct work *work, u8 direction)
{
	struct head *head = &connection->head[direction & 1];
	u32 have = connection->head_length[direction & 1];
	u32 count = work->left < work->remaining ? work->left : work->remaining;

	if (have >= HEAD_PROBE)
		return PROTOCOL_OTHER;
	asm volatile("" : "+r"(have)); /* 6.1 does not know the bound of a copy saved before the comparison */
	have &= HEAD_PROBE - 1;
	if (count > HEAD_PROBE)
		count = HEAD_PROBE;
	asm volatile("" : "+r"(count));
	if (count > HEAD_PROBE)
		count = HEAD_PROBE;
	if (bpf_probe_read_user(head->bytes + have, count, (void *)work->base))
		return PROTOCOL_UNDECIDED;
	have += count;
	if (have > HEAD_PROBE)
		have = HEAD_PROBE;
	connection->head_length[direction & 1] = have;
	return trace_http_classify(head, have);
}

#define PAUSE_NS 100000000ull /* a stream that pauses so long gets a new budget: copying it costs little */

static __always_inline u32 copy_limit(struct connection *connection, u8 direction)
{
	/* In HTTP/2 a frame that was not copied would hide where the next one begins. */
	if (connection->protocol == PROTOCOL_HTTP2)
		return UNLIMITED;
	return direction == connection->request_direction ? request_copy_limit : response_copy_limit;
}

/* After a response 101, or one to CONNECT, the stream is another protocol's, with small parts. */
static __always_inline bool switches_protocol(const struct head *head)
{
	return is_response(head) && head->bytes[9] == '1' && head->bytes[10] == '0' && head->bytes[11] == '1';
}

/* Gives the call its share of the budget of its message. */
static __always_inline void spend_budget(struct connection *connection, struct work *work)
{
	u8 direction = work->direction & 1;
	u32 limit = copy_limit(connection, direction), used;
	bool fresh = connection->streaming || work->time - connection->last_time[direction] > PAUSE_NS;

	if (connection->last_direction != direction) {
		connection->last_direction = direction; /* the other side sends: a new message */
		fresh = true;
	}
	connection->last_time[direction] = work->time;
	if (connection->protocol == PROTOCOL_HTTP1 && work->left >= 16 && !connection->streaming) {
		/* A further message in the same direction (pipelining, 1xx) has a budget of its own. */
		struct head *head = &work->scratch;

		if (!bpf_probe_read_user(head, 16, (void *)work->base) && trace_http_classify(head, 16) == PROTOCOL_HTTP1) {
			fresh = true;
			if (direction != connection->request_direction && switches_protocol(head))
				connection->streaming = 1;
		}
	}
	if (fresh)
		connection->budget_used[direction] = 0;
	if (limit == UNLIMITED) {
		work->allowed = work->remaining;
		return;
	}
	used = connection->budget_used[direction];
	work->allowed = used < limit ? limit - used : 0;
	if (work->allowed > work->remaining)
		work->allowed = work->remaining;
	/* Saturates: only "used up" is of interest. */
	connection->budget_used[direction] = used + (u32)work->allowed;
}

/*
 * The protocol of a connection that was open before it was seen. It may be in the
 * middle of a message, so each call is checked again. False: not known yet.
 */
static __always_inline bool recognise_late(struct connection *connection, u8 direction, u8 *protocol)
{
	const u8 *bytes = connection->head[direction].bytes;
	u32 length = connection->head_length[direction];

	connection->head_length[direction] = 0;
	if (is_http2_frame(bytes, length))
		*protocol = PROTOCOL_HTTP2;
	else if (connection->transport != TRANSPORT_TLS && is_tls_record(bytes, length))
		*protocol = PROTOCOL_TLS;
	else
		return false;
	return true;
}

/*
 * Recognises the connection's protocol and places the bytes in its stream.
 * Returns a verdict. This and the next function are global for the verifier's
 * sake, and called one after the other, as all stacks together hold 512 bytes.
 */
__noinline int trace_http_judge(u32 slot)
{
	struct work *work = work_of(slot);
	struct connection *connection;
	u8 direction, protocol;
	struct sock *sk;

	if (!work || !work->sock)
		return VERDICT_NOTHING;
	sk = (struct sock *)work->sock;
	connection = connection_of(sk, work->transport);
	if (!connection)
		return VERDICT_NOTHING;
	direction = work->direction & 1;
	if (work->left == 0)
		next_segment(work);
	if (connection->protocol == PROTOCOL_UNDECIDED && work->source != SOURCE_NONE) {
		protocol = recognise(connection, work, direction);
		if (connection->late && protocol != PROTOCOL_HTTP1 && protocol != PROTOCOL_HTTP2 &&
		    !recognise_late(connection, direction, &protocol)) {
			COUNT(other_bytes, work->remaining);
			return VERDICT_NOTHING;
		}
		if (protocol != PROTOCOL_UNDECIDED) {
			connection->protocol = protocol;
			if (protocol == PROTOCOL_HTTP1) {
				connection->request_direction =
					is_response(&connection->head[direction]) ? !direction : direction;
				connection->tunnel = is_connect(&connection->head[direction]);
			}
			if (protocol == PROTOCOL_OTHER) {
				/* Reported once, so that a reader can say why nothing is shown. */
				work->connection = connection->id;
				work->protocol = protocol;
				trace_http_place(slot);
				emit_opened(sk, connection);
				trace_http_omit(slot, (u32)work->remaining, OMISSION_PROTOCOL);
				return VERDICT_NOTHING;
			}
		}
	}
	work->connection = connection->id;
	work->protocol = connection->protocol;
	if (connection->protocol == PROTOCOL_TLS && connection->transport != TRANSPORT_TLS)
		return VERDICT_CIPHERTEXT;
	if (!is_copied(connection->protocol)) {
		COUNT(other_bytes, work->remaining);
		return VERDICT_NOTHING;
	}
	trace_http_place(slot);
	return VERDICT_COPY;
}

/* Announces the connection and gives the call its share of the budget. Returns a verdict. */
__noinline int trace_http_allow(u32 slot)
{
	struct work *work = work_of(slot);
	struct connection *connection;
	struct sock *sk;
	u8 direction;

	if (!work || !work->sock)
		return VERDICT_NOTHING;
	sk = (struct sock *)work->sock;
	connection = connection_of(sk, work->transport);
	if (!connection)
		return VERDICT_NOTHING;
	direction = work->direction & 1;
	emit_opened(sk, connection);
	connection->reported[direction] = connection->position[direction];
	spend_budget(connection, work);
	return VERDICT_COPY;
}

/* Handles the bytes of a call. */
static __always_inline void trace_work(struct work *work, u32 slot)
{
	int verdict = trace_http_judge(slot);

	if (verdict == VERDICT_NOTHING)
		return;
	trace_http_bind(slot);
	if (verdict == VERDICT_CIPHERTEXT) {
		if (trace_http_ciphertext(slot) == VERDICT_NOTHING)
			return;
	} else {
		if (min_latency_us && work->protocol == PROTOCOL_HTTP1 && work->source != SOURCE_NONE && !trace_http_filter(slot)) {
			COUNT(filtered_bytes, work->remaining);
			return;
		}
		if (trace_http_allow(slot) == VERDICT_NOTHING)
			return;
	}
	copy_call(work, slot);
	if (work->beyond)
		trace_http_omit(slot, (u32)work->beyond, OMISSION_PROTOCOL);
}

/* Finds the connection of a call that moved bytes of a socket, and handles them. */
static __always_inline void trace_call(struct endpoint endpoint, struct work *work, u32 slot)
{
	struct sock *sk = endpoint.sk;
	struct connection *connection = connection_of(sk, endpoint.transport);
	u32 inode = endpoint.inode;

	if (connection && connection->inode && connection->inode != inode) {
		/* The socket's memory was reused, and the end of the first socket was not seen. */
		emit_closed(connection);
		forget_connection(sk, endpoint.transport);
		connection = 0;
	}
	if (!connection) {
		if (endpoint.transport != TRANSPORT_TCP) {
			connection = new_connection(sk, inode, endpoint.transport, SIDE_UNKNOWN);
			if (connection)
				connection->late = 1;
		} else {
			connection = meet_tcp(sk, inode, work->entered != 0, work->before);
		}
		if (!connection)
			return;
	}
	connection->inode = inode;
	connection->pid = work->pid;
	work->sock = (u64)sk;
	trace_work(work, slot);
	/* What came before the connection was announced. Not from there: all stacks together hold 512 bytes. */
	emit_notices(connection);
	/* The error came while these bytes were sent: they are the last ones. */
	if (connection->error && work->direction == DIRECTION_OUT)
		emit_ended(connection, DIRECTION_OUT, ENDING_RESET, connection->error);
}

/* The work of a call that moved bytes; `call` is NULL when its entry was not seen. */
static __always_inline struct work *begin_work(u32 slot, u64 moved, struct call *call, u8 direction, u8 transport)
{
	struct work *work = work_of(slot);

	if (!work)
		return 0;
	__builtin_memset(work, 0, sizeof(*work));
	work->message_left = ~0ull;
	work->remaining = moved;
	if (call) {
		work->entered = call->entered;
		work->before[0] = call->sequence[0];
		work->before[1] = call->sequence[1];
	}
	work->time = bpf_ktime_get_boot_ns();
	work->pid = current_visible_pid();
	work->number = 0xffff;
	work->direction = direction;
	work->transport = transport;
	return work;
}

/* A read that returned 0, as the stream has ended. */
static __always_inline void read_end_of_stream(struct endpoint endpoint)
{
	struct sock *sk = endpoint.sk;
	struct connection *connection = connection_of(sk, endpoint.transport);

	if (!connection)
		return;
	/* After an error that another call was told of, or that came after the peer's FIN, reads return 0. */
	if (connection->error)
		emit_ended(connection, DIRECTION_IN, ENDING_RESET, connection->error);
	else if (BPF_CORE_READ(sk, sk_shutdown) & RCV_SHUTDOWN)
		emit_ended(connection, DIRECTION_IN, ENDING_READ_EOF, 0);
}

/* A call that failed with an error, of which those that end a connection are of interest. It moved no bytes. */
static __always_inline void fail_call(struct endpoint endpoint, u8 direction, u32 error)
{
	struct connection *connection;

	if (error != ECONNRESET && error != EPIPE && error != ETIMEDOUT && error != ECONNABORTED && error != EHOSTUNREACH &&
	    error != ENETUNREACH)
		return;
	connection = connection_of(endpoint.sk, endpoint.transport);
	if (!connection)
		return;
	/* TCP's own error is known by now; without one the program had shut this direction down itself. */
	if (connection->error)
		error = connection->error;
	else if (endpoint.transport == TRANSPORT_TCP)
		return;
	emit_ended(connection, direction & 1, ENDING_RESET, error);
}

#endif
