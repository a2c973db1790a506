/* SPDX-License-Identifier: MIT */
/*
 * Between the rings and the client: records in the order in which they were made, in bounded memory of this process.
 * One thread fills it, another takes from it.
 */
#ifndef BACKLOG_H
#define BACKLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct record_header;

/* One batch, which is one frame on the socket. Far above the largest record (16 KiB and its header). */
#define BACKLOG_BATCH (512u << 10)
#define BACKLOG_LIMIT_DEFAULT (256ull << 20)
#define BACKLOG_LIMIT_MIN (4ull << 20)

/* Sums over the trace, but for `records`, `bytes` and `newest`. */
struct backlog_facts {
	uint64_t records; /* waiting */
	uint64_t bytes;   /* taken by these; see backlog_set_limit */
	uint64_t newest;  /* when the last added record was made; boot time in nanoseconds, 0 = none yet */
	uint64_t shed_bodies; /* bytes of bodies that were copied by the kernel and left out here */
	uint64_t shed_heads;  /* likewise, of any data that arrived when the backlog was nearly full */
	uint64_t split; /* of the records taken: additional parts of kernel records that were split */
	uint64_t dropped_records; /* by backlog_drop */
	uint64_t dropped_bytes;   /* the copied bytes in them */
};

/* 0, or -1 with errno. There is one backlog in the process. */
int backlog_open(void);
void backlog_close(void);

/* Bytes that the records may take, at least BACKLOG_LIMIT_MIN. Pending records stay. */
void backlog_set_limit(uint64_t bytes);

/* Several additions are made under one lock. */
void backlog_lock(void);
void backlog_unlock(void);

/* Under the lock. False: it is full, and the record was not added. `length` is that of the record, a multiple of 8. */
bool backlog_add(const struct record_header *record, uint32_t length);
/* Under the lock: all records that were made before that boot time have been added. */
void backlog_complete(uint64_t up_to);
/* Under the lock. */
bool backlog_is_empty(void);

/*
 * Takes the oldest records, as many as there are, up to BACKLOG_BATCH bytes of them. *up_to becomes the boot time before
 * which all records have been taken, 0 when it is not known. Returns bytes; 0: there are none.
 */
size_t backlog_take(unsigned char *to, uint32_t *records, uint64_t *up_to);

/* Drops and counts all waiting records. */
void backlog_drop(void);

struct backlog_facts backlog_facts(void);

#endif
