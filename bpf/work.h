/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A call whose bytes become records: the state of its copying, and how its
 * bytes are emitted. Pieces of at most PIECE_MAX bytes are copied from user
 * memory. One record covers the bytes beyond the budget. The call's last
 * bytes follow, so that a reader finds the end of a chunked message whose
 * middle was left out.
 */
#ifndef TRACE_HTTP_WORK_H
#define TRACE_HTTP_WORK_H

#include "emit.h"

#define PIECE_MAX 16384
#define TAIL_SIZE 64
#define MAX_MESSAGES 64 /* of one sendmmsg or recvmmsg */
#define MAX_STEPS 2560 /* pieces and segments looked at in one call: UIO_MAXIOV segments, and 8 MiB */

/* The slot in which the same program makes records whose time is not the call's. */
#define KEPT(slot) ((slot) + SLOTS)

/* Position in a call's bytes, as in struct work. */
struct cursor {
	u64 segments;
	u64 segment_count;
	u64 base;
	u64 left;
	u64 messages;
	u64 messages_left;
	u64 message_left;
};

#define CALLER_KNOWN 1  /* the thread is in the call, or has just left it */
#define CALLER_WANTED 2 /* and a request begins with these bytes */

/* A call being copied. */
struct work {
	u64 segments;      /* address of the next struct iovec */
	u64 segment_count; /* left, the current one excluded */
	u64 base;          /* user address within the current segment */
	u64 left;          /* bytes of the current segment */
	u64 messages;      /* user address of the next struct mmsghdr */
	u64 messages_left;
	u64 message_left;  /* bytes of the current message, all ones if it is the only one */
	u64 remaining;     /* bytes of the call that no record covers yet */
	u64 pass;          /* bytes that records cover, but whose segments are still to be skipped */
	u64 allowed;       /* of the remaining ones, bytes that may be copied */
	u64 exempt;        /* of the allowed ones, bytes that are copied however full the ring is */
	u64 connection;
	u64 sock;
	u64 position;
	u64 entered;       /* 0 = the entry was not seen */
	u64 time;
	u64 unseen;
	u16 claim;         /* as in struct record_data */
	u32 before[2];     /* TCP's counters at entry, by direction */
	u32 pid;
	u16 flags;
	u16 number;
	u8 direction;
	u8 protocol;
	u8 source;
	u8 transport;
	u8 omission;       /* why bytes are not copied */
	u8 sheds;          /* what is not exempt is left out when the ring fills up */
	u8 slot;           /* enum slot: its own, from begin_work on */
	u8 caller;         /* CALLER_: whether this thread's stack shows who sends the bytes */
	u64 beyond;        /* ciphertext: bytes after those that are to be copied */
	u64 floor;         /* as in struct record_stack */
	u32 stream;        /* HTTP/2: the first request that begins in this call; 0 = none */
	struct cursor kept;  /* while the bytes are examined before copying */
	u64 scan_left;
	u32 scan_at;
	u32 scan_have;
	u32 scanned;       /* bytes that were looked at */
	u32 limit;         /* HTTP/2: of the content of a message */
	struct frames frames; /* HTTP/2: those of the connection, while the call is walked through */
	u64 run_base;      /* HTTP/2: user address of frame bytes still to be copied */
	u64 run;           /* their number */
	u64 hole;          /* bytes after these that are not copied */
	struct file_state from; /* SOURCE_NONE: the file whose bytes these are, if it is known */
	struct head scratch; /* too large for a stack that callers share */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2 * SLOTS);
	__type(key, u32);
	__type(value, struct work);
} work_map SEC(".maps");

/*
 * A thread's open calls into TLS libraries. Its work is here, too: a uprobe's
 * program can be preempted by another thread's on the same CPU.
 */
struct tls_thread {
	struct tls_frames frames;
	struct work work[2];
	struct http_event event;
	struct tls_session fresh; /* before it is added to the map */
	u32 trace; /* this_trace when its frames were made */
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
		asm volatile("" : "+r"(thread)); /* 6.1: no offset may be added before the NULL check */
		return slot == SLOT_TLS ? &thread->work[0] : &thread->work[1];
	}
	return bpf_map_lookup_elem(&work_map, &slot);
}

/* The companion work, set to a time and a position of this connection. */
static __always_inline struct work *other_moment(struct connection *connection, u32 slot, u8 direction, u64 position, u64 time)
{
	struct work *kept = work_of(KEPT(slot));

	if (!kept)
		return 0;
	kept->connection = connection->id;
	kept->protocol = connection->protocol;
	kept->transport = connection->transport;
	kept->pid = connection->pid;
	kept->direction = direction;
	kept->position = position;
	kept->entered = time;
	kept->time = time;
	kept->unseen = 0;
	kept->claim = 0;
	kept->flags = 0;
	kept->number = 0xffff;
	return kept;
}

