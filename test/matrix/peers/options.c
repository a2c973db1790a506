#include "peer.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	enum call call;
} CALLS[] = {
	{"read", CALL_READ_WRITE},           {"write", CALL_READ_WRITE},
	{"readv", CALL_READV_WRITEV},        {"writev", CALL_READV_WRITEV},
	{"send", CALL_SEND_RECV},            {"recv", CALL_SEND_RECV},
	{"sendto", CALL_SENDTO_RECVFROM},    {"recvfrom", CALL_SENDTO_RECVFROM},
	{"sendmsg", CALL_SENDMSG_RECVMSG},   {"recvmsg", CALL_SENDMSG_RECVMSG},
	{"sendmmsg", CALL_SENDMMSG_RECVMMSG}, {"recvmmsg", CALL_SENDMMSG_RECVMMSG},
	{"sendfile", CALL_SENDFILE},         {"splice", CALL_SPLICE},
	{"uring", CALL_URING},
};

enum call read_call(const char *name)
{
	for (size_t i = 0; i < sizeof(CALLS) / sizeof(*CALLS); i++)
		if (strcmp(CALLS[i].name, name) == 0)
			return CALLS[i].call;
	errno = EINVAL;
	fail(name);
}

struct options read_options(char **arguments)
{
	struct options options = {
		.id = "none",
		.scenario = "none",
		.net = "ip4",
		.role = "both",
		.client = "here",
		.server = "fork",
		.pause = "",
		.accept = "accept4",
		.client_how = {.out = CALL_SEND_RECV, .in = CALL_SEND_RECV, .segments = 1},
		.server_how = {.out = CALL_SEND_RECV, .in = CALL_SEND_RECV, .segments = 1},
		.request_body = 300,
		.response_body = 700,
		.exchanges = 1,
		.connections = 1,
		.threads = 1,
		.fd = -1,
	};

	for (; *arguments; arguments++) {
		char *value = strchr(*arguments, '=');
		size_t length = value ? (size_t)(value - *arguments) : 0;
		unsigned number;

		if (!value) {
			errno = EINVAL;
			fail(*arguments);
		}
		value++;
		number = (unsigned)strtoul(value, 0, 0);
#define IS(name) (length == sizeof(name) - 1 && strncmp(*arguments, name, length) == 0)
		if (IS("id")) options.id = value;
		else if (IS("scenario")) options.scenario = value;
		else if (IS("net")) options.net = value;
		else if (IS("path")) options.path = value;
		else if (IS("role")) options.role = value;
		else if (IS("client")) options.client = value;
		else if (IS("server")) options.server = value;
		else if (IS("file")) options.server_how.file = value;
		else if (IS("pause")) options.pause = value;
		else if (IS("accept")) options.accept = value;
		else if (IS("progress")) options.progress = value;
		else if (IS("csend")) options.client_how.out = read_call(value);
		else if (IS("crecv")) options.client_how.in = read_call(value);
		else if (IS("ssend")) options.server_how.out = read_call(value);
		else if (IS("srecv")) options.server_how.in = read_call(value);
		else if (IS("segments")) options.client_how.segments = options.server_how.segments = number;
		else if (IS("chunk")) options.client_how.chunk = options.server_how.chunk = number;
		else if (IS("peek")) options.client_how.peek = options.server_how.peek = number;
		else if (IS("trunc")) options.client_how.trunc = number;
		else if (IS("waitall")) options.client_how.waitall = options.server_how.waitall = number;
		else if (IS("zerocopy")) options.client_how.zerocopy = options.server_how.zerocopy = number;
		else if (IS("reqbody")) options.request_body = number;
		else if (IS("resbody")) options.response_body = number;
		else if (IS("exact")) options.exact = number;
		else if (IS("exchanges")) options.exchanges = number;
		else if (IS("connections")) options.connections = number;
		else if (IS("threads")) options.threads = number;
		else if (IS("waiters")) options.waiters = number;
		else if (IS("delay")) options.delay_ms = number;
		else if (IS("port")) options.port = number;
		else if (IS("cport")) options.client_port = number;
		else if (IS("sndbuf")) options.send_buffer = number;
		else if (IS("seed")) options.seed = number;
		else if (IS("fd")) options.fd = (int)number;
		else if (IS("nonblock")) options.nonblock = number;
		else if (IS("fastopen")) options.fastopen = number;
		else if (IS("reader")) options.reader = number;
		else if (IS("turns")) options.turns = number;
		else if (IS("die")) options.die = number;
		else {
			errno = EINVAL;
			fail(*arguments);
		}
#undef IS
	}
	if (options.client_how.segments < 1 || options.client_how.segments > MAX_SEGMENTS) {
		errno = EINVAL;
		fail("segments");
	}
	if (options.threads > MAX_THREADS || options.waiters > MAX_THREADS) {
		errno = EINVAL;
		fail("threads");
	}
	return options;
}
