/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One call that moved bytes becomes data records: pieces of at most
 * PIECE_MAX bytes copied from user memory, then one record for what is beyond
 * the budget, then the call's last bytes, by which a reader finds the end of
 * a chunked message whose middle was left out.
 */
#ifndef TRACE_HTTP_DATA_H
#define TRACE_HTTP_DATA_H

#include "classify.h"
#include "connection.h"

#define PIECE_MAX 16384
#define TAIL_SIZE 64
#define MAX_MESSAGES 64 /* of one sendmmsg or recvmmsg */
#define MAX_STEPS 2560 /* pieces and segments looked at in one call: UIO_MAXIOV segments, and 8 MiB */

/*
 * A call being copied. Per CPU and, as some kinds of program can be preempted
 * by another one on the same CPU, per program: each has a slot of its own, and
 * the kernel never runs one program twice on a CPU at a time.
 */
enum slot {
	SLOT_SYSCALL,
	SLOT_SEND,
	SLOT_RECEIVE,
	SLOT_UNIX_SEND,
	SLOT_UNIX_RECEIVE,
	SLOT_PAGES,
	SLOT_SPLICE,
	SLOT_UNIX_PAGES,
	SLOT_UNIX_SPLICE,
	SLOT_GONE,
	SLOT_GONE_NESTED,
	SLOT_WAITING,
	SLOT_TLS,
	SLOTS,
};

/* The slot in which the same program makes records of another moment than the call's. */
#define KEPT(slot) ((slot) + SLOTS)

struct work {
	u64 segments;      /* address of the next struct iovec */
	u64 segment_count; /* left, the current one excluded */
	u64 base;          /* user address within the current segment */
	u64 left;          /* bytes of the current segment */
	u64 messages;      /* user address of the next struct mmsghdr */
	u64 messages_left;
	u64 message_left;  /* bytes of the current message, all ones when there is but one */
	u64 remaining;     /* bytes of the call not yet stood for */
	u64 pass;          /* bytes stood for, whose segments are still to be passed over */
	u64 allowed;       /* of these, bytes that may be copied */
	u64 connection;
	u64 sock;
	u64 position;
	u64 entered;       /* 0 = the entry was not seen */
	u64 time;
	u64 unseen;
	u32 before[2];     /* TCP's counters at entry, by direction */
	u32 pid;
	u16 flags;
	u16 number;
	u8 direction;
	u8 protocol;
	u8 source;
	u8 transport;
	u64 beyond;        /* ciphertext: bytes after those that are to be copied */
	struct head scratch; /* too large for a stack that others stand on */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2 * SLOTS);
	__type(key, u32);
	__type(value, struct work);
} work_map SEC(".maps");

/*
 * What a thread has open in TLS libraries. Its work is here too: a uprobe's
 * program can be preempted by another thread's on the same CPU.
 */
struct tls_thread {
	struct tls_frames frames;
	struct work work[2];
	struct http_event event;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct tls_thread);
} tls_threads SEC(".maps");

static __always_inline struct tls_thread *tls_thread(bool create)
{
	return bpf_task_storage_get(&tls_threads, bpf_get_current_task_btf(), 0, create ? BPF_LOCAL_STORAGE_GET_F_CREATE : 0);
}

static __always_inline struct work *work_of(u32 slot)
{
	if (slot == SLOT_TLS || slot == KEPT(SLOT_TLS)) {
		struct tls_thread *thread = tls_thread(true);

		if (!thread)
			return 0;
		asm volatile("" : "+r"(thread)); /* no offset is added before the check: 6.1 does not allow it */
		return slot == SLOT_TLS ? &thread->work[0] : &thread->work[1];
	}
	return bpf_map_lookup_elem(&work_map, &slot);
}

