/* SPDX-License-Identifier: MIT */
/* What the addon's parts share. The addon parses no payload: it moves records and updates maps. */
#ifndef ADDON_H
#define ADDON_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* rings.c: a consumer of the kernel's ring buffer, in the memory that it shares with the kernel. */
struct ring {
	int descriptor;
	uint64_t mask;
	volatile uint64_t *consumer;
	volatile uint64_t *producer;
	const unsigned char *data;
	void *mappings[2];
	size_t sizes[2];
	unsigned char *joined; /* a copy of the record that wraps around */
	size_t joined_size;
};

/* 0, or -1 with errno. The caller keeps the descriptor. */
int ring_open(struct ring *ring, int descriptor);
void ring_close(struct ring *ring);

/* Up to where the rings are emptied. */
struct drain_limit {
	uint64_t before; /* boot time */
	uint64_t data, structure;
};

/* Reads the current ends of the rings. */
void rings_limit(struct ring *data, struct ring *structure, struct drain_limit *limit);

/*
 * Moves the records of both rings to the backlog, in the order in which they were made. True when nothing was left: false
 * when one is being written, or the backlog is full.
 */
bool rings_drain(struct ring *data, struct ring *structure, const struct drain_limit *limit);

struct process_event;

/* Takes up to `room` events off the process ring; returns their number. */
size_t ring_take_events(struct ring *ring, struct process_event *events, size_t room);

uint64_t boot_time(void);

struct function {
	const char *name;
	napi_callback callback;
};

/* addon.c: each becomes a property of `exports`. */
void define_functions(napi_env env, napi_value exports, const struct function *functions, size_t count);

/* kernel.c: maps, processes, clocks. */
void define_kernel_functions(napi_env env, napi_value exports);

/* broker.c: requests to the loader's broker. */
void define_broker_functions(napi_env env, napi_value exports);

/* guard.c: restricts who can inspect this process and what it may do, and ends it with its client. */
void define_guard_functions(napi_env env, napi_value exports);

/* Throws and returns NULL. */
napi_value throw_errno(napi_env env, const char *what);

/* guard.c: the main thread's name, which ps(1) and `http-trace doctor` (extension/cli/systemFacts.ts) show. */
#define NAME_IN_TRACE "http-trace"
#define NAME_KEPT "http-trace kept"
void name_process(const char *name);

#endif
