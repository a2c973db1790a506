/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Handles a call that moved bytes: finds its connection, recognises the
 * protocol, gives the bytes their position and a share of the message's
 * budget, and emits them.
 */
#ifndef TRACE_HTTP_DATA_H
#define TRACE_HTTP_DATA_H

#include "ciphertext.h"
#include "classify.h"
#include "http2_frames.h"
#include "latency.h"
#include "sentfile.h"
#include "position.h"
#include "recognise.h"
#include "shed.h"
#include "stack.h"

/*
 * Bytes copied per direction while it is not known whether they are HTTP. A
 * likely start line may be longer.
 */
#define UNDECIDED_COPIED 16384
/* As above, for bytes that are not HTTP but may get an HTTP response: their beginning is quoted. */
#define FOREIGN_COPIED 256

#define MAX_EMPTY 64 /* empty segments before the first byte of a call */

static __always_inline u32 copy_limit(struct connection *connection, u8 direction)
{
	/* The content of frames has its own budget (http2_frames.h); if frames are not followed, nothing is left out. */
	if (connection->protocol == PROTOCOL_HTTP2)
		return UNLIMITED;
	if (connection->protocol == PROTOCOL_UNDECIDED) {
		struct reading *reading = direction ? &connection->reading[1] : &connection->reading[0];

		if (reading->found == FOUND_FOREIGN)
			return FOREIGN_COPIED;
		return reading->state == READING_LINE && reading->line & LINE_LIKELY ? LONGEST_LINE : UNDECIDED_COPIED;
	}
	return direction == connection->request_direction ? request_copy_limit : response_copy_limit;
}

/* After a 101 response, the stream carries another protocol, in small parts. */
static __always_inline bool switches_protocol(const struct head *head)
{
	return is_response(head) && head->bytes[9] == '1' && head->bytes[10] == '0' && head->bytes[11] == '1';
}

/* What a call begins with, as far as budgets are concerned. */
enum beginning {
	BEGINS_NOTHING,
	BEGINS_MESSAGE,
	BEGINS_SWITCH, /* a 101 response */
};

/* Whether a further message begins with the call (pipelining, 1xx). Global for the verifier's sake. */
__noinline int trace_http_beginning(struct work *work)
{
	struct head *head;

	if (!work || work->left < 16)
		return BEGINS_NOTHING;
	head = &work->scratch;
	if (bpf_probe_read_user(head, 16, (void *)work->base) || !trace_http_begins(head, 16))
		return BEGINS_NOTHING;
	return switches_protocol(head) ? BEGINS_SWITCH : BEGINS_MESSAGE;
}

/* How much of the call may be copied, by the limit of its message. */
static __always_inline void grant(struct connection *connection, struct work *work, u32 used)
{
	u32 limit = copy_limit(connection, work->direction & 1);

	work->allowed = used < limit ? limit - used : 0;
	if (limit == UNLIMITED)
		work->allowed = ~0ull;
	work->omission = OMISSION_LIMIT;
	if (used == USED_UP) {
		work->allowed = 0;
		work->omission = OMISSION_PRESSURE;
	}
	if (work->allowed > work->remaining)
		work->allowed = work->remaining;
	/* A head, if there is one, is in the first piece of a call. */
	work->exempt = PIECE_MAX;
	work->sheds = connection->protocol == PROTOCOL_HTTP1;
}

/* Whether these client bytes may begin a request. `turned`: the previous bytes moved the other way. */
static __always_inline bool begins_request(struct connection *connection, struct work *work, bool turned, u32 begins)
{
	if (work->direction != DIRECTION_OUT || work->source == SOURCE_NONE || connection->side == SIDE_SERVER || connection->streaming)
		return false;
	if (connection->protocol == PROTOCOL_HTTP1)
		return connection->request_direction == DIRECTION_OUT && (turned || begins == BEGINS_MESSAGE);
	return connection->protocol == PROTOCOL_UNDECIDED && turned && connection->reading[0].state == READING_LINE &&
	       !connection->reading[0].found;
}

