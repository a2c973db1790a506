/* SPDX-License-Identifier: MIT */
/* Shared by the loader's parts. Only the loader ever runs elevated, so it is kept short enough to be reviewed. */
#ifndef LOADER_H
#define LOADER_H

#include "trace_http.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <bpf/libbpf_common.h>
#if !defined(LIBBPF_MAJOR_VERSION) || LIBBPF_MAJOR_VERSION < 1
#error "libbpf 1.0 or later is needed to build: Debian 12 and Ubuntu 24.04 have it."
#endif

struct options {
	const char *socket; /* absolute path of the requester's socket */
	const char *node;   /* absolute path of the Node that runs the helper, as the requester */
	const char *helper; /* absolute path of the helper's bundle */
	int backend; /* enum backend, or -1: the first that works */
	uint32_t ring_size;  /* bytes, a power of two */
	/* Bytes per message, head included; UINT32_MAX = all. */
	uint32_t request_copy_limit, response_copy_limit;
	uint32_t min_latency; /* microseconds; HTTP/1 exchanges that take less are left out */
	int tls_attach;       /* enum tls_attach, or -1: the best that works */
	bool verbose;
};

struct requester {
	uid_t uid;
	gid_t gid;
	/* Groups whose processes may be traced: those of the requesting process, `gid`, and sudo's. */
	gid_t groups[OWNER_GROUPS_MAX];
	uint32_t group_count;
};

/* Descriptors that the helper inherits. It gets all others from the broker, once no other process can take them. */
enum {
	FD_SOCKET = 3,
	FD_BROKER = 4,
	FD_LAST = FD_BROKER,
};

#define MAX_LINKS 64
#define RING_SIZE_MIN (64u << 10)
#define RING_SIZE_MAX (512u << 20)

#define MAX_STATES 32
#define MAP_KEY_MAX 64 /* bytes, of a map that is emptied */

/* A program that is attached as long as a trace runs. */
struct trace_program {
	int program;
	uint32_t attach_type; /* enum bpf_attach_type */
};

enum backend { BACKEND_FENTRY, BACKEND_KPROBE, BACKEND_TRACEPOINT, BACKENDS };

/* How the broker attaches programs to functions of TLS libraries. */
enum tls_attach {
	TLS_ATTACH_NONE,
	TLS_ATTACH_MULTI, /* uprobe_multi, since 6.6 */
	TLS_ATTACH_PERF,  /* perf's uprobes, which need CAP_SYS_ADMIN */
};

/*
 * Optional parts: one that the kernel refuses is left out, and the effect is
 * reported.
 */
enum part {
	PART_WAITING, /* a walk over the connections when a trace with a latency filter stops (bpf/waiting.h) */
	PART_BEGUN,   /* calls that were under way when the trace started (bpf/begun.h) */
	PART_TLS,     /* probes on TLS libraries (bpf/tls.h) */
	PART_HOOKS,   /* functions of the kernel that the kprobe backend can do without */
	PART_CALLERS, /* where in a Go program a request comes from (bpf/gocaller.h) */
	PART_STACKS,  /* likewise for a native program; not a separate eBPF program, but enabled by a constant (bpf/stack.h) */
	PARTS,
};

#define REASON_SIZE 160

struct programs {
	enum tls_attach tls_attach;
	int process_ring, tls_enter, tls_leave, go_caller;
	int data_ring, structure_ring, targets, named_targets, counters;
	int waiting;
	int breaks, automaton; /* maps of bpf/breaks.h */
	int stacks;	       /* that of bpf/stack.h */
	bool foreign_pids; /* processes are named in a pid namespace that is not the initial one */
	int links[MAX_LINKS];
	int link_count;
	/* For another trace after this one, when the helper is kept; no programs: there can be none. */
	struct trace_program trace_programs[MAX_LINKS];
	int trace_program_count;
	int states[MAX_STATES]; /* the maps that are emptied between two traces */
	int state_count;
	volatile uint32_t *this_trace; /* of bpf/state.h */
	enum backend backend;
	char refusals[BACKENDS][REASON_SIZE]; /* why a backend that was tried is not used; empty = not tried */
	char missing[PARTS][REASON_SIZE];     /* why a part was left out; empty = it was not */
};

extern const char *const part_names[PARTS];

extern const char *const backend_names[BACKENDS];
extern const char *const tls_attach_names[];

/* arguments.c: ends the process with status 2 and a message when they are invalid. */
void read_options(int argc, char **argv, struct options *options);
void read_requester(struct requester *requester);
void add_group(struct requester *requester, gid_t group);

/* report.c */
void set_report_socket(int descriptor);
/* From here on, a failure of this process is reported only if `child` loads the programs: the child's report takes precedence. */
void report_after(pid_t child, int channel);
/* Reports to the requester, by a frame if it is connected and on stderr, and ends the process with status 1. */
_Noreturn void __attribute__((format(printf, 2, 3))) fail(const char *code, const char *format, ...);

/* rights.c: whether this process has, or can get, the rights to load. */
bool may_load(void);
/* Reduces the effective rights to the requester's own until raise_rights. */
void lower_rights(const struct requester *requester);
void raise_rights(void);

/*
 * channel.c: connects to the requester's socket after checking its owner, and adds the groups of the other end to the
 * requester's; to be called with lowered rights.
 */
int connect_to_requester(const char *path, struct requester *requester);

/* programs.c: opens, parametrises, loads and attaches the embedded object, by the first backend that works. */
void load_programs(const struct options *options, const struct requester *requester, struct programs *programs);

struct bpf_program;
struct btf;

/* core_types.c: the kernel types that the programs are relocated against, as a file; -1 when it cannot be made. */
int core_types(const struct btf *kernel);

/* rings.c: the ring of the captured bytes; ends the loader when it would take too much, -1 with errno if the kernel refuses. */
int make_data_ring(const struct options *options, const struct requester *requester);
bool is_list_of_rings(const struct bpf_program *program);

/* uprobes.c */
bool has_uprobe_multi(void);

/* facts.c: their length in bytes. */
size_t write_facts(char *facts, size_t size, const struct options *options, const struct requester *requester,
		   const struct programs *programs);

/* The process that becomes the helper. */
struct helper {
	pid_t pid;
	int pidfd;
	int channel; /* the broker's end of their socket */
};

/* broker.c: hands over what was loaded, and serves the helper until it ends. */
_Noreturn void become_broker(struct programs *programs, const struct options *options, const struct requester *requester,
			     const struct helper *helper);

/* drop.c: gives up every privilege irrevocably. */
void drop_privileges(const struct requester *requester);

#endif
