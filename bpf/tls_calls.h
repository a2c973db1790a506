/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The calls into TLS libraries in progress on a thread or goroutine: their arguments by the calling convention, and a
 * stack of them from entry to return.
 */
#ifndef TRACE_HTTP_TLS_CALLS_H
#define TRACE_HTTP_TLS_CALLS_H

#include "data.h"

/* Arguments and results by the calling convention of C, or of Go's ABIInternal (cmd/compile/abi-internal.md). */
struct tls_arguments {
	u64 first, second, third, fourth, fifth;
};

static __always_inline struct tls_arguments read_tls_arguments(struct pt_regs *regs, bool go)
{
	struct tls_arguments arguments = {};

#if defined(__TARGET_ARCH_x86)
	if (go) {
		arguments.first = BPF_CORE_READ(regs, ax);
		arguments.second = BPF_CORE_READ(regs, bx);
		arguments.third = BPF_CORE_READ(regs, cx);
		return arguments;
	}
#endif
	arguments.first = PT_REGS_PARM1_CORE(regs);
	arguments.second = PT_REGS_PARM2_CORE(regs);
	arguments.third = PT_REGS_PARM3_CORE(regs);
	if (go)
		return arguments;
	arguments.fourth = PT_REGS_PARM4_CORE(regs);
	arguments.fifth = PT_REGS_PARM5_CORE(regs);
	return arguments;
}

static __always_inline struct tls_frames *thread_frames(bool create)
{
	struct tls_thread *thread = tls_thread(create);

	if (!thread)
		return 0;
	asm volatile("" : "+r"(thread)); /* 6.1: no offset may be added before the NULL check */
	if (thread->trace != this_trace) {
		thread->frames.depth = 0;
		thread->trace = this_trace;
	}
	return &thread->frames;
}

/* A goroutine moves between threads, so its calls are kept by its own address. */
static __always_inline struct tls_frames *goroutine_frames(u64 goroutine, bool create)
{
	struct tls_key key = {.address = goroutine, .pid = bpf_get_current_pid_tgid() >> 32};
	struct tls_frames *frames = bpf_map_lookup_elem(&goroutines, &key);
	u32 slot = 0;

	if (frames || !create)
		return frames;
	frames = bpf_map_lookup_elem(&no_frames, &slot);
	if (!frames || bpf_map_update_elem(&goroutines, &key, frames, BPF_ANY))
		return 0;
	return bpf_map_lookup_elem(&goroutines, &key);
}

/*
 * Removes frames whose return was not seen. The stack grows down, so such a frame is not above the new one. A Go
 * function whose stack is too small, or that is preempted, is entered again at its first instruction.
 */
static __always_inline void drop_left_frames(struct tls_frames *frames, struct tls_frame *frame, bool go)
{
	u32 depth = frames->depth;

	for (u32 i = 0; i < MAX_FRAMES; i++) {
		struct tls_frame *top;

		if (depth == 0 || depth > MAX_FRAMES)
			break;
		top = &frames->frame[(depth - 1) & (MAX_FRAMES - 1)];
		if (go ? top->function != frame->function || top->session != frame->session : top->stack > frame->stack)
			break;
		depth--;
	}
	frames->depth = depth;
}

static __always_inline void push_frame(struct tls_frames *frames, struct tls_frame *frame)
{
	u32 depth = frames->depth;

	if (depth >= MAX_FRAMES) {
		COUNT(calls_untracked, 1);
		depth = MAX_FRAMES - 1;
	}
	frames->frame[depth & (MAX_FRAMES - 1)] = *frame;
	frames->depth = depth + 1;
}

/* Removes the frame that a return belongs to, and all that were entered inside it. */
static __always_inline struct tls_frame *pop_frame(struct tls_frames *frames, u8 function, u64 stack, bool go)
{
	u32 depth = frames->depth;

	for (u32 i = 0; i < MAX_FRAMES; i++) {
		struct tls_frame *top;

		if (depth == 0 || depth > MAX_FRAMES)
			return 0;
		depth--;
		top = &frames->frame[depth & (MAX_FRAMES - 1)];
		/* After the return instruction the stack is one word shorter than before it. */
		if (top->function == function && (go || stack - top->stack <= sizeof(u64))) {
			frames->depth = depth;
			return top;
		}
	}
	return 0;
}

/* True when an outer call of the same kind on the same session reports the bytes of this one, too. */
static __always_inline bool is_inner(struct tls_frames *frames, u64 session, u8 direction)
{
	u32 depth = frames->depth;

	for (u32 i = 0; i < MAX_FRAMES; i++) {
		struct tls_frame *frame = &frames->frame[i];

		if (i >= depth)
			break;
		if (frame->session == session && frame->moves && frame->direction == direction)
			return true;
	}
	return false;
}

/* A Go stack that grows is moved; distances from its upper end stay the same. */
static __always_inline u64 upper_stack_end(u64 goroutine)
{
	u64 bounds[2] = {}; /* runtime.g begins with stack.lo and stack.hi */

	bpf_probe_read_user(bounds, sizeof(bounds), (void *)goroutine);
	return bounds[1];
}

static __always_inline bool is_on_stack(u64 goroutine, u64 address)
{
	u64 bounds[2] = {};

	return !bpf_probe_read_user(bounds, sizeof(bounds), (void *)goroutine) && address >= bounds[0] && address < bounds[1];
}

#endif
