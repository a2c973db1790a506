/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Options frozen at load, maps, and the programs' state of calls and connections. */
#ifndef TRACE_HTTP_STATE_H
#define TRACE_HTTP_STATE_H

#include "kernel.h"
#include "owner.h"
#include "trace_http.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define UNLIMITED 0xffffffffu
#define TRANSPORT_TLS 2 /* of a session's plaintext; never reported */
#define TRANSPORT_MPTCP 3 /* reported as TCP: without TCP's counters, which its subflows have */

/* Written by the loader; read-only from the moment of loading. */
/* Bytes per message, head included; UNLIMITED = all. */
const volatile u32 request_copy_limit = 98304;
const volatile u32 response_copy_limit = 98304;
const volatile u32 min_latency_us = 0; /* HTTP/1 exchanges that take less are left out; 0 = none */
/*
 * The pid namespace in which user space names processes, when it is not the
 * initial one (a container): inode of /proc/self/ns/pid; 0 = the initial one.
 */
const volatile u32 pid_namespace = 0;
/* Bytes in the data ring at which the reader is woken, or less is copied (shed.h): set_ring_steps of the loader. */
const volatile u32 wakeup_bytes = 2 << 20;
const volatile u32 half_bytes = 4 << 20;
const volatile u32 heads_only_bytes = 6 << 20;

#define HEAD_PROBE 32 /* bytes by which the beginning of a message is recognised */

/* Where the bytes of a call are. */
enum source {
	SOURCE_BUFFER,          /* one user buffer at base */
	SOURCE_USER_SEGMENTS,   /* an array of struct iovec in user memory */
	SOURCE_KERNEL_SEGMENTS, /* the kernel's own copy of it */
	SOURCE_NSPR_SEGMENTS,   /* an array of NSPR's PRIOVec in user memory: the upper half of a length is padding */
	SOURCE_NONE,            /* pages or kernel memory: there is nothing to read */
};

/* A file as it was when a call began to send it. */
struct file_state {
	u64 file; /* struct file *, 0 = none */
	u64 position; /* in the file, of the call's first byte */
	u64 size;
	u64 changed_seconds;
	u32 changed_nanoseconds;
	u32 descriptor;
};

/* A thread's call in progress. */
struct call {
	u64 entered;
	u64 sock;       /* struct sock *, 0 = none */
	u64 base;       /* as struct work: only the backends below the system calls fill these in */
	u64 segments;
	u64 segment_count;
	u64 skip;       /* bytes of the first segment already used up */
	u64 size;       /* bytes requested */
	u64 flags;      /* MSG_ */
	u32 inode;
	u32 sequence[2]; /* of the socket at entry, by direction */
	u16 number;
	u8 direction;
	u8 source;
	u8 transport;
	bool active;
	struct file_state from; /* sendfile */
	u32 trace;      /* this_trace when it was entered */
};

/* Twice the size that is used, as the verifier bounds offset and length separately. */
struct head {
	u8 bytes[2 * HEAD_PROBE];
};

/* What one direction was found to begin with; from FOUND_DOUBTFUL on, it is no evidence of HTTP. */
enum found {
	FOUND_NOTHING,  /* so far */
	FOUND_REQUEST,  /* a request line, with a version at its end */
	FOUND_RESPONSE, /* a status line */
	FOUND_HTTP2,
	FOUND_TLS,
	FOUND_DOUBTFUL, /* a line of text: only the other direction can show that it is a request */
	FOUND_FOREIGN,
};

/* A layer read before it. */
enum read_layer { READ_NO_LAYER, READ_PROXY, READ_SOCKS4, READ_SOCKS5_CLIENT, READ_SOCKS5_SERVER };

/* How far the beginning of one direction has been read (recognise.h). */
struct reading {
	u64 latest;  /* the last eight bytes */
	u64 earlier; /* the eight before them */
	u32 count;   /* bytes of the beginning, or of the line */
	u32 skip;    /* bytes of a layer still to be skipped */
	u16 part;    /* bytes of a part of a layer */
	u8 line;     /* LINE_ */
	u8 state;
	u8 found;
	u8 layer;
	u8 padding[2];
};

#define NO_DIRECTION 0xff

/*
 * Working memory for calls and new connections is per CPU and has a slot for each program, because some kinds of
 * program can be preempted by another one on the same CPU. The kernel does not run a program on a CPU where it is
 * already running (tracepoints: since 6.2, see lifecycle.h).
 */