static __always_inline void fill_data(struct record_data *record, struct work *work, u32 size, u32 copied, u8 omission)
{
	fill_header(&record->header, RECORD_DATA, (sizeof(*record) + copied + 7) & ~7u, work->connection, work->pid);
	record->header.flags = work->flags;
	record->header.time = work->direction == DIRECTION_OUT && work->entered ? work->entered : work->time;
	record->position = work->position;
	record->returned = work->time;
	record->unseen = work->unseen;
	record->size = size;
	record->copied = copied;
	record->direction = work->direction;
	record->layer = work->transport == TRANSPORT_TLS ? LAYER_TLS : LAYER_SOCKET;
	record->protocol = work->protocol;
	record->omission = omission;
	record->call = work->number;
	record->claim = work->claim;
}

/* How full the data ring is, and so what is still copied: the most important bytes must find room (shed.h). */
enum pressure {
	PRESSURE_NONE,
	PRESSURE_HALF,  /* the beginning of each message */
	PRESSURE_HEADS, /* heads; the last part of the ring is theirs */
};

static __always_inline u32 pressure(void)
{
	u64 waiting = bpf_ringbuf_query(&data_ring, BPF_RB_AVAIL_DATA);

	if (waiting < half_bytes)
		return PRESSURE_NONE;
	return waiting < heads_only_bytes ? PRESSURE_HALF : PRESSURE_HEADS;
}

/* Marks bytes as accounted for, by a record or by the loss counters. */
static __always_inline void advance(struct work *work, u32 size)
{
	work->position += size;
	work->remaining -= size;
	work->allowed = work->allowed > size ? work->allowed - size : 0;
	work->exempt = work->exempt > size ? work->exempt - size : 0;
	work->unseen = 0;
	work->claim = 0;
	work->flags |= FLAG_CONTINUED;
}

/*
 * The record is submitted or was refused: counts it, and what it covers. Global for the verifier's sake, as
 * trace_http_step.
 */
__noinline int trace_http_account(u32 covered, u32 copied, u32 dropped)
{
	u32 zero = 0;
	struct counters *sums = bpf_map_lookup_elem(&counters_map, &zero);

	if (!sums)
		return 0;
	__sync_fetch_and_add(&sums->produced, 1);
	__sync_fetch_and_add(&sums->seen_bytes, covered);
	if (dropped) {
		__sync_fetch_and_add(&sums->dropped_data, 1);
		__sync_fetch_and_add(&sums->dropped_bytes, covered);
		return 0;
	}
	if (copied)
		__sync_fetch_and_add(&sums->copied_bytes, copied);
	if (covered > copied)
		__sync_fetch_and_add(&sums->omitted_bytes, covered - copied);
	return 0;
}

#define FAULTED 0x100 /* with an omission: the bytes could not be read */

/*
 * As fill_data. Returns how many bytes were copied: `copied`, or 0 with FAULTED. Global, so that the verifier checks it
 * once and not for each size of a record.
 */
__noinline int trace_http_fill(struct record_data *record, struct work *work, u32 size, u32 copied, u32 omission)
{
	if (!record || !work)
		return 0;
	if (omission & FAULTED) {
		copied = 0;
		omission = OMISSION_FAULT;
	}
	fill_data(record, work, size, copied, omission);
	return copied;
}

/* Reports `size` bytes without a copy of them. Global for the verifier's sake, as trace_http_step. */
__noinline int trace_http_omit(struct work *work, u32 size, u32 omission)
{
	struct record_data *record;

	if (!work)
		return 0;
	record = bpf_ringbuf_reserve(&data_ring, sizeof(*record), 0);
	if (record) {
		fill_data(record, work, size, 0, omission);
		submit_data(record);
	}
	/* Bytes left out by the filter count as `filtered_bytes`. */
	trace_http_account(omission == OMISSION_FILTER ? 0 : size, 0, !record);
	advance(work, size);
	return 0;
}

/* A record with room for ROOM bytes: a constant, as the ring requires, and at least `count`. */
#define COPY_CLASS(room)                                                                   \
	do {                                                                               \
		if (count > (room))                                                        \
			break;                                                             \
		record = bpf_ringbuf_reserve(&data_ring, sizeof(*record) + (room), 0);     \
		if (!record)                                                               \
			goto refused;                                                      \
		bounded = count;                                                           \
		asm volatile("" : "+r"(bounded));                                          \
		if (bounded > (room))                                                      \
			bounded = (room);                                                  \
		/* No branch: the verifier would follow it for each size. */               \
		omission |= bpf_probe_read_user(record + 1, bounded, (void *)address) >> 63 & FAULTED; \
		copied = trace_http_fill(record, work, covered, count, omission);          \
		submit_data(record);                                                       \
		goto done;                                                                 \
	} while (0)