/* Gives the call its share of the budget of its message; 1: the ring is filling. Global for the verifier's sake. */
__noinline int trace_http_spend(struct work *work, struct connection *connection)
{
	bool fresh, http1, shedding, turned;
	u32 begins;
	u8 direction;

	if (!work || !connection)
		return 0;
	direction = work->direction & 1;
	turned = connection->last_direction != direction;
	http1 = connection->protocol == PROTOCOL_HTTP1;
	shedding = http1 && pressure() != PRESSURE_NONE;
	fresh = connection->streaming || work->time - connection->last_time[direction] > PAUSE_NS;
	if (connection->streaming) {
		connection->head[direction] = HEAD_ENDED;
	} else if (connection->last_direction != direction) {
		/* The other side sends: a new message. */
		fresh = true;
		connection->head[direction] = HEAD_UNKNOWN;
	} else if (!shedding && connection->head[direction]) {
		connection->head[direction] = HEAD_UNKNOWN;
	}
	connection->last_direction = direction;
	connection->last_time[direction] = work->time;
	begins = http1 && !connection->streaming ? trace_http_beginning(work) : BEGINS_NOTHING;
	if (begins) {
		/* It has a budget of its own. */
		fresh = true;
		connection->head[direction] = shedding ? HEAD_BEFORE : HEAD_UNKNOWN;
		if (begins == BEGINS_SWITCH && direction != connection->request_direction)
			connection->streaming = 1;
	}
	if (takes_stacks && work->caller == CALLER_KNOWN && begins_request(connection, work, turned, begins))
		work->caller = CALLER_WANTED;
	if (fresh && connection->protocol != PROTOCOL_UNDECIDED)
		connection->budget_used[direction] = 0;
	grant(connection, work, connection->budget_used[direction]);
	/* Only HTTP/1 has a budget per message; what the latency filter leaves out is not read from a file, either. */
	if (!http1 || (min_latency_us && (direction == connection->request_direction || !connection->passing)))
		work->from.file = 0;
	if (begins == BEGINS_SWITCH && connection->streaming) {
		/* Frames of HTTP/2 may follow in the same call: header compression depends on every byte of them. */
		work->allowed = work->remaining;
		work->omission = OMISSION_LIMIT;
		shedding = false;
	}
	if (shedding)
		return 1;
	use_budget(connection, work);
	return 0;
}

/* The first bytes of a call; how many. */
static __always_inline u32 peek(struct work *work, struct head *head)
{
	u32 count = work->left < work->remaining ? work->left : work->remaining;

	if (count > HEAD_PROBE)
		count = HEAD_PROBE;
	asm volatile("" : "+r"(count)); /* 6.1 does not know the bound of a copy saved before the comparison */
	if (count > HEAD_PROBE)
		count = HEAD_PROBE;
	return bpf_probe_read_user(head->bytes, count, (void *)work->base) ? 0 : count;
}

/*
 * Whether a call begins with HTTP/2 frames: with one that ends where the call
 * does, or is followed by another.
 */
static __always_inline bool has_http2_frames(struct work *work, struct head *head, u32 length)
{
	u8 next[9] = {};
	u64 end;

	if (!is_http2_frame(head->bytes, length))
		return false;
	end = 9 + ((u32)head->bytes[0] << 16 | (u32)head->bytes[1] << 8 | head->bytes[2]);
	if (end == work->remaining)
		return true;
	if (end + sizeof(next) > work->remaining || end + sizeof(next) > work->left)
		return false;
	return !bpf_probe_read_user(next, sizeof(next), (void *)(work->base + end)) && is_http2_frame(next, sizeof(next));
}

/*
 * The protocol of a connection that was open before it was seen. It may be in the
 * middle of a message, so each call is examined separately.
 */
static __always_inline u8 recognise_late(struct connection *connection, struct work *work, u8 direction)
{
	struct reading *reading = direction ? &connection->reading[1] : &connection->reading[0];
	u8 protocol = protocol_found(connection);
	struct head *head = &work->scratch;
	u32 length;

	if (protocol != PROTOCOL_UNDECIDED && protocol != PROTOCOL_OTHER)
		return protocol;
	if (reading->state == READING_LINE && reading->line & LINE_LIKELY && !reading->found) {
		connection->request_direction = direction;
		return PROTOCOL_HTTP1;
	}
	length = peek(work, head);
	if (has_http2_frames(work, head, length))
		return PROTOCOL_HTTP2;
	return connection->transport != TRANSPORT_TLS && is_tls_record(head->bytes, length) ? PROTOCOL_TLS : PROTOCOL_UNDECIDED;
}

/* The protocol, as far as the bytes so far show it. Global for the verifier's sake. */
__noinline int trace_http_recognise(struct work *work, struct connection *connection)
{
	u8 direction, protocol;

	if (!work || !connection)
		return PROTOCOL_UNDECIDED;
	direction = work->direction & 1;
	if (connection->late)
		return recognise_late(connection, work, direction);
	protocol = protocol_found(connection);
	/* The copy budget was used up without evidence. */
	if (protocol == PROTOCOL_UNDECIDED && connection->budget_used[direction] >= copy_limit(connection, direction))
		return PROTOCOL_OTHER;
	return protocol;
}