enum slot {
	SLOT_SYSCALL,
	SLOT_SEND,
	SLOT_RECEIVE,
	SLOT_UNIX_SEND,
	SLOT_UNIX_RECEIVE,
	SLOT_UNIX_CONNECT,
	SLOT_UNIX_ACCEPT,
	SLOT_PAGES,
	SLOT_SPLICE,
	SLOT_UNIX_PAGES,
	SLOT_UNIX_SPLICE,
	SLOT_MPTCP_SEND,
	SLOT_MPTCP_RECEIVE,
	SLOT_GONE,
	SLOT_GONE_NESTED,
	SLOT_STATE,
	SLOT_STATE_NESTED,
	SLOT_WAITING,
	SLOT_TLS,
	SLOTS,
};

/* How far the head of a direction's message has been read; only while the ring is filling (shed.h). */
enum head_state {
	HEAD_ENDED,
	HEAD_UNKNOWN, /* its beginning was not read */
	HEAD_BEFORE,  /* empty lines may precede it */
	HEAD_LINE,
	HEAD_NEWLINE, /* at the beginning of a line */
	HEAD_RETURN,  /* likewise, after a CR */
};

#define FRAME_HEADER 9

/* Where one direction of HTTP/2 is in its frames (http2_frames.h). */
struct frames {
	u64 position; /* in the stream, of the next byte */
	u32 left;     /* bytes of the current frame, or of the preface, that are still to come */
	u32 share;    /* the most of these that may be copied */
	u8 header[16]; /* FRAME_HEADER are used; a power of two for the verifier */
	u8 have;      /* how many of these have arrived */
	u8 followed;  /* 0 = where the next frame begins is not known */
	u8 content;   /* it is a DATA frame */
	u8 omission;  /* why bytes are not copied */
	u8 padding[4];
};

#define ORIGIN_KNOWN (1ull << 32)

#define BOUND 1        /* the session whose ciphertext the connection carries is known */
#define BOUND_BEFORE 2 /* that session has ended, and another one may begin with a hello */

struct connection {
	u64 id;
	u64 connect_started;
	u64 established;
	u64 position[2]; /* end of what was counted, by direction */
	u32 uncertain[2]; /* claims so far, by direction, that may not be of exactly a call's own bytes: see count_up_to */
	u64 origin[2]; /* ORIGIN_KNOWN, and TCP's own counter at position 0, by direction; 0 = not known */
	u32 budget_used[2];
	u64 reported[2]; /* with a latency filter: position up to which records were made */
	u32 requests;    /* with a latency filter: begun so far */
	u32 responses;
	u32 inode;
	u32 pid; /* thread group of the latest call */
	u8 protocol;
	u8 request_direction; /* NO_DIRECTION = unknown */
	u8 passing; /* with a latency filter: the current response is slow enough */
	u8 side;
	u8 last_direction;
	u8 late;     /* open before it was seen */
	u8 announced; /* RECORD_OPENED was emitted */
	u8 gone;     /* its end was reported, though it may still be in the map */
	u8 ended;    /* bit per direction */
	u8 transport;
	struct reading reading[2]; /* by direction, until the protocol is known */
	u64 inner[2];              /* position after a proxy protocol, by direction, if TLS was found there */
	u64 last_time[2];       /* of the latest call, by direction */
	u64 ciphertext_time[2]; /* TLS on a socket: when bytes were last reported, by direction */
	u64 fin_time;     /* of the peer's FIN; 0 = none has arrived */
	u64 error_time;   /* of the error that ended the connection */
	u32 error;        /* errno, 0 = none */
	u8 noticed;       /* bit per notice that was emitted */
	u8 connect_failed; /* and was reported */
	u8 references;    /* to its file that the exiting process `leaver` drops, counted so far */
	u32 leaver;
	u8 streaming;     /* carries another protocol since a 101 response */
	u8 tunnel;        /* begins with CONNECT */
	u8 bound;         /* TLS: BOUND, BOUND_BEFORE; 0 = neither */
	u8 head[2];       /* enum head_state, by direction */
	struct frames frames[2]; /* HTTP/2, by direction */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, u32);
	__type(value, struct target);
} targets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768);
	__type(key, u64); /* struct sock * */
	__type(value, struct connection);
} connections SEC(".maps");

/* Connections not yet added to a map, where other threads find them; too large for a stack. Keys: enum slot. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, u32);
	__type(value, struct connection);
} fresh_connections SEC(".maps");

/*
 * Targets that user space could only name by their id in its own namespace:
 * they become targets by their id in the initial one at their next call.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, u32);
	__type(value, struct target);
} named_targets SEC(".maps");

/* LRU: with the backend `tracepoint` the end of a Unix socket may not be seen (leave.h). Its entry stays until it is evicted. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, u64); /* struct sock * */
	__type(value, struct connection);
} unix_connections SEC(".maps");