static __always_inline void fill_data(struct record_data *record, struct work *work, u32 size, u32 copied, u8 omission)
{
	fill_header(&record->header, RECORD_DATA, (sizeof(*record) + copied + 7) & ~7u, work->connection);
	record->header.flags = work->flags;
	record->header.time = work->direction == DIRECTION_OUT && work->entered ? work->entered : work->time;
	record->header.pid = work->pid;
	record->position = work->position;
	record->entered = work->entered;
	record->unseen = work->unseen;
	record->size = size;
	record->copied = copied;
	record->direction = work->direction;
	record->layer = work->transport == TRANSPORT_TLS ? LAYER_TLS : LAYER_SOCKET;
	record->protocol = work->protocol;
	record->omission = omission;
	record->call = work->number;
	record->padding = 0;
}

/* The bytes are stood for, by a record or by the counters of what was lost. */
static __always_inline void advance(struct work *work, u32 size)
{
	work->position += size;
	work->remaining -= size;
	work->allowed = work->allowed > size ? work->allowed - size : 0;
	work->unseen = 0;
	work->flags |= FLAG_CONTINUED;
}

/* Stands for `size` bytes without a copy of them. Global for the verifier's sake, as trace_http_step. */
__noinline int trace_http_omit(u32 slot, u32 size, u32 omission)
{
	struct work *work = work_of(slot);
	struct record_data *record;

	if (!work)
		return 0;
	record = bpf_ringbuf_reserve(&data_ring, sizeof(*record), 0);
	COUNT(produced, 1);
	if (omission != OMISSION_FILTER)
		COUNT(seen_bytes, size);
	if (record) {
		fill_data(record, work, size, 0, omission);
		submit_data(record);
		if (omission != OMISSION_FILTER)
			COUNT(omitted_bytes, size);
	} else {
		COUNT(dropped_data, 1);
		if (omission != OMISSION_FILTER)
			COUNT(dropped_bytes, size);
	}
	advance(work, size);
	return 0;
}

/* ROOM is a constant, as the ring wants it, and at least size. */
#define EMIT_CLASS(work, address, count, room)                                             \
	({                                                                                 \
		struct record_data *record_ = bpf_ringbuf_reserve(&data_ring, sizeof(*record_) + (room), 0); \
		u32 count_ = (count);                                                      \
		if (record_) {                                                             \
			u32 bounded_ = count_;                                             \
			asm volatile("" : "+r"(bounded_));                                 \
			if (bounded_ > (room))                                             \
				bounded_ = (room);                                         \
			if (bpf_probe_read_user(record_ + 1, bounded_, (void *)(address))) { \
				fill_data(record_, work, count_, 0, OMISSION_FAULT);       \
				COUNT(omitted_bytes, count_);                              \
			} else {                                                           \
				fill_data(record_, work, count_, count_, OMISSION_NONE);   \
				COUNT(copied_bytes, count_);                               \
			}                                                                  \
			submit_data(record_);                                              \
		} else {                                                                   \
			COUNT(dropped_data, 1);                                            \
			COUNT(dropped_bytes, count_);                                      \
		}                                                                          \
	})

static __always_inline void emit_bytes(struct work *work, u64 address, u32 count)
{
	COUNT(produced, 1);
	COUNT(seen_bytes, count);
	if (count <= 256)
		EMIT_CLASS(work, address, count, 256);
	else if (count <= 1024)
		EMIT_CLASS(work, address, count, 1024);
	else if (count <= 4096)
		EMIT_CLASS(work, address, count, 4096);
	else
		EMIT_CLASS(work, address, count, PIECE_MAX);
	advance(work, count);
}

/* Takes up the segments of the next message of a sendmmsg or recvmmsg. */
static __always_inline bool next_message(struct work *work)
{
	struct mmsghdr message;

	if (work->messages_left == 0)
		return false;
	if (bpf_probe_read_user(&message, sizeof(message), (void *)work->messages))
		return false;
	work->messages += sizeof(message);
	work->messages_left--;
	work->segments = message.msg_hdr.msg_iov;
	work->segment_count = message.msg_hdr.msg_iovlen;
	work->message_left = message.msg_len;
	return true;
}

