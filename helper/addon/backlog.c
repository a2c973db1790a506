// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "backlog.h"
#include "shed.h"
#include "trace_http.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

/* Chunks in use above which bodies are left out, and above which everything but structure is. */
#define BODIES_SHED(limit) ((uint64_t)(limit) * 3 / 4)
#define HEADS_SHED(limit) ((uint64_t)(limit) * 15 / 16)
/* Chunks that are kept for the next records; more go back to the system. */
#define SPARE_MAX 4
/* A record is stamped a moment before it is seen; clocks of CPUs differ less than this. */
#define CLOCK_MARGIN_NS 20000

struct chunk {
	struct chunk *next;
	uint32_t used, records, split;
	uint32_t copied; /* bytes of payload in it */
	uint64_t up_to;  /* boot time before which all records are in this or an earlier chunk; set when it is full */
	unsigned char bytes[];
};
#define CHUNK_ROOM (BACKLOG_BATCH - sizeof(struct chunk))

static struct {
	pthread_mutex_t lock;
	struct chunk *oldest, *newest, *spare;
	uint32_t chunks, spares, limit; /* limit: in chunks */
	uint64_t complete;
	struct shedder *shedder;
	struct backlog_facts facts;
} backlog = {.lock = PTHREAD_MUTEX_INITIALIZER, .limit = BACKLOG_LIMIT_DEFAULT / BACKLOG_BATCH};

int backlog_open(void)
{
	backlog.shedder = shedder_new();
	return backlog.shedder ? 0 : -1;
}

static void unmap(struct chunk *chunk)
{
	while (chunk) {
		struct chunk *next = chunk->next;

		munmap(chunk, BACKLOG_BATCH);
		chunk = next;
	}
}

void backlog_close(void)
{
	unmap(backlog.oldest);
	unmap(backlog.spare);
	shedder_free(backlog.shedder);
	backlog.oldest = backlog.newest = backlog.spare = NULL;
	backlog.chunks = backlog.spares = 0;
	backlog.complete = 0;
	backlog.shedder = NULL;
	memset(&backlog.facts, 0, sizeof(backlog.facts));
}

void backlog_set_limit(uint64_t bytes)
{
	uint64_t chunks = (bytes < BACKLOG_LIMIT_MIN ? BACKLOG_LIMIT_MIN : bytes) / BACKLOG_BATCH;

	backlog_lock();
	backlog.limit = chunks > UINT32_MAX ? UINT32_MAX : (uint32_t)chunks;
	backlog_unlock();
}

void backlog_lock(void)
{
	pthread_mutex_lock(&backlog.lock);
}

void backlog_unlock(void)
{
	pthread_mutex_unlock(&backlog.lock);
}

bool backlog_is_empty(void)
{
	return backlog.facts.records == 0;
}

static struct chunk *new_chunk(void)
{
	struct chunk *chunk = backlog.spare;

	if (backlog.chunks >= backlog.limit)
		return NULL;
	if (chunk) {
		backlog.spare = chunk->next;
		backlog.spares--;
	} else {
		chunk = mmap(NULL, BACKLOG_BATCH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (chunk == MAP_FAILED)
			return NULL;
	}
	memset(chunk, 0, sizeof(*chunk));
	backlog.chunks++;
	return chunk;
}

static void free_chunk(struct chunk *chunk)
{
	backlog.chunks--;
	chunk->next = NULL;
	if (backlog.spares >= SPARE_MAX) {
		munmap(chunk, BACKLOG_BATCH);
		return;
	}
	chunk->next = backlog.spare;
	backlog.spare = chunk;
	backlog.spares++;
}

/* A chunk with that much room. */
static struct chunk *room_for(uint32_t length, uint64_t emitted)
{
	struct chunk *last = backlog.newest, *chunk;

