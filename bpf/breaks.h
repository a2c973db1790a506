/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Break on Calls for debuggers that use ptrace: sends SIGSTOP to a thread that is about to send a request, at the first
 * instruction of the sending function. The signal is delivered when the probe returns, so nothing has been sent. (At
 * the entry of a system call it would be delivered after the call.) A thread is stopped only if all of this holds: it
 * belongs to a target (owner checked at each call), its process was armed and has not been hit since, a debugger is
 * attached to it, and what it sends begins with a request that the automaton accepts.
 */
#ifndef TRACE_HTTP_BREAKS_H
#define TRACE_HTTP_BREAKS_H

#include "connection.h"

#define SIGSTOP 19

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, BREAKS_MAX);
	__type(key, u32); /* pid, as user space sees it */
	__type(value, struct call_break);
} call_breaks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct break_automaton);
} break_automaton SEC(".maps");

/* A thread's copy of what it is about to send. */
struct sent_head {
	char bytes[BREAK_HEAD];
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct sent_head);
} sent_heads SEC(".maps");

/* State of one automaton run. */
struct matching {
	struct break_automaton *automaton;
	struct sent_head *head;
	u32 length;
	u32 state;
};

/* One byte; a bpf_loop callback, so verified only once. */
static long match_byte(u32 index, struct matching *matching)
{
	struct break_automaton *automaton = matching->automaton;
	u32 class, place;

	if (index >= matching->length || matching->state >= BREAK_STATES)
		return 1;
	class = automaton->classes[(u8)matching->head->bytes[index & (BREAK_HEAD - 1)]] & (BREAK_CLASSES - 1);
	place = matching->state * BREAK_CLASSES + class;
	asm volatile("" : "+r"(place)); /* or the compiler drops the mask, which 6.1's verifier needs for bounds */
	matching->state = automaton->next[place & (BREAK_STATES * BREAK_CLASSES - 1)];
	return 0;
}

/* Whether the automaton accepts these bytes. Global for the verifier's sake, as trace_http_step. */
__noinline int trace_http_accepts(struct sent_head *head, u32 length, u32 encrypted)
{
	struct matching matching = {.head = head, .length = length};
	u32 zero = 0;

	if (!head)
		return 0;
	matching.automaton = bpf_map_lookup_elem(&break_automaton, &zero);
	if (!matching.automaton)
		return 0;
	matching.state = matching.automaton->start[encrypted & 1];
	bpf_loop(BREAK_HEAD, match_byte, &matching, 0);
	return matching.state == BREAK_ACCEPTED;
}

/* A thread is about to send these bytes. Global for the verifier's sake. */
__noinline int trace_http_break(u64 buffer, u64 length, u32 encrypted)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u32 pid = current_visible_pid();
	struct call_break *armed;
	struct sent_head *head;
	u32 count;

	armed = bpf_map_lookup_elem(&call_breaks, &pid);
	if (!armed || *(volatile u32 *)&armed->state != BREAK_ARMED || !BPF_CORE_READ(task, ptrace))
		return 0;
	head = bpf_task_storage_get(&sent_heads, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!head)
		return 0;
	asm volatile("" : "+r"(head)); /* 6.1: no offset may be added before the NULL check */
	count = length < BREAK_HEAD ? length : BREAK_HEAD;
	asm volatile("" : "+r"(count));
	if (count == 0 || count > BREAK_HEAD || bpf_probe_read_user(head->bytes, count, (void *)buffer) ||
	    !trace_http_accepts(head, count, encrypted))
		return 0;
	/* One shot: only the first of several threads is stopped. */
	if (__sync_val_compare_and_swap(&armed->state, BREAK_ARMED, BREAK_HITTING) != BREAK_ARMED)
		return 0;
	armed->thread = BPF_CORE_READ(task, pid);
	armed->length = count;
	armed->encrypted = encrypted;
	bpf_probe_read_kernel(armed->head, BREAK_HEAD, head->bytes);
	if (bpf_send_signal_thread(SIGSTOP)) {
		__sync_lock_test_and_set(&armed->state, BREAK_ARMED);
		return 0;
	}
	__sync_lock_test_and_set(&armed->state, BREAK_HIT);
	return 1;
}

/* The C library's send functions: only data for a socket counts. Global for the verifier's sake. */
__noinline int trace_http_break_send(u32 descriptor, u64 address, u64 length, u32 function)
{
	u32 pid = current_visible_pid();
	struct user_msghdr message;
	struct call_break *armed;
	struct iovec segment;

	armed = bpf_map_lookup_elem(&call_breaks, &pid);
	if (!armed || *(volatile u32 *)&armed->state != BREAK_ARMED || !endpoint_of_descriptor(descriptor).sk)
		return 0;
	if (function == TLS_SEND_MESSAGE) {
		if (bpf_probe_read_user(&message, sizeof(message), (void *)address) || !message.msg_iovlen)
			return 0;
		address = message.msg_iov;
	}
	if (function != TLS_SEND) {
		if (bpf_probe_read_user(&segment, sizeof(segment), (void *)address))
			return 0;
		address = segment.iov_base;
		length = segment.iov_len;
	}
	return trace_http_break(address, length, 0);
}

#endif
