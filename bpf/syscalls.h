/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The system calls that move bytes of sockets, and their arguments. */
#ifndef TRACE_HTTP_SYSCALLS_H
#define TRACE_HTTP_SYSCALLS_H

#include "kernel.h"

#if defined(__TARGET_ARCH_x86) /* arch/x86/entry/syscalls/syscall_64.tbl */
enum {
	NR_READ = 0,
	NR_WRITE = 1,
	NR_CLOSE = 3,
	NR_READV = 19,
	NR_WRITEV = 20,
	NR_SENDFILE = 40,
	NR_CONNECT = 42,
	NR_ACCEPT = 43,
	NR_SENDTO = 44,
	NR_RECVFROM = 45,
	NR_SENDMSG = 46,
	NR_RECVMSG = 47,
	NR_SPLICE = 275,
	NR_DUP2 = 33,
	NR_ACCEPT4 = 288,
	NR_DUP3 = 292,
	NR_RECVMMSG = 299,
	NR_SENDMMSG = 307,
	NR_PREADV2 = 327,
	NR_PWRITEV2 = 328,
	NR_CLOSE_RANGE = 436,
};
#elif defined(__TARGET_ARCH_arm64) /* include/uapi/asm-generic/unistd.h */
enum {
	NR_DUP3 = 24,
	NR_CLOSE = 57,
	NR_READ = 63,
	NR_WRITE = 64,
	NR_READV = 65,
	NR_WRITEV = 66,
	NR_SENDFILE = 71,
	NR_SPLICE = 76,
	NR_ACCEPT = 202,
	NR_CONNECT = 203,
	NR_SENDTO = 206,
	NR_RECVFROM = 207,
	NR_SENDMSG = 211,
	NR_RECVMSG = 212,
	NR_ACCEPT4 = 242,
	NR_RECVMMSG = 243,
	NR_SENDMMSG = 269,
	NR_PREADV2 = 286,
	NR_PWRITEV2 = 287,
	NR_CLOSE_RANGE = 436,
};
#endif

enum shape {
	SHAPE_NONE,
	SHAPE_BUFFER,   /* (fd, buffer, length) */
	SHAPE_VECTOR,   /* (fd, iovec *, count) */
	SHAPE_MESSAGE,  /* (fd, msghdr *, flags) */
	SHAPE_MESSAGES, /* (fd, mmsghdr *, count, flags) */
	SHAPE_FILE,     /* sendfile, splice: no bytes in user memory */
	SHAPE_ACCEPT,
	SHAPE_CONNECT,
	SHAPE_CLOSE,
	SHAPE_REPLACE, /* (fd, fd that is closed) */
	SHAPE_CLOSE_SEVERAL,
};

struct syscall {
	u8 shape;
	u8 direction;
};

/* Moves no bytes, and ends sockets: only the backend `tracepoint` looks at these. */
static __always_inline bool is_closing(u8 shape)
{
	return shape == SHAPE_CLOSE || shape == SHAPE_REPLACE || shape == SHAPE_CLOSE_SEVERAL;
}

static __always_inline struct syscall describe(long number)
{
	switch (number) {
	case NR_READ:
	case NR_RECVFROM:
		return (struct syscall){SHAPE_BUFFER, 1};
	case NR_WRITE:
	case NR_SENDTO:
		return (struct syscall){SHAPE_BUFFER, 0};
	case NR_READV:
	case NR_PREADV2:
		return (struct syscall){SHAPE_VECTOR, 1};
	case NR_WRITEV:
	case NR_PWRITEV2:
		return (struct syscall){SHAPE_VECTOR, 0};
	case NR_RECVMSG:
		return (struct syscall){SHAPE_MESSAGE, 1};
	case NR_SENDMSG:
		return (struct syscall){SHAPE_MESSAGE, 0};
	case NR_RECVMMSG:
		return (struct syscall){SHAPE_MESSAGES, 1};
	case NR_SENDMMSG:
		return (struct syscall){SHAPE_MESSAGES, 0};
	case NR_SENDFILE:
	case NR_SPLICE:
		return (struct syscall){SHAPE_FILE, 0};
	case NR_ACCEPT:
	case NR_ACCEPT4:
		return (struct syscall){SHAPE_ACCEPT, 0};
	case NR_CONNECT:
		return (struct syscall){SHAPE_CONNECT, 0};
	case NR_CLOSE:
		return (struct syscall){SHAPE_CLOSE, 0};
#if defined(__TARGET_ARCH_x86)
	case NR_DUP2:
#endif
	case NR_DUP3:
		return (struct syscall){SHAPE_REPLACE, 0};
	case NR_CLOSE_RANGE:
		return (struct syscall){SHAPE_CLOSE_SEVERAL, 0};
	default:
		return (struct syscall){SHAPE_NONE, 0};
	}
}

/*
 * The same, packed into one number: the verifier continues once with an unknown value, instead of once for each system
 * call. Global for its sake.
 */
__noinline int trace_http_describe(u64 number)
{
	struct syscall what = describe(number);

	return what.shape | what.direction << 8;
}

static __always_inline struct syscall described(u64 number)
{
	int both = trace_http_describe(number);

	return (struct syscall){both, both >> 8};
}

struct arguments {
	u64 first, second, third, fourth, fifth;
};

static __always_inline struct arguments read_arguments(struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	return (struct arguments){regs->di, regs->si, regs->dx, regs->r10, regs->r8};
#elif defined(__TARGET_ARCH_arm64)
	/* x0 is overwritten by the result; orig_x0 keeps the argument. */
	return (struct arguments){regs->orig_x0, regs->regs[1], regs->regs[2], regs->regs[3], regs->regs[4]};
#endif
}

/* What is known of a system call that has returned; passed to several functions in turn. */
struct returned {
	struct arguments arguments;
	s64 result;
	u64 entered; /* 0 = the entry was not seen */
	u64 sock;    /* struct sock *, 0 = none */
	u32 number;
	u32 inode;
	u8 shape;
	u8 direction;
	u8 transport;
	u8 padding[5];
};

static __always_inline long read_number(struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	return regs->orig_ax;
#elif defined(__TARGET_ARCH_arm64)
	return regs->syscallno;
#endif
}

/* A 32-bit program on a 64-bit kernel: other numbers, other layouts. */
static __always_inline bool is_compat(struct task_struct *task)
{
#if defined(__TARGET_ARCH_x86)
	return task->thread_info.status & 2; /* TS_COMPAT */
#elif defined(__TARGET_ARCH_arm64)
	return task->thread_info.flags & (1 << 22); /* TIF_32BIT */
#endif
}

#endif
