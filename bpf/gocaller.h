/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where in a Go program a request comes from. net/http writes on a goroutine of its own, whose stack does not contain
 * the caller. So probes on functions that run on the caller's goroutine take the stack, and the pointers that lead to
 * the connection. Offsets are those of net/http's own structures, the same in Go 1.17 to 1.25; a pointer that does not
 * lead to a socket of this process gives no record.
 */
#ifndef TRACE_HTTP_GOCALLER_H
#define TRACE_HTTP_GOCALLER_H

#include "tls.h"

#define PERSIST_CONN_CONN 80 /* net/http.persistConn.conn, an interface: type, data */
#define CLIENT_CONN_TCONN 8  /* net/http.http2ClientConn.tconn */
#define CLIENT_STREAM_ID 40  /* net/http.http2clientStream.ID */
#define NETFD_SYSFD 16       /* net.netFD.pfd.Sysfd */
#define INTERFACE_DATA 8
#define MAX_WRAPPERS 3       /* types that wrap a net.Conn as first field: crypto/tls.Conn, a program's own */

static __always_inline u64 read_word(u64 address)
{
	u64 word = 0;

	bpf_probe_read_user(&word, sizeof(word), (void *)address);
	return word;
}

/*
 * The id of the connection below a net.Conn: of its TLS session, else of its socket.
 * 0 = not known. Global for the verifier's sake.
 */
__noinline int trace_http_go_connection(u64 data, u64 *found)
{
	if (!found)
		return 0;
	*found = 0;
	for (u32 i = 0; i < MAX_WRAPPERS && data; i++) {
		struct tls_session *session = session_of(data);
		struct connection *connection;
		struct endpoint endpoint;
		u64 descriptor;

		if (session) {
			*found = session->connection.id;
			return 0;
		}
		/* net.TCPConn and net.UnixConn are a pointer to a netFD, and nothing else. */
		descriptor = read_word(read_word(data) + NETFD_SYSFD);
		endpoint = endpoint_of_descriptor(descriptor > 0x7fffffff ? 0xffffffff : (u32)descriptor);
		connection = endpoint.sk ? connection_of(endpoint.sk, endpoint.transport) : 0;
		if (connection) {
			*found = connection->id;
			return 0;
		}
		data = read_word(data + INTERFACE_DATA);
	}
	return 0;
}

static __always_inline void read_method(struct record_caller *record, u64 request)
{
	u64 method[2] = {}; /* net/http.Request begins with it: address, length */

	if (bpf_probe_read_user(method, sizeof(method), (void *)request) || method[1] == 0 || method[1] > CALLER_METHOD_SIZE)
		return;
	if (!bpf_probe_read_user(record->method, method[1] & (2 * CALLER_METHOD_SIZE - 1), (void *)method[0]))
		record->method_length = method[1];
}

/* Go keeps frame pointers: each points to its caller's, and next to it is the return address. */
static __always_inline void read_frames(struct record_caller *record, struct pt_regs *regs, u64 cookie)
{
	u64 below = PT_REGS_SP_CORE(regs) + COOKIE_STACK(cookie), frame = PT_REGS_FP_CORE(regs);
	u32 count = 1;

#if defined(__TARGET_ARCH_x86)
	record->frames[0] = read_word(below);
#else
	record->frames[0] = PT_REGS_RET_CORE(regs);
#endif
	for (u32 i = 1; i < CALLER_FRAMES; i++) {
		u64 words[2] = {};

		/* Stacks grow down. */
		if (frame <= below || bpf_probe_read_user(words, sizeof(words), (void *)frame) || !words[1])
			break;
		record->frames[i] = words[1];
		count = i + 1;
		below = frame;
		frame = words[0];
	}
	record->count = count;
}

SEC("uprobe")
int trace_http_go_caller(struct pt_regs *regs)
{
	struct record_caller *record;
	u64 connection = 0, cookie, object, request;
	u32 stream = 0;
	u8 function;

	if (!current_target())
		return 0;
	cookie = bpf_get_attach_cookie(regs);
	function = COOKIE_FUNCTION(cookie);
#if defined(__TARGET_ARCH_x86)
	object = BPF_CORE_READ(regs, ax);
	request = BPF_CORE_READ(regs, bx);
#else
	object = PT_REGS_PARM1_CORE(regs);
	request = PT_REGS_PARM2_CORE(regs);
#endif
	if (function == TLS_GO_HEADERS2) {
		bpf_probe_read_user(&stream, sizeof(stream), (void *)(object + CLIENT_STREAM_ID));
		/* Its first field is the connection. */
		trace_http_go_connection(read_word(read_word(object) + CLIENT_CONN_TCONN + INTERFACE_DATA), &connection);
		if (!connection || !(stream & 1))
			return 0;
	} else if (function == TLS_GO_REQUEST) {
		trace_http_go_connection(read_word(object + PERSIST_CONN_CONN + INTERFACE_DATA), &connection);
		if (!connection)
			return 0;
		request = read_word(request); /* a transportRequest begins with it */
	}
	record = reserve_structure(RECORD_CALLER, sizeof(*record), connection);
	if (!record)
		return 0;
	record->request = request;
	record->place = PT_REGS_IP_CORE(regs);
	record->file = COOKIE_FILE(cookie);
	record->stream = stream;
	record->function = function;
	read_method(record, request);
	if (function != TLS_GO_HEADERS2)
		read_frames(record, regs, cookie);
	submit_structure(record);
	return 0;
}

#endif