/*
 * Reports `covered` bytes, of which the first `count`, at most PIECE_MAX, are copied; omission says why the others are
 * not. Record sizes are constants, so the next larger of several is used: above 1 KiB, at most a quarter too large.
 * Global for the verifier's sake, as trace_http_step.
 */
__noinline int trace_http_copy(struct work *work, u64 address, u32 count, u32 covered, u32 omission)
{
	struct record_data *record;
	u32 copied, bounded;

	if (!work)
		return 0;
	if (count <= 1024) {
		COPY_CLASS(16);
		COPY_CLASS(64);
		COPY_CLASS(128);
		COPY_CLASS(192);
		COPY_CLASS(256);
		COPY_CLASS(320);
		COPY_CLASS(384);
		COPY_CLASS(512);
		COPY_CLASS(640);
		COPY_CLASS(768);
		COPY_CLASS(896);
		COPY_CLASS(1024);
	}
	COPY_CLASS(1280);
	COPY_CLASS(1536);
	COPY_CLASS(1792);
	COPY_CLASS(2048);
	COPY_CLASS(2560);
	COPY_CLASS(3072);
	COPY_CLASS(3584);
	COPY_CLASS(4096);
	COPY_CLASS(5120);
	COPY_CLASS(6144);
	COPY_CLASS(7168);
	COPY_CLASS(8192);
	COPY_CLASS(10240);
	COPY_CLASS(12288);
	COPY_CLASS(14592); /* a common write size, 14 KiB, plus a head */
	COPY_CLASS(PIECE_MAX);
	return 0; /* not reached: no piece is larger */
refused:
	trace_http_account(covered, 0, 1);
	advance(work, covered);
	return 0;
done:
	trace_http_account(covered, copied, 0);
	advance(work, covered);
	return 0;
}

/* Begins with the segments of the next message of a sendmmsg or recvmmsg. */
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
	if (work->source == SOURCE_NSPR_SEGMENTS)
		segment.iov_len = (u32)segment.iov_len;
	work->segments += sizeof(segment);
	work->segment_count--;
	work->base = segment.iov_base;
	work->left = segment.iov_len < work->message_left ? segment.iov_len : work->message_left;
	if (work->message_left != ~0ull)
		work->message_left -= work->left;
	return true;
}

/*
 * One step: begins with a segment, or emits a piece. Global, so that the
 * verifier checks it once, whatever the number of steps. 0 = done.
 */
__noinline int trace_http_step(struct work *work)
{
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
	if (work->allowed > 0 && work->exempt == 0 && work->sheds && pressure() != PRESSURE_NONE) {
		work->allowed = 0;
		work->omission = OMISSION_PRESSURE;
	}
	if (work->allowed == 0) {
		/* Beyond the budget only the last TAIL_SIZE bytes of the call are of interest. */
		if (work->remaining > TAIL_SIZE) {
			work->pass = work->remaining - TAIL_SIZE;
			trace_http_omit(work, (u32)work->pass, work->omission);
			return 1;
		}
		work->flags |= FLAG_TAIL;
		trace_http_copy(work, work->base, count, count, OMISSION_NONE);
	} else {
		u64 covered;

		if (count > work->allowed)
			count = work->allowed;
		if (count > PIECE_MAX)
			count = PIECE_MAX;
		/* The record of the last copied bytes also covers the omitted bytes after them. */
		covered = count == work->allowed && work->remaining > count + TAIL_SIZE ? work->remaining - TAIL_SIZE : count;
		work->pass = covered - count;
		trace_http_copy(work, work->base, count, covered, covered > count ? work->omission : OMISSION_NONE);
	}
	work->base += count;
	work->left -= count;
	return 1;
}

static long copy_step(u32 index, struct work **work)
{
	return !trace_http_step(*work);
}

/*
 * Why the rest of a call is not copied: too many segments; the budget for bytes of a file; or the bytes were never in
 * user memory.
 */
static __always_inline u32 reason_to_omit(struct work *work)
{
	if (work->source != SOURCE_NONE)
		return OMISSION_SEGMENTS;
	return work->from.file && work->allowed == 0 ? work->omission : OMISSION_NO_BYTES;
}

/* What to do with the bytes of a call. */
enum verdict { VERDICT_NOTHING, VERDICT_COPY, VERDICT_CIPHERTEXT };

#endif