/*
 * Server-side sockets created by a handshake while the programs were loaded:
 * their first reader did not join late.
 */
struct handshake {
	u64 established; /* 0 = the socket is gone, though this may still be in the map */
	u64 fin_time;   /* the peer may be gone before the socket is first read */
	u64 error_time;
	u32 error;
	u32 sequence[2];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, u64); /* struct sock * */
	__type(value, struct handshake);
} handshakes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 10240);
	__type(key, struct http_event_key);
	__type(value, struct http_event);
} http_events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct call);
} calls SEC(".maps");

/*
 * A kept helper's programs serve several traces. Between two of them the broker empties the hash maps and increments this
 * number. Task storage cannot be listed: its entries with another number are stale.
 */
volatile u32 this_trace;

static __always_inline struct call *call_of(struct task_struct *task, bool create)
{
	struct call *call = bpf_task_storage_get(&calls, task, 0, create ? BPF_LOCAL_STORAGE_GET_F_CREATE : 0);

	if (call && call->trace != this_trace) {
		call->entered = 0;
		call->sock = 0;
		call->active = 0;
		call->trace = this_trace;
	}
	return call;
}

/* A process's own address of a TLS session or of a goroutine. */
struct tls_key {
	u64 address;
	u32 pid; /* thread group, initial pid namespace */
	u32 number; /* for a session freed by its process: its newest child's then (struct family); 0 = not freed */
};

/* A call that writes and has not returned. See begin_write. */
struct tls_write {
	u64 entered; /* when; 0 = there is none, or it has been reported */
	u64 caller;  /* Go: the goroutine, else the thread */
	u64 buffer;
	u64 below;   /* as in struct tls_frame */
	u64 length;
};

/* The plaintext of one TLS session: a connection of its own, and its relation to a socket. */
struct tls_session {
	struct connection connection;
	u64 socket; /* id of the socket's connection; 0 = not known */
	u64 sock;   /* struct sock *; of another connection if that has ended meanwhile */
	u64 handshake_started;
	u64 handshake_ended;
	u8 library;
	u8 binding;
	u8 writes_bio; /* its ciphertext is seen as it leaves the library, so outgoing bytes are matched only by that */
	u8 alpn_length;
	u32 file; /* the number that the helper gave the library's file */
	char alpn[ALPN_SIZE];
	u32 error;
	u32 verification;
	u32 forks;       /* of its process when first seen: later children have a copy of it */
	u8 close_notify;
	u8 calls_socket; /* the library itself calls the socket, so the end of the stream is read inside its calls */
	u8 stream_ended; /* the end of the stream was read inside a call of the session */
	u8 shared;       /* a child continues it */
	struct tls_write write;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct tls_key);
	__type(value, struct tls_session);
} tls_sessions SEC(".maps");

/*
 * Targets that were forked or have forked: a child has the sessions in its parent's memory at the same addresses,
 * until it executes another program.
 */
struct family {
	u32 parent;  /* thread group; 0 = has no parent's memory */
	u32 number;  /* which of its parent's children it is, from 1 up */
	u32 forks;   /* its own children so far */
	u32 sharing; /* how many of them still have its memory */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, u32); /* thread group */
	__type(value, struct family);
} families SEC(".maps");

/* The first bytes of a TLS record: its header, and ciphertext that nobody else can produce. */
#define CIPHERTEXT_SIZE 32

struct ciphertext_key {
	u32 pid; /* thread group */
	u8 bytes[CIPHERTEXT_SIZE];
};

/* Ciphertext that a library has written, and the address of its session. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct ciphertext_key);
	__type(value, u64);
} ciphertexts SEC(".maps");

/* A call in progress into a TLS library. */
struct tls_frame {
	u64 stack;   /* stack pointer at its entry */
	u64 session; /* address */
	u64 buffer;
	u64 out;     /* address of the byte count, for functions that return it this way */
	u64 entered;
	u64 below;   /* Go: distance of the buffer from the upper end of its stack; 0 = it is on none */
	u8 function;
	u8 direction;
	u8 moves;    /* its bytes are to be reported */
	u8 pending;  /* it is the session's write that has not returned */
	u8 padding[4];
};

#define MAX_FRAMES 4 /* a power of two */

struct tls_frames {
	struct tls_frame frame[MAX_FRAMES];
	u64 depth;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct tls_key);
	__type(value, struct tls_frames);
} goroutines SEC(".maps");

/*
 * Processes in which a TLS read returned that was entered before the trace: bytes of the latest one. Its session is not
 * known, but any session open then may have missed such a read.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, u32);
	__type(value, u64);
} missed_reads SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct tls_frames);
} no_frames SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20); /* replaced by the loader's own ring */
} data_ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 2 << 20);
} structure_ring SEC(".maps");

