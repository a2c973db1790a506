// SPDX-License-Identifier: MIT
/*
 * Reading BPF ring buffers (Documentation/bpf/ringbuf.rst): one page holds the
 * consumer's position, the next the producer's, then the data. The kernel maps
 * the data twice in a row, so that a record never wraps; but mappings count as
 * this process's memory, so it is mapped once, and the one record that wraps is
 * reassembled. Not libbpf's ring_buffer: its static library cannot become part
 * of a shared object (libelf's thread-local data), and the two rings have to be
 * merged in order of time anyway.
 */
#include "addon.h"
#include "backlog.h"
#include "trace_http.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <linux/bpf.h>
#include <sys/syscall.h>

#define RECORD_HEADER 8 /* BPF_RINGBUF_HDR_SZ */
#define BUSY_BIT (1u << 31)
#define DISCARD_BIT (1u << 30)

/* A record is stamped a moment before it is seen; clocks of CPUs differ less than this. */
#define CLOCK_MARGIN_NS 20000

/* Bytes read before the kernel gets them back and the backlog's other side may continue; fewer for a small ring. */
#define RELEASE_AFTER (128u << 10)
#define RELEASE_SHARE 32

static int ring_size(int descriptor, uint64_t *size)
{
	struct bpf_map_info info = {0};
	union bpf_attr attributes;

	memset(&attributes, 0, sizeof(attributes));
	attributes.info.bpf_fd = (uint32_t)descriptor;
	attributes.info.info_len = sizeof(info);
	attributes.info.info = (uint64_t)(uintptr_t)&info;
	if (syscall(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &attributes, sizeof(attributes)))
		return -1;
	if (info.type != BPF_MAP_TYPE_RINGBUF) {
		errno = EINVAL;
		return -1;
	}
	*size = info.max_entries;
	return 0;
}

int ring_open(struct ring *ring, int descriptor)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint64_t size;

	memset(ring, 0, sizeof(*ring));
	if (ring_size(descriptor, &size))
		return -1;
	ring->descriptor = descriptor;
	ring->mask = size - 1;
	ring->sizes[0] = page;
	ring->mappings[0] = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
	if (ring->mappings[0] == MAP_FAILED)
		return -1;
	ring->sizes[1] = page + size;
	ring->mappings[1] = mmap(NULL, ring->sizes[1], PROT_READ, MAP_SHARED, descriptor, (off_t)page);
	if (ring->mappings[1] == MAP_FAILED) {
		munmap(ring->mappings[0], page);
		return -1;
	}
	ring->consumer = ring->mappings[0];
	ring->producer = ring->mappings[1];
	ring->data = (const unsigned char *)ring->mappings[1] + page;
	/* Records that are there already belong to an earlier trace, which has counted them. */
	__atomic_store_n(ring->consumer, __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
	return 0;
}

void ring_close(struct ring *ring)
{
	for (int i = 0; i < 2; i++) {
		if (ring->mappings[i])
			munmap(ring->mappings[i], ring->sizes[i]);
	}
	free(ring->joined);
	memset(ring, 0, sizeof(*ring));
}

uint64_t boot_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The read position in one ring. */
struct cursor {
	struct ring *ring;
	uint64_t position;
	uint64_t limit;
};

/* The record at that offset, which wraps around, in one piece. NULL: out of memory. */
static const void *join(struct ring *ring, uint64_t offset, uint32_t length)
{
	uint64_t first = ring->mask + 1 - offset;

	/* Room for a header, whatever the length says. */
	if (length + sizeof(struct record_header) > ring->joined_size) {
		unsigned char *larger = realloc(ring->joined, length + sizeof(struct record_header));

		if (!larger)
			return NULL;
		ring->joined = larger;
		ring->joined_size = length + sizeof(struct record_header);
	}
	memcpy(ring->joined, ring->data + offset, first);
	memcpy(ring->joined + first, ring->data, length - first);
	return ring->joined;
}

