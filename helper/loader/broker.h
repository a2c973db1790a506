/* SPDX-License-Identifier: MIT */
/* Requests of the helper to the broker: one message, one answer, over a socket that preserves message boundaries. */
#ifndef BROKER_H
#define BROKER_H

#include <stddef.h>
#include <stdint.h>

#define BROKER_PROBES_MAX 256
#define BROKER_SYMBOL_SIZE 64
#define BROKER_LINKS_MAX 4 /* of one file: on entries, on return instructions, by uretprobes, of callers */
#define BROKER_DESCRIPTORS_MAX 64
#define BROKER_FACTS_MAX 8192

enum broker_verb {
	/*
	 * Once, when no other process can inspect the helper: the answer carries the trace's maps and links, and after
	 * it in the same message the facts of the trace, as JSON (helper/facts.ts). It comes when the programs are
	 * loaded.
	 */
	BROKER_HAND_OVER = 1,
	/* Attaches the TLS probes of a file. The answer has the links, if the helper is to hold any. */
	BROKER_ATTACH = 2,
	/* Detaches what BROKER_ATTACH attached. */
	BROKER_DETACH = 3,
	/*
	 * Between two traces: detaches the next link that BROKER_RESUME attached, and after the last one clears the
	 * maps that hold state of the trace. The answer says how many are left. The helper closes the links that were
	 * handed over to it, and the probes.
	 */
	BROKER_PAUSE = 4,
	/* Attaches the programs of the trace again, once until the next BROKER_PAUSE. The broker keeps these links. */
	BROKER_RESUME = 5,
};

/* Descriptors that come with BROKER_ATTACH: the process, and the file, open for reading. */
enum { BROKER_PIDFD, BROKER_FILE, BROKER_GIVEN };

enum broker_kind { BROKER_ENTRY = 0, BROKER_RETURN = 1, BROKER_URETPROBE = 2 };

struct broker_probe {
	uint64_t offset; /* in the file */
	uint32_t kind; /* enum broker_kind */
	uint32_t stack; /* bytes the stack is deeper there (COOKIE_STACK, bpf/tls_session.h) */
	char symbol[BROKER_SYMBOL_SIZE]; /* the function's name, one of the catalogue's */
};

/* Its length depends on `count`. */
struct broker_request {
	uint32_t verb;
	uint32_t set; /* BROKER_DETACH: as the answer to BROKER_ATTACH named it */
	uint64_t start, end; /* of an executable mapping of the file in that process */
	uint32_t file; /* the number that the helper gave it, for the probes' cookies */
	uint32_t library; /* enum tls_library */
	uint32_t count;
	uint32_t only; /* BROKER_ATTACH: the one process that is to have them; 0 = every process */
	struct broker_probe probes[BROKER_PROBES_MAX];
};

#define BROKER_REQUEST_SIZE(count) (offsetof(struct broker_request, probes) + (count) * sizeof(struct broker_probe))

struct broker_answer {
	int32_t error; /* errno; 0 = done */
	uint32_t set;
	uint32_t descriptors; /* how many come with it */
	uint32_t left; /* BROKER_PAUSE: links that are still attached */
	char reason[112];
};

#endif