/* Makes the next segment the current one; false when there is none. It may be empty. */
static __always_inline bool next_segment(struct work *work)
{
	struct iovec segment;

	if ((work->segment_count == 0 || work->message_left == 0) && !next_message(work))
		return false;
	if (work->segment_count == 0)
		return true;
	if (work->source == SOURCE_KERNEL_SEGMENTS) {
		if (bpf_probe_read_kernel(&segment, sizeof(segment), (void *)work->segments))
			return false;
	} else if (bpf_probe_read_user(&segment, sizeof(segment), (void *)work->segments)) {
		return false;
	}
	work->segments += sizeof(segment);
	work->segment_count--;
	work->base = segment.iov_base;
	work->left = segment.iov_len < work->message_left ? segment.iov_len : work->message_left;
	if (work->message_left != ~0ull)
		work->message_left -= work->left;
	return true;
}

/*
 * One step: a segment is taken up, or a piece emitted. Global, so that the
 * verifier looks at it once, whatever the number of steps. 0 = done.
 */
__noinline int trace_http_step(u32 slot)
{
	struct work *work = work_of(slot);
	u64 count;

	if (!work || work->remaining == 0)
		return 0;
	if (work->left == 0)
		return next_segment(work);
	count = work->left;
	if (work->pass > 0) {
		if (count > work->pass)
			count = work->pass;
		work->pass -= count;
		work->base += count;
		work->left -= count;
		return 1;
	}
	if (count > work->remaining)
		count = work->remaining;
	if (work->allowed == 0) {
		/* Beyond the budget only the last TAIL_SIZE bytes of the call are of interest. */
		if (work->remaining > TAIL_SIZE) {
			work->pass = work->remaining - TAIL_SIZE;
			trace_http_omit(slot, (u32)work->pass, OMISSION_LIMIT);
			return 1;
		}
		work->flags |= FLAG_TAIL;
		emit_bytes(work, work->base, count);
	} else {
		if (count > work->allowed)
			count = work->allowed;
		if (count > PIECE_MAX)
			count = PIECE_MAX;
		emit_bytes(work, work->base, count);
	}
	work->base += count;
	work->left -= count;
	return 1;
}

static long copy_step(u32 index, u32 *slot)
{
	return !trace_http_step(*slot);
}

static __always_inline void copy_call(struct work *work, u32 slot)
{
	bpf_loop(MAX_STEPS, copy_step, &slot, 0);
	if (work->remaining > 0)
		trace_http_omit(slot, (u32)work->remaining, work->source == SOURCE_NONE ? OMISSION_NO_BYTES : OMISSION_SEGMENTS);
}

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

/* At least so many bytes of a session that was open before were read unseen; 0 = none. */
static __always_inline u64 missed_read(void)
{
	u32 pid = bpf_get_current_pid_tgid() >> 32;
	u64 *missed = bpf_map_lookup_elem(&missed_reads, &pid), bytes;

	if (!missed)
		return 0;
	bytes = *missed;
	/* Another session of the process may have lost one, too. */
	*missed = 1;
	return bytes;
}

/*
 * Where the bytes of this call stand in their direction's stream, and how
 * many before them moved unseen. Global for the verifier's sake.
 */