/* The record at the cursor, skipping discarded ones; NULL when there is none, or it is still being written. */
static const struct record_header *peek(struct cursor *cursor, uint32_t *span, uint32_t *length)
{
	while (cursor->position < cursor->limit) {
		const unsigned char *at = cursor->ring->data + (cursor->position & cursor->ring->mask);
		uint32_t word = __atomic_load_n((const uint32_t *)at, __ATOMIC_ACQUIRE);

		if (word & BUSY_BIT)
			return NULL;
		*length = word & ~DISCARD_BIT;
		*span = (*length + RECORD_HEADER + 7) & ~7u;
		if (!(word & DISCARD_BIT)) {
			uint64_t offset = (cursor->position + RECORD_HEADER) & cursor->ring->mask;

			if (offset + *length > cursor->ring->mask + 1)
				return join(cursor->ring, offset, *length);
			return (const struct record_header *)(cursor->ring->data + offset);
		}
		cursor->position += *span;
	}
	return NULL;
}

/* The kernel may use what has been read. */
static void release(struct cursor *cursor)
{
	__atomic_store_n(cursor->ring->consumer, cursor->position, __ATOMIC_RELEASE);
}

void rings_limit(struct ring *data, struct ring *structure, struct drain_limit *limit)
{
	/*
	 * The order of these three matters. A data record below its limit was
	 * stamped after all structure records that precede it were reserved, so
	 * they are below their limit, too. And all data records older than a
	 * structure record that is older than `before` are below the data's
	 * limit.
	 */
	limit->before = boot_time() - CLOCK_MARGIN_NS;
	limit->data = __atomic_load_n(data->producer, __ATOMIC_ACQUIRE);
	limit->structure = __atomic_load_n(structure->producer, __ATOMIC_ACQUIRE);
}

bool rings_drain(struct ring *data, struct ring *structure, const struct drain_limit *limit)
{
	uint64_t before = limit->before, up_to = before;
	struct cursor d = {data, *data->consumer, limit->data};
	struct cursor s = {structure, *structure->consumer, limit->structure};
	uint64_t share = (data->mask + 1) / RELEASE_SHARE, release_after = share < RELEASE_AFTER ? share : RELEASE_AFTER;
	size_t unreleased = 0;
	bool dry = true;

	backlog_lock();
	for (;;) {
		uint32_t d_span = 0, d_length = 0, s_span = 0, s_length = 0, span, length;
		const struct record_header *from_d = peek(&d, &d_span, &d_length);
		const struct record_header *from_s = peek(&s, &s_span, &s_length);
		const struct record_header *next;
		bool is_structure;

		if (s.position < s.limit && !from_s) {
			up_to = 0; /* a record is being written, its time is not known yet: try again later */
			dry = false;
			break;
		}
		is_structure = from_s && (!from_d || from_s->emitted <= from_d->emitted);
		next = is_structure ? from_s : from_d;
		if (!next) {
			if (d.position < d.limit) {
				up_to = 0;
				dry = false;
			}
			break;
		}
		if (is_structure && from_s->emitted >= before) {
			dry = false;
			break;
		}
		span = is_structure ? s_span : d_span;
		/* The programs may reserve more than they use. */
		length = next->length;
		if (length < sizeof(*next) || length > (is_structure ? s_length : d_length) || length % 8)
			length = 0; /* never written by our programs */
		if (length > 0 && !backlog_add(next, length)) {
			up_to = next->emitted < before ? next->emitted : before;
			dry = false;
			break;
		}
		if (is_structure)
			s.position += span;
		else
			d.position += span;
		unreleased += span;
		if (unreleased >= release_after) {
			unreleased = 0;
			release(&d);
			release(&s);
			backlog_unlock();
			backlog_lock();
		}
	}
	backlog_complete(up_to);
	backlog_unlock();
	release(&d);
	release(&s);
	return dry;
}

size_t ring_take_events(struct ring *ring, struct process_event *events, size_t room)
{
	struct cursor cursor = {ring, *ring->consumer, __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE)};
	uint32_t span, length;
	size_t count = 0;

	while (count < room) {
		const void *record = peek(&cursor, &span, &length);

		if (!record)
			break;
		if (length >= offsetof(struct process_event, inode)) {
			struct process_event *event = &events[count++];

			memset(event, 0, sizeof(*event));
			memcpy(event, record, length < sizeof(*event) ? offsetof(struct process_event, inode) : sizeof(*event));
			event->path[sizeof(event->path) - 1] = 0;
		}
		cursor.position += span;
	}
	__atomic_store_n(ring->consumer, cursor.position, __ATOMIC_RELEASE);
	return count;
}
