/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kprobe backend: the same functions as fentry.h, for kernels without BPF
 * trampolines. If the kernel misses a return, as too many calls block at once,
 * the system call's exit reports it (begun.h).
 */
#ifndef TRACE_HTTP_KPROBE_H
#define TRACE_HTTP_KPROBE_H

#include "sockcall.h"

SEC("kprobe/tcp_sendmsg")
int BPF_KPROBE(trace_http_ksend, struct sock *sk, struct msghdr *message, size_t size)
{
	return enter_call(sk, message, size, 0, DIRECTION_OUT, TRANSPORT_TCP);
}

/* Since 5.19; earlier, another argument preceded the flags. */
SEC("kprobe/tcp_recvmsg")
int BPF_KPROBE(trace_http_krecv, struct sock *sk, struct msghdr *message, size_t size, int flags)
{
	return enter_call(sk, message, size, (u32)flags, DIRECTION_IN, TRANSPORT_TCP);
}

/* MPTCP: one socket over TCP subflows. */
SEC("kprobe/mptcp_sendmsg")
int BPF_KPROBE(trace_http_kmsend, struct sock *sk, struct msghdr *message, size_t size)
{
	return enter_call(sk, message, size, 0, DIRECTION_OUT, TRANSPORT_MPTCP);
}

SEC("kprobe/mptcp_recvmsg")
int BPF_KPROBE(trace_http_kmrecv, struct sock *sk, struct msghdr *message, size_t size, int flags)
{
	return enter_call(sk, message, size, (u32)flags, DIRECTION_IN, TRANSPORT_MPTCP);
}

SEC("kprobe/tcp_sendpage")
int BPF_KPROBE(trace_http_kpage, struct sock *sk, void *page, int offset, size_t size)
{
	return enter_page(sk, page, offset, size, TRANSPORT_TCP);
}

SEC("kprobe/tcp_splice_read")
int BPF_KPROBE(trace_http_ksplc, struct socket *socket, s64 *position, void *pipe, size_t size)
{
	return enter_call(BPF_CORE_READ(socket, sk), 0, size, 0, DIRECTION_IN, TRANSPORT_TCP);
}

SEC("kprobe/unix_stream_sendmsg")
int BPF_KPROBE(trace_http_kusend, struct socket *socket, struct msghdr *message, size_t size)
{
	return enter_call(BPF_CORE_READ(socket, sk), message, size, 0, DIRECTION_OUT, TRANSPORT_UNIX);
}

SEC("kprobe/unix_stream_recvmsg")
int BPF_KPROBE(trace_http_kurecv, struct socket *socket, struct msghdr *message, size_t size, int flags)
{
	return enter_call(BPF_CORE_READ(socket, sk), message, size, (u32)flags, DIRECTION_IN, TRANSPORT_UNIX);
}

/* Like those of TCP, but without a counter that shows that bytes moved. */
SEC("kprobe/unix_stream_sendpage")
int BPF_KPROBE(trace_http_kupage, struct socket *socket, void *page, int offset, size_t size)
{
	return enter_page(BPF_CORE_READ(socket, sk), page, offset, size, TRANSPORT_UNIX);
}

SEC("kprobe/unix_stream_splice_read")
int BPF_KPROBE(trace_http_kusplc, struct socket *socket, s64 *position, void *pipe, size_t size)
{
	return enter_call(BPF_CORE_READ(socket, sk), 0, size, 0, DIRECTION_IN, TRANSPORT_UNIX);
}

/*
 * The return of all these functions: the loader attaches it to each. One
 * program, as verifying it takes long, and one slot, as the kernel never runs
 * two kprobe programs on a CPU at a time. Results are bytes of one call or an
 * error, and fit in an int even if they are a long.
 */
SEC("kretprobe")
int BPF_KRETPROBE(trace_http_kreturn, int result)
{
	return leave_call(result, SLOT_SEND);
}

/* connect and accept: the socket is known at the entry, the result at the exit. */
static __always_inline int remember_unix(struct socket *socket, u8 side)
{
	struct call *call;

	if (!current_target())
		return 0;
	call = call_of(bpf_get_current_task_btf(), true);
	if (!call)
		return 0;
	call->active = 0; /* not one that moves bytes */
	call->sock = (u64)socket;
	call->direction = side;
	return 0;
}

static __always_inline int recall_unix(int result)
{
	struct call *call;

	if (result != 0 || !current_target())
		return 0;
	call = call_of(bpf_get_current_task_btf(), false);
	if (!call || call->active || !call->sock)
		return 0;
	return met_unix((struct socket *)call->sock, call->direction);
}

SEC("kprobe/unix_stream_connect")
int BPF_KPROBE(trace_http_kuconn, struct socket *socket)
{
	return remember_unix(socket, SIDE_CLIENT);
}

SEC("kretprobe/unix_stream_connect")
int BPF_KRETPROBE(trace_http_kuconnd, int result)
{
	return recall_unix(result);
}

SEC("kprobe/unix_accept")
int BPF_KPROBE(trace_http_kuacc, struct socket *socket, struct socket *accepted)
{
	return remember_unix(accepted, SIDE_SERVER);
}

SEC("kretprobe/unix_accept")
int BPF_KRETPROBE(trace_http_kuaccd, int result)
{
	return recall_unix(result);
}

SEC("kprobe/udp_destroy_sock")
int BPF_KPROBE(trace_http_kudp, struct sock *sk)
{
	return release_datagram(sk, NAME_CLOSED);
}

SEC("kprobe/udpv6_destroy_sock")
int BPF_KPROBE(trace_http_kudp6, struct sock *sk)
{
	return release_datagram(sk, NAME_CLOSED6);
}

SEC("kprobe/unix_release")
int BPF_KPROBE(trace_http_kurel, struct socket *socket)
{
	return release_unix(socket);
}

#endif