	if (last && last->used + length <= CHUNK_ROOM)
		return last;
	chunk = length <= CHUNK_ROOM ? new_chunk() : NULL;
	if (!chunk)
		return NULL;
	if (last) {
		last->up_to = emitted > CLOCK_MARGIN_NS ? emitted - CLOCK_MARGIN_NS : 0;
		last->next = chunk;
	} else {
		backlog.oldest = chunk;
	}
	backlog.newest = chunk;
	return chunk;
}

static void count(struct chunk *chunk, uint32_t length, uint32_t copied)
{
	chunk->used += length;
	chunk->copied += copied;
	chunk->records++;
	backlog.facts.records++;
	backlog.facts.bytes += length;
}

/* The ranges of the record that are kept, each as a record that also covers what is left out after it. */
static void add_parts(struct chunk *chunk, const struct record_data *record, const struct kept *kept, size_t parts,
		      uint8_t omission)
{
	for (size_t i = 0; i < parts; i++) {
		bool last = i + 1 == parts;
		struct record_data *part = (struct record_data *)(chunk->bytes + chunk->used);
		uint32_t from = i == 0 ? 0 : kept[i].from, length = kept[i].length;
		uint32_t to = last ? record->size : kept[i + 1].from, whole;

		*part = *record;
		part->position = record->position + from;
		part->size = to - from;
		part->copied = length;
		if (i > 0) {
			part->unseen = 0;
			part->claim = 0;
			part->header.flags |= FLAG_CONTINUED;
			chunk->split++;
		}
		/* Where the kernel has left something out at the end, its reason stays. */
		if (!last || from + length < record->copied)
			part->omission = omission;
		whole = (uint32_t)(sizeof(*part) + length + 7) & ~7u;
		part->header.length = whole;
		memcpy(part + 1, (const unsigned char *)(record + 1) + from, length);
		memset((unsigned char *)(part + 1) + length, 0, whole - sizeof(*part) - length);
		count(chunk, whole, length);
	}
}

bool backlog_add(const struct record_header *record, uint32_t length)
{
	const struct record_data *data = (const struct record_data *)record;
	struct kept kept[KEPT_MAX];
	uint8_t omission = OMISSION_PRESSURE;
	uint32_t room = length;
	struct chunk *chunk;
	size_t parts;

	/* The worst case, so that a record and its parts are always in one chunk. */
	if (record->type == RECORD_DATA)
		room += KEPT_MAX * (uint32_t)(sizeof(struct record_data) + 8);
	chunk = room_for(room, record->emitted);
	if (!chunk)
		return false;
	parts = shedder_look(backlog.shedder, record, backlog.chunks > BODIES_SHED(backlog.limit), kept);
	if (parts > 0) {
		uint64_t *shed = &backlog.facts.shed_bodies;
		uint32_t left = data->copied;

		if (backlog.chunks > HEADS_SHED(backlog.limit)) {
			shed = &backlog.facts.shed_heads;
			omission = OMISSION_PRESSURE_HEAD;
			kept[0] = (struct kept){0, 0};
			parts = 1;
		}
		for (size_t i = 0; i < parts; i++)
			left -= kept[i].length;
		*shed += left;
		if (left == 0)
			parts = 0;
	}
	if (parts > 0) {
		add_parts(chunk, data, kept, parts, omission);
	} else {
		memcpy(chunk->bytes + chunk->used, record, length);
		count(chunk, length, record->type == RECORD_DATA && length >= sizeof(*data) ? data->copied : 0);
	}
	backlog.facts.newest = record->emitted;
	return true;
}

void backlog_complete(uint64_t up_to)
{
	if (up_to > backlog.complete)
		backlog.complete = up_to;
}

/* Removes the oldest chunk that has records; NULL: there is none. */
static struct chunk *pop(uint64_t *up_to)
{
	struct chunk *chunk = backlog.oldest;

	if (!chunk)
		return NULL;
	backlog.oldest = chunk->next;
	if (!backlog.oldest)
		backlog.newest = NULL;
	*up_to = chunk->next ? chunk->up_to : backlog.complete;
	backlog.facts.records -= chunk->records;
	backlog.facts.bytes -= chunk->used;
	return chunk;
}

size_t backlog_take(unsigned char *to, uint32_t *records, uint64_t *up_to)
{
	struct chunk *chunk;
	size_t length;

	*records = 0;
	backlog_lock();
	*up_to = backlog.complete;
	chunk = pop(up_to);
	if (chunk)
		backlog.facts.split += chunk->split;
	backlog_unlock();
	if (!chunk)
		return 0;
	/* Outside of the lock: the thread that fills it need not wait. */
	length = chunk->used;
	*records = chunk->records;
	memcpy(to, chunk->bytes, length);
	backlog_lock();
	free_chunk(chunk);
	backlog_unlock();
	return length;
}

void backlog_drop(void)
{
	struct chunk *chunk;
	uint64_t up_to;

	backlog_lock();
	while ((chunk = pop(&up_to))) {
		/* As the kernel counts them. */
		backlog.facts.dropped_records += chunk->records - chunk->split;
		backlog.facts.dropped_bytes += chunk->copied;
		free_chunk(chunk);
	}
	backlog_unlock();
}

struct backlog_facts backlog_facts(void)
{
	struct backlog_facts facts;

	backlog_lock();
	facts = backlog.facts;
	backlog_unlock();
	return facts;
}