__noinline int trace_http_place(u32 slot)
{
	struct work *work = work_of(slot);
	struct connection *connection;
	u32 before, moved, now, delta;
	struct sock *sk;
	bool entered;
	u8 direction;

	if (!work || !work->sock)
		return 0;
	sk = (struct sock *)work->sock;
	connection = connection_of(sk, work->transport);
	if (!connection)
		return 0;
	direction = work->direction & 1;
	before = work->before[direction];
	entered = work->entered != 0;
	moved = (u32)work->remaining;
	if (connection->transport != TRANSPORT_TCP) {
		/* No counter of its own: what passes by unseen stays unknown, but for a TLS read that waited when the trace began. */
		if (connection->late && connection->transport == TRANSPORT_TLS && direction == DIRECTION_IN && !connection->position[DIRECTION_IN])
			work->unseen = missed_read();
		work->position = connection->position[direction] + work->unseen;
		connection->position[direction] = work->position + moved;
		if (work->unseen) {
			COUNT(seen_bytes, work->unseen);
			COUNT(unseen_bytes, work->unseen);
		}
		return 0;
	}
	now = sequence_of(sk, direction);

	if (!connection->based) {
		base_connection(sk, connection);
		/*
		 * A FIN that was read at the end of these bytes has a number too. 0 = TCP had not chosen its
		 * first one: the call connects as it sends.
		 */
		connection->sequence[direction] = entered && before ? before : now - moved;
	}
	delta = now - connection->sequence[direction];
	if (direction == DIRECTION_IN && delta == moved + 1 && BPF_CORE_READ(sk, sk_shutdown) & RCV_SHUTDOWN)
		delta = moved;
	if ((s32)(delta - moved) >= 0) {
		work->unseen = delta - moved;
		work->position = connection->position[direction] + work->unseen;
		connection->position[direction] += delta;
		connection->sequence[direction] += delta;
		if (work->unseen) {
			COUNT(seen_bytes, work->unseen);
			COUNT(unseen_bytes, work->unseen);
		}
	} else {
		/*
		 * A call of another thread ended first and took these bytes for
		 * unseen ones. The counter at entry tells where they are.
		 */
		u32 back = connection->sequence[direction] - (entered ? before : now - moved);

		work->flags |= FLAG_UNORDERED;
		work->position = connection->position[direction] > back ? connection->position[direction] - back : 0;
		COUNT(seen_bytes, -(u64)moved);
		COUNT(unseen_bytes, -(u64)moved);
	}
	return 0;
}

/* What the bytes of a call are to become. */
enum verdict { VERDICT_NOTHING, VERDICT_COPY, VERDICT_CIPHERTEXT };

#include "latency.h"
#include "ciphertext.h"

#define PAUSE_NS 100000000ull /* a stream that pauses so long gets a new budget: copying it costs little */

static __always_inline u32 copy_limit(struct connection *connection, u8 direction)
{
	/* In HTTP/2 a frame that was not copied would hide where the next one begins. */
	if (connection->protocol == PROTOCOL_HTTP2)
		return UNLIMITED;
	return direction == connection->request_direction ? request_copy_limit : response_copy_limit;
}

/* A response 101, or one to CONNECT, makes of the rest another protocol's stream, whose parts are small. */
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
		connection->last_direction = direction; /* the other side speaks: a new message */
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
 * What a connection speaks that was open before it was seen: in the middle of
 * something, so every further call is looked at afresh. False: not known yet.
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
 * Recognises what the connection speaks and places the bytes in its stream.
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
				/* Told once, so that a reader can say why nothing is shown. */
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

/* Everything that the bytes of a call lead to. */
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

/* The connection of a call that moved bytes of a socket, and what they lead to. */
static __always_inline void trace_call(struct endpoint endpoint, struct work *work, u32 slot)
{
	struct sock *sk = endpoint.sk;
	struct connection *connection = connection_of(sk, endpoint.transport);
	u32 inode = endpoint.inode;

	if (connection && connection->inode && connection->inode != inode) {
		/* The socket's memory was used again without our having seen the end. */
		emit_closed(connection);
		forget_connection(sk, endpoint.transport);
		connection = 0;
	}
	if (!connection) {
		if (endpoint.transport == TRANSPORT_UNIX) {
			connection = new_connection(sk, inode, TRANSPORT_UNIX, SIDE_UNKNOWN);
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

/* A read of nothing on a stream that has ended. */
static __always_inline void read_end_of_stream(struct endpoint endpoint)
{
	struct sock *sk = endpoint.sk;
	struct connection *connection = connection_of(sk, endpoint.transport);

	if (connection && BPF_CORE_READ(sk, sk_shutdown) & RCV_SHUTDOWN)
		emit_ended(connection, DIRECTION_IN, ENDING_READ_EOF, 0);
}

#endif
