/* SPDX-License-Identifier: MIT */
/*
 * Decides which bytes of a data record can be left out so that its exchange loses nothing but its body. Looks only for
 * the end of HTTP/1 heads and the start of HTTP/2 frames. Hostile bytes make it keep too much, or too little of their
 * own connection; they are never followed.
 */
#ifndef SHED_H
#define SHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct record_header;
struct record_data;

/* Ranges of a record's copied bytes, in order, that are kept. */
struct kept {
	uint32_t from, length;
};
#define KEPT_MAX 16

struct shedder;

/* NULL: out of memory. */
struct shedder *shedder_new(void);
void shedder_free(struct shedder *shedder);

/*
 * Sees every record once, in order: it follows the frames of each HTTP/2 connection. Returns the number of ranges that
 * are kept; 0: the record stays as it is. Always 0 without `crowded`.
 */
size_t shedder_look(struct shedder *shedder, const struct record_header *record, bool crowded,
		    struct kept kept[KEPT_MAX]);

#endif
