/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where in a native program (C, C++, Rust, …) a request comes from: the registers of the thread that sends it, and a
 * copy of its stack, in which user space finds the callers. Taken when the call that sends the first bytes of a
 * request, or the TLS library's call, has returned: the thread has not continued yet, and the bytes are recognised.
 * Only for processes for which user space wants stacks; a new process is undecided, and some are taken until user space
 * has examined it. They use the data ring and must not displace other records: none are taken while it fills.
 */
#ifndef TRACE_HTTP_STACK_H
#define TRACE_HTTP_STACK_H

#include "work.h"

/* Set by the loader if the kernel accepts this code. */
const volatile u32 takes_stacks = 0;

#define STACK_CHUNK 512
#define UNDECIDED_STACKS 64 /* on a busy machine user space decides late */
#define STACKS_A_SECOND 1000 /* of one process; further requests have no source line */
#define SECOND_NS 1000000000ull

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, u32); /* pid, as user space sees it */
	__type(value, struct stack_policy);
} stack_policies SEC(".maps");

/* Whether another stack of this process may be copied; counts it. Global for the verifier's sake. */
__noinline int trace_http_wants_stack(u64 now)
{
	struct stack_policy *policy, undecided = {.state = STACKS_UNDECIDED};
	u32 pid = current_visible_pid();

	policy = bpf_map_lookup_elem(&stack_policies, &pid);
	if (!policy) {
		bpf_map_update_elem(&stack_policies, &pid, &undecided, BPF_NOEXIST);
		policy = bpf_map_lookup_elem(&stack_policies, &pid);
		if (!policy)
			return 0;
	}
	if (policy->state == STACKS_UNWANTED)
		return 0;
	if (policy->state == STACKS_WANTED && now - policy->since > SECOND_NS) {
		policy->since = now;
		policy->taken = 0;
	}
	/* Not atomic: concurrent threads may exceed the limit slightly. */
	return policy->taken++ < (policy->state == STACKS_WANTED ? STACKS_A_SECOND : UNDECIDED_STACKS);
}

/*
 * A new process inherits its parent's state, as it runs the same program; without one it is undecided, as is one that executes
 * another program. Global for the verifier's sake.
 */
__noinline int trace_http_inherit_stacks(u32 parent, u32 pid)
{
	struct stack_policy *policy = bpf_map_lookup_elem(&stack_policies, &parent), copy = {};

	if (!policy || !parent) {
		bpf_map_delete_elem(&stack_policies, &pid);
		return 0;
	}
	copy.state = policy->state;
	bpf_map_update_elem(&stack_policies, &pid, &copy, BPF_ANY);
	return 0;
}

static __always_inline void read_registers(struct record_stack *record, struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	record->registers[0] = BPF_CORE_READ(regs, ip);
	record->registers[1] = BPF_CORE_READ(regs, sp);
	record->registers[2] = BPF_CORE_READ(regs, bp);
	record->registers[3] = BPF_CORE_READ(regs, bx);
	record->registers[4] = BPF_CORE_READ(regs, r12);
	record->registers[5] = BPF_CORE_READ(regs, r13);
	record->registers[6] = BPF_CORE_READ(regs, r14);
	record->registers[7] = BPF_CORE_READ(regs, r15);
	record->machine = STACK_X64;
#elif defined(__TARGET_ARCH_arm64)
	struct user_pt_regs *user = (struct user_pt_regs *)regs;

	record->registers[0] = BPF_CORE_READ(user, pc);
	record->registers[1] = BPF_CORE_READ(user, sp);
	record->registers[2] = BPF_CORE_READ(user, regs[29]);
	record->registers[3] = BPF_CORE_READ(user, regs[30]);
	bpf_probe_read_kernel(&record->registers[4], 10 * sizeof(u64), &user->regs[19]);
	record->machine = STACK_ARM64;
#endif
}

/* Makes the record. Global for the verifier's sake. */
__noinline int trace_http_stack(struct work *work, u32 stream)
{
	struct record_stack *record;
	struct pt_regs *regs;
	u32 size = 0, count;

	if (!takes_stacks || !work)
		return 0;
	if (pressure() != PRESSURE_NONE || !trace_http_wants_stack(work->time))
		return 0;
	regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	record = bpf_ringbuf_reserve(&data_ring, sizeof(*record), 0);
	if (!record)
		return 0;
	__builtin_memset(record, 0, __builtin_offsetof(struct record_stack, stack));
	read_registers(record, regs);
	for (u32 i = 0; i < STACK_SIZE / STACK_CHUNK; i++) {
		if (bpf_probe_read_user(record->stack + i * STACK_CHUNK, STACK_CHUNK,
					(void *)(record->registers[1] + i * STACK_CHUNK)))
			break;
		size += STACK_CHUNK;
	}
	fill_header(&record->header, RECORD_STACK, __builtin_offsetof(struct record_stack, stack) + size, work->connection, work->pid);
	record->header.time = work->entered ? work->entered : work->time;
	record->size = size;
	record->stream = stream;
	record->floor = work->floor;
	count = work->left < CALLER_METHOD_SIZE ? work->left : CALLER_METHOD_SIZE;
	asm volatile("" : "+r"(count)); /* 6.1 does not know the bound of a copy saved before the comparison */
	if (!stream && count > 0 && count <= CALLER_METHOD_SIZE && !bpf_probe_read_user(record->beginning, count, (void *)work->base))
		record->beginning_length = count;
	submit_data(record);
	trace_http_account(0, 0, 0);
	return 0;
}

#endif
