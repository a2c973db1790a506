/* SPDX-License-Identifier: MIT */
/* What the helper asks of the broker: one message, one answer, over a socket that keeps messages apart. */
#ifndef BROKER_H
#define BROKER_H

#include <stdint.h>

#define BROKER_PROBES_MAX 64
#define BROKER_SYMBOL_SIZE 48

struct broker_probe {
	uint64_t offset; /* in the file */
	uint64_t cookie;
	uint32_t program; /* 0: entry, 1: return */
	uint32_t at_return; /* a uretprobe on the function that begins at the offset */
	char symbol[BROKER_SYMBOL_SIZE]; /* whose beginning the offset is; empty = within the requester's own file */
};

/* With it come the process's pidfd. */
struct broker_request {
	uint64_t start, end; /* of a mapping of the file in that process */
	uint32_t count;
	uint32_t padding;
	struct broker_probe probes[BROKER_PROBES_MAX];
};

/* With it come as many descriptors of links as `count`. */
struct broker_answer {
	int32_t error; /* errno; 0 = all are attached */
	uint32_t count;
	char reason[120];
};

#endif