/*
 * HTTP/2 on a connection that was upgraded to it (RFC 7540 section 3.2): a call begins with the client's preface, or
 * with the server's frames. These may also have begun in the call with the 101: then they are not followed, and
 * everything is copied. Global for the verifier's sake.
 */
__noinline int trace_http_upgrade(struct work *work, struct connection *connection)
{
	struct head *head;
	u8 direction;
	u32 length;

	if (!work || !connection)
		return 0;
	head = &work->scratch;
	direction = work->direction & 1;
	length = peek(work, head);
	if (direction == connection->request_direction) {
		if (length < 16 || !is_preface(head))
			return 0;
		follow_from(connection, direction, PREFACE_SIZE);
	} else {
		if (!has_http2_frames(work, head, length))
			return 0;
		follow_from(connection, direction, 0);
	}
	connection->protocol = PROTOCOL_HTTP2;
	return 0;
}

static long begin_segment(u32 index, struct work **work)
{
	return (*work)->left > 0 || !next_segment(*work);
}

/*
 * Recognises the connection's protocol and places the bytes in its stream.
 * Returns a verdict. This and the next function are global for the verifier's
 * sake, and called in turn, as nested calls share 512 bytes of stack.
 */
__noinline int trace_http_judge(struct work *work, struct connection *connection)
{
	u8 direction, protocol;
	struct sock *sk;

	if (!work || !connection)
		return VERDICT_NOTHING;
	/* Set by trace_call from its lookup, not by calls into TLS libraries. */
	if (!work->connection)
		work->connection = connection->id;
	/* Otherwise another thread closed the socket, and the entry is another connection's. */
	if (work->connection != connection->id)
		return VERDICT_NOTHING;
	sk = (struct sock *)work->sock;
	direction = work->direction & 1;
	if (work->left == 0 && work->source != SOURCE_NONE)
		bpf_loop(MAX_EMPTY, begin_segment, &work, 0);
	if (connection->protocol == PROTOCOL_UNDECIDED && work->source != SOURCE_NONE) {
		trace_http_scan(work, connection);
		protocol = trace_http_recognise(work, connection);
		if (connection->late && protocol == PROTOCOL_UNDECIDED) {
			COUNT(other_bytes, work->remaining);
			return VERDICT_NOTHING;
		}
		if (protocol != PROTOCOL_UNDECIDED) {
			connection->protocol = protocol;
			if (protocol == PROTOCOL_HTTP2 && !connection->late)
				trace_http_follow(work, connection);
			if (protocol == PROTOCOL_TLS && !connection->late)
				connection->inner[direction] = connection->position[direction];
			if (connection->reading[direction].line & LINE_CONNECT)
				connection->tunnel = 1;
			if (protocol == PROTOCOL_OTHER) {
				/* Reported once, so that user space can explain why nothing is shown. */
				work->protocol = protocol;
				trace_http_place(work, connection);
				emit_opened(sk, connection);
				trace_http_omit(work, (u32)work->remaining, OMISSION_PROTOCOL);
				return VERDICT_NOTHING;
			}
		}
	}
	if (connection->streaming && connection->protocol == PROTOCOL_HTTP1 && work->source != SOURCE_NONE)
		trace_http_upgrade(work, connection);
	work->protocol = connection->protocol;
	if (connection->protocol == PROTOCOL_TLS && connection->transport != TRANSPORT_TLS)
		return VERDICT_CIPHERTEXT;
	if (!is_copied(connection->protocol)) {
		COUNT(other_bytes, work->remaining);
		return VERDICT_NOTHING;
	}
	trace_http_place(work, connection);
	return VERDICT_COPY;
}

/* Announces the connection. Global for the verifier's sake. */
__noinline int trace_http_allow(struct work *work, struct connection *connection)
{
	u8 direction;

	if (!work || !connection)
		return 0;
	direction = work->direction & 1;
	emit_opened((struct sock *)work->sock, connection);
	connection->reported[direction] = connection->position[direction];
	return 0;
}

static __always_inline void copy_call(struct work *work, struct connection *connection)
{
	if (work->protocol == PROTOCOL_HTTP2 && trace_http_frames_begin(work, connection)) {
		bpf_loop(FRAME_STEPS, frame_step, &work, 0);
		if (work->stream && work->caller == CALLER_KNOWN && connection->request_direction == DIRECTION_OUT)
			trace_http_stack(work, work->stream);
		trace_http_frames_end(work, connection);
	}
	bpf_loop(MAX_STEPS, copy_step, &work, 0);
	if (work->remaining > 0 && work->source == SOURCE_NONE)
		trace_http_name_file(work);
	if (work->remaining > 0)
		trace_http_omit(work, (u32)work->remaining, reason_to_omit(work));
}

