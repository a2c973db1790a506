/* SPDX-License-Identifier: MIT */
/* What the loader's parts share. The loader is all that ever runs elevated: it is to be read in one sitting. */
#ifndef LOADER_H
#define LOADER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct options {
	const char *socket; /* absolute path of the requester's socket */
	const char *node;   /* absolute path of the Node that runs the helper, as the requester */
	const char *helper; /* absolute path of the helper's bundle */
	int backend; /* enum backend, or -1: the first that works */
	uint32_t ring_size;  /* bytes, a power of two */
	/* Bytes per message, head included; UINT32_MAX = all. */
	uint32_t request_copy_limit, response_copy_limit;
	uint32_t min_latency; /* microseconds; HTTP/1 exchanges that take less are left out */
	bool verbose;
};

struct requester {
	uid_t uid;
	gid_t gid;
};

/* Descriptors that the helper inherits; the numbers from FIRST_LINK on are links. */
enum {
	FD_SOCKET = 3,
	FD_DATA_RING = 4,
	FD_STRUCTURE_RING = 5,
	FD_TARGETS = 6,
	FD_COUNTERS = 7,
	FD_NAMED_TARGETS = 8,
	FD_FIRST_LINK = 9,
};

#define MAX_LINKS 32
#define RING_SIZE_MIN (64u << 10)
#define RING_SIZE_MAX (512u << 20)

enum backend { BACKEND_FENTRY, BACKEND_KPROBE, BACKEND_TRACEPOINT, BACKENDS };

struct programs {
	int data_ring, structure_ring, targets, named_targets, counters;
	bool foreign_pids; /* processes are named in a pid namespace that is not the initial one */
	int links[MAX_LINKS];
	int link_count;
	enum backend backend;
	char refusals[BACKENDS][160]; /* why a backend that was tried is not the one; empty = not tried */
};

extern const char *const backend_names[BACKENDS];

/* arguments.c: ends the process with status 2 and a message when they do not fit. */
void read_options(int argc, char **argv, struct options *options);
void read_requester(struct requester *requester);

/* report.c */
void set_report_socket(int descriptor);
/* Tells the requester, by a frame if it is connected and on stderr, and ends the process with status 1. */
_Noreturn void __attribute__((format(printf, 2, 3))) fail(const char *code, const char *format, ...);

/* channel.c: connects to the requester's socket after checking whose it is. */
int connect_to_requester(const char *path, const struct requester *requester);

/* programs.c: opens, parametrises, loads and attaches the embedded object, by the first backend that works. */
void load_programs(const struct options *options, const struct requester *requester, struct programs *programs);

/* drop.c: gives up every privilege; nothing gets them back. */
void drop_privileges(const struct requester *requester);

#endif
