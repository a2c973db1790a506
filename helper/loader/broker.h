/* SPDX-License-Identifier: MIT */
/* What the helper asks of the broker: one message, one answer, over a socket that keeps messages apart. */
#ifndef BROKER_H
#define BROKER_H

#include <stddef.h>
#include <stdint.h>

#define BROKER_PROBES_MAX 256
#define BROKER_SYMBOL_SIZE 48
#define BROKER_LINKS_MAX 3 /* of one file: on entries, on return instructions, by uretprobes */
#define BROKER_DESCRIPTORS_MAX 64

enum broker_verb {
	/* Once, of a helper that no other process can look into: with the answer come the trace's maps and links. */
	BROKER_HAND_OVER = 1,
	/* The TLS probes of a file. With the answer come the links, if the helper is to hold any. */
	BROKER_ATTACH = 2,
	/* Takes off what BROKER_ATTACH put on. */
	BROKER_DETACH = 3,
};

/* What comes with BROKER_ATTACH: the process, and the file, open for reading. */
enum { BROKER_PIDFD, BROKER_FILE, BROKER_GIVEN };

enum broker_kind { BROKER_ENTRY = 0, BROKER_RETURN = 1, BROKER_URETPROBE = 2 };

struct broker_probe {
	uint64_t offset; /* in the file */
	uint32_t kind; /* enum broker_kind */
	uint32_t stack; /* bytes by which the stack is longer there (COOKIE_STACK of bpf/tls.h) */
	char symbol[BROKER_SYMBOL_SIZE]; /* the function's name, one of the catalogue's */
};

/* As long as `count` says. */
struct broker_request {
	uint32_t verb;
	uint32_t set; /* BROKER_DETACH: as the answer to BROKER_ATTACH named it */
	uint64_t start, end; /* of an executable mapping of the file in that process */
	uint32_t file; /* the number that the helper gave it, for the probes' cookies */
	uint32_t library; /* enum tls_library */
	uint32_t count;
	uint32_t padding;
	struct broker_probe probes[BROKER_PROBES_MAX];
};

#define BROKER_REQUEST_SIZE(count) (offsetof(struct broker_request, probes) + (count) * sizeof(struct broker_probe))

struct broker_answer {
	int32_t error; /* errno; 0 = done */
	uint32_t set;
	uint32_t descriptors; /* as many come with it */
	char reason[116];
};

#endif