/*
 * Handles the bytes of a call. Global for the verifier's sake: it takes both as plain memory, whatever map they are in,
 * as do the functions it calls.
 */
__noinline int trace_http_work(struct work *work, struct connection *connection)
{
	int verdict;

	if (!work || !connection)
		return 0;
	verdict = trace_http_judge(work, connection);
	if (verdict == VERDICT_NOTHING)
		return 0;
	trace_http_bind(work, connection);
	if (verdict == VERDICT_CIPHERTEXT) {
		if (trace_http_ciphertext(work, connection) == VERDICT_NOTHING)
			return 0;
	} else {
		if (min_latency_us && work->protocol == PROTOCOL_HTTP1 && work->source != SOURCE_NONE &&
		    !trace_http_filter(work, connection)) {
			COUNT(filtered_bytes, work->remaining);
			return 0;
		}
		trace_http_allow(work, connection);
		/* One after the other, not nested: nested calls share 512 bytes of stack. */
		if (trace_http_spend(work, connection)) {
			trace_http_head(work, connection);
			trace_http_shed(work, connection);
		}
		if (work->caller == CALLER_WANTED)
			trace_http_stack(work, 0);
	}
	copy_call(work, connection);
	if (work->beyond)
		trace_http_omit(work, (u32)work->beyond, OMISSION_PROTOCOL);
	return 0;
}

/* Finds the connection of a call that moved bytes of a socket, and handles them. */
static __always_inline void trace_call(struct endpoint endpoint, struct work *work)
{
	struct sock *sk = endpoint.sk;
	struct connection *connection = connection_of(sk, endpoint.transport);
	u32 inode = endpoint.inode;

	if (connection && connection->inode && connection->inode != inode) {
		/* The socket's memory was reused, and the end of the first socket was not seen. */
		emit_closed(connection);
		forget_connection(sk, connection);
		connection = 0;
	}
	if (!connection) {
		if (endpoint.transport != TRANSPORT_TCP) {
			struct connection *fresh = fresh_connection(work->slot, endpoint.transport, SIDE_UNKNOWN);

			if (fresh)
				fresh->late = 1;
			connection = add_connection(sk, fresh, BPF_NOEXIST);
		} else {
			connection = meet_tcp(sk, work->slot, work->entered != 0, work->before);
		}
		if (!connection)
			return;
		/* Another thread has closed the socket since this call moved its bytes: nobody would delete the connection. */
		if (inode_of(sk) != inode) {
			COUNT(connections_untracked, 1);
			if (is_fresh(work->slot, connection))
				forget_connection(sk, connection);
			return;
		}
	}
	work->connection = connection->id;
	connection->inode = inode;
	connection->pid = work->pid;
	work->sock = (u64)sk;
	trace_http_work(work, connection);
	/* Reports events from before the connection was announced. Not called there: calls share 512 bytes of stack. */
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
	work->omission = OMISSION_LIMIT;
	work->remaining = moved;
	if (call) {
		work->entered = call->entered;
		work->before[0] = call->sequence[0];
		work->before[1] = call->sequence[1];
		work->from = call->from;
	}
	work->time = bpf_ktime_get_boot_ns();
	work->pid = current_visible_pid();
	work->number = 0xffff;
	work->slot = slot;
	work->direction = direction;
	work->transport = transport;
	return work;
}

/* The end of the stream was read inside a call into a TLS library. Global for the verifier's sake. */
__noinline int trace_http_stream_ended(void)
{
	u64 address = calling_session(bpf_get_current_pid_tgid() >> 32);
	struct tls_session *session = address ? session_of(address) : 0;

	if (session)
		session->stream_ended = 1;
	return 0;
}

/* A read that returned 0, as the stream has ended. */
static __always_inline void read_end_of_stream(struct endpoint endpoint)
{
	struct sock *sk = endpoint.sk;
	struct connection *connection = connection_of(sk, endpoint.transport);

	if (!connection)
		return;
	/* Reads return 0 after an error that another call returned or that followed the peer's FIN. */
	if (connection->error) {
		emit_ended(connection, DIRECTION_IN, ENDING_RESET, connection->error);
	} else if (BPF_CORE_READ(sk, sk_shutdown) & RCV_SHUTDOWN) {
		if (connection->bound)
			trace_http_stream_ended();
		emit_ended(connection, DIRECTION_IN, ENDING_READ_EOF, 0);
	}
}

/* A call that failed with an error and moved no bytes. Only errors that end a connection matter. */
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