/* Read only by the helper: processes to check for TLS libraries. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 << 10);
} process_ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct counters);
} counters_map SEC(".maps");

static u64 last_connection_id;

/*
 * Atomic: a program in a softirq may interrupt one on the same CPU. A separate
 * function, so that it is not verified again in every state.
 */
__noinline int trace_http_count(u32 index, u64 amount)
{
	u32 zero = 0;
	struct counters *sums = bpf_map_lookup_elem(&counters_map, &zero);

	if (!sums || index >= sizeof(*sums) / sizeof(u64))
		return 0;
	__sync_fetch_and_add((u64 *)sums + index, amount);
	return 0;
}

#define COUNT(field, amount) trace_http_count(__builtin_offsetof(struct counters, field) / sizeof(u64), amount)

#define MAX_PID_LEVEL 8 /* nested pid namespaces; the kernel allows 32 */

/* A process's id as user space knows it, or in the initial namespace if user space cannot see it. */
static __always_inline u32 visible_pid(struct task_struct *task)
{
	struct pid *pid;
	u32 level;

	if (!pid_namespace)
		return BPF_CORE_READ(task, tgid);
	pid = BPF_CORE_READ(task, group_leader, thread_pid);
	level = BPF_CORE_READ(pid, level);
	for (u32 i = 0; i < MAX_PID_LEVEL; i++) {
		struct upid *number = __builtin_preserve_access_index(&pid->numbers[0]);

		if (i > level)
			break;
		number = (void *)number + i * bpf_core_type_size(struct upid);
		if (BPF_CORE_READ(number, ns, ns.inum) == pid_namespace)
			return BPF_CORE_READ(number, nr);
	}
	return BPF_CORE_READ(task, tgid);
}

/* Of the current process, in another pid namespace. Global for the verifier's sake, as trace_http_count. */
__noinline int trace_http_visible_pid(void)
{
	return visible_pid((struct task_struct *)bpf_get_current_task());
}

static __always_inline u32 current_visible_pid(void)
{
	return pid_namespace ? (u32)trace_http_visible_pid() : bpf_get_current_pid_tgid() >> 32;
}

#define NANOSECONDS_PER_TICK 10000000 /* USER_HZ of /proc/PID/stat is 100 */

/*
 * The target entry of a process, if any. A process that user space named in its
 * own namespace is known by its initial pid from now on; its start time
 * distinguishes it from a later one with the same id.
 */
static __always_inline struct target *target_of(struct task_struct *task, u32 pid)
{
	struct target *target = bpf_map_lookup_elem(&targets, &pid);
	struct target copy, *seed;
	u32 named;

	/* A seed may have been named again, as a target. */
	if (!pid_namespace || (target && !(target->flags & TARGET_SEED)))
		return target;
	named = visible_pid(task);
	seed = target;
	target = bpf_map_lookup_elem(&named_targets, &named);
	if (!target || BPF_CORE_READ(task, group_leader, start_boottime) / NANOSECONDS_PER_TICK != target->start_time)
		return seed;
	copy = *target;
	if (bpf_map_update_elem(&targets, &pid, &copy, BPF_ANY))
		return seed;
	bpf_map_delete_elem(&named_targets, &named);
	return bpf_map_lookup_elem(&targets, &pid);
}

/* The current process's target, as long as the process is the owner's; a seed only where `seed` is TARGET_SEED. */
static __always_inline struct target *current_entry(u32 seed)
{
	struct target *target;
	u32 pid;

	/* The owner first, as it is a constant: another user's process costs almost nothing. */
	if (owner_uid && (u32)bpf_get_current_uid_gid() != owner_uid)
		return 0;
	pid = bpf_get_current_pid_tgid() >> 32;
	target = pid_namespace ? target_of((struct task_struct *)bpf_get_current_task(), pid) : bpf_map_lookup_elem(&targets, &pid);
	if (!target || (target->flags & TARGET_SEED & ~seed))
		return 0;
	if (!owner_uid)
		return target;
	return trace_http_is_owners() ? target : 0;
}

static __always_inline struct target *current_target(void)
{
	return current_entry(0);
}

/* As above, or the current process as a seed. */
static __always_inline struct target *current_target_or_seed(void)
{
	return current_entry(TARGET_SEED);
}

/* A session of the current process, by its address there. */
static __always_inline struct tls_session *session_of(u64 address)
{
	struct tls_key key = {.address = address, .pid = bpf_get_current_pid_tgid() >> 32};

	return bpf_map_lookup_elem(&tls_sessions, &key);
}

#endif
