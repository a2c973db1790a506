/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The fentry backend: BPF trampolines on the protocols' own functions, the
 * cheapest way. Arguments are counted, not assumed: tcp_recvmsg had one more
 * before 5.19.
 */
#ifndef TRACE_HTTP_FENTRY_H
#define TRACE_HTTP_FENTRY_H

#include "sockcall.h"

static __always_inline s64 returned(void *ctx)
{
	u64 result = 0;

	bpf_get_func_ret(ctx, &result);
	return (s32)result; /* these functions return int */
}

SEC("fentry/tcp_sendmsg")
int BPF_PROG(trace_http_fsend, struct sock *sk, struct msghdr *message, size_t size)
{
	return enter_call(sk, message, size, 0, DIRECTION_OUT, TRANSPORT_TCP);
}

SEC("fexit/tcp_sendmsg")
int trace_http_fsent(void *ctx)
{
	return leave_call(returned(ctx), SLOT_SEND);
}

SEC("fentry/tcp_recvmsg")
int trace_http_frecv(u64 *ctx)
{
	u64 flags = 0;

	bpf_get_func_arg(ctx, bpf_get_func_arg_cnt(ctx) == 6 ? 4 : 3, &flags);
	return enter_call((struct sock *)ctx[0], (struct msghdr *)ctx[1], ctx[2], (u32)flags, DIRECTION_IN, TRANSPORT_TCP);
}

SEC("fexit/tcp_recvmsg")
int trace_http_frcvd(void *ctx)
{
	return leave_call(returned(ctx), SLOT_RECEIVE);
}

/* MPTCP: one socket over TCP subflows. */
SEC("fentry/mptcp_sendmsg")
int BPF_PROG(trace_http_fmsend, struct sock *sk, struct msghdr *message, size_t size)
{
	return enter_call(sk, message, size, 0, DIRECTION_OUT, TRANSPORT_MPTCP);
}

SEC("fexit/mptcp_sendmsg")
int trace_http_fmsent(void *ctx)
{
	return leave_call(returned(ctx), SLOT_MPTCP_SEND);
}

SEC("fentry/mptcp_recvmsg")
int trace_http_fmrecv(u64 *ctx)
{
	u64 flags = 0;

	bpf_get_func_arg(ctx, bpf_get_func_arg_cnt(ctx) == 6 ? 4 : 3, &flags);
	return enter_call((struct sock *)ctx[0], (struct msghdr *)ctx[1], ctx[2], (u32)flags, DIRECTION_IN, TRANSPORT_MPTCP);
}

SEC("fexit/mptcp_recvmsg")
int trace_http_fmrcvd(void *ctx)
{
	return leave_call(returned(ctx), SLOT_MPTCP_RECEIVE);
}

/* sendfile and splice until 6.4; later they call tcp_sendmsg. */
SEC("fentry/tcp_sendpage")
int BPF_PROG(trace_http_fpage, struct sock *sk, void *page, int offset, size_t size)
{
	return enter_page(sk, page, offset, size, TRANSPORT_TCP);
}

SEC("fexit/tcp_sendpage")
int trace_http_fpaged(void *ctx)
{
	return leave_call(returned(ctx), SLOT_PAGES);
}

SEC("fentry/tcp_splice_read")
int BPF_PROG(trace_http_fsplc, struct socket *socket, s64 *position, void *pipe, size_t size)
{
	return enter_call(BPF_CORE_READ(socket, sk), 0, size, 0, DIRECTION_IN, TRANSPORT_TCP);
}

SEC("fexit/tcp_splice_read")
int trace_http_fsplcd(void *ctx)
{
	u64 result = 0;

	bpf_get_func_ret(ctx, &result);
	return leave_call((s64)result, SLOT_SPLICE);
}

SEC("fentry/unix_stream_sendmsg")
int BPF_PROG(trace_http_fusend, struct socket *socket, struct msghdr *message, size_t size)
{
	return enter_call(BPF_CORE_READ(socket, sk), message, size, 0, DIRECTION_OUT, TRANSPORT_UNIX);
}

SEC("fexit/unix_stream_sendmsg")
int trace_http_fusent(void *ctx)
{
	return leave_call(returned(ctx), SLOT_UNIX_SEND);
}

SEC("fentry/unix_stream_recvmsg")
int BPF_PROG(trace_http_furecv, struct socket *socket, struct msghdr *message, size_t size, int flags)
{
	return enter_call(BPF_CORE_READ(socket, sk), message, size, flags, DIRECTION_IN, TRANSPORT_UNIX);
}

SEC("fexit/unix_stream_recvmsg")
int trace_http_furcvd(void *ctx)
{
	return leave_call(returned(ctx), SLOT_UNIX_RECEIVE);
}

/* Like those of TCP, but without a counter that shows that bytes moved. */
SEC("fentry/unix_stream_sendpage")
int BPF_PROG(trace_http_fupage, struct socket *socket, void *page, int offset, size_t size)
{
	return enter_page(BPF_CORE_READ(socket, sk), page, offset, size, TRANSPORT_UNIX);
}

SEC("fexit/unix_stream_sendpage")
int trace_http_fupaged(void *ctx)
{
	return leave_call(returned(ctx), SLOT_UNIX_PAGES);
}

SEC("fentry/unix_stream_splice_read")
int BPF_PROG(trace_http_fusplc, struct socket *socket, s64 *position, void *pipe, size_t size)
{
	return enter_call(BPF_CORE_READ(socket, sk), 0, size, 0, DIRECTION_IN, TRANSPORT_UNIX);
}

SEC("fexit/unix_stream_splice_read")
int trace_http_fusplcd(void *ctx)
{
	u64 result = 0;

	bpf_get_func_ret(ctx, &result);
	return leave_call((s64)result, SLOT_UNIX_SPLICE);
}

SEC("fexit/unix_stream_connect")
int BPF_PROG(trace_http_fuconn, struct socket *socket)
{
	return returned(ctx) == 0 ? met_unix(socket, SIDE_CLIENT) : 0;
}

SEC("fexit/unix_accept")
int BPF_PROG(trace_http_fuacc, struct socket *socket, struct socket *accepted)
{
	return returned(ctx) == 0 ? met_unix(accepted, SIDE_SERVER) : 0;
}

SEC("fentry/udp_destroy_sock")
int BPF_PROG(trace_http_fudp, struct sock *sk)
{
	return release_datagram(sk, NAME_CLOSED);
}

SEC("fentry/udpv6_destroy_sock")
int BPF_PROG(trace_http_fudp6, struct sock *sk)
{
	return release_datagram(sk, NAME_CLOSED6);
}

SEC("fentry/unix_release")
int BPF_PROG(trace_http_furel, struct socket *socket)
{
	return release_unix(socket);
}

#endif
