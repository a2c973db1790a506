/* The subset of HTTP/1.1 that these clients and servers need: bodies of known length. */
#include "peer.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROOM (4 << 20) /* head and body of the longest message */

static const int STATUSES[] = {200, 201, 203, 206, 404, 418, 503};

/* Head and body, in one buffer of ROOM bytes. `length` is that of both. */
struct message {
	uint8_t *bytes;
	size_t head, length;
};

static void make(struct message *message, size_t body, size_t exact, const char *start)
{
	char *text = (char *)message->bytes;

	/* The number of the length's digits changes the head's length: a longer padding then settles it. */
	for (int attempt = 0; attempt < 40; attempt++) {
		int head = snprintf(text, MAX_HEAD, "%sX-Pad: %.*s\r\nContent-Length: %zu\r\n\r\n", start, 1 + attempt / 4,
				    "----------", body);

		if (exact && (size_t)head + body != exact) {
			body = exact - (size_t)head;
			continue;
		}
		message->head = (size_t)head;
		message->length = (size_t)head + body;
		fill_random(message->bytes + message->head, body);
		return;
	}
	errno = EINVAL;
	fail("no message of this length");
}

static void field(const char *head, const char *name, char *value, size_t size)
{
	const char *found = strstr(head, name), *end;

	*value = 0;
	if (!found)
		return;
	found += strlen(name);
	end = strchr(found, '\r');
	if (end && (size_t)(end - found) < size) {
		memcpy(value, found, (size_t)(end - found));
		value[end - found] = 0;
	}
}

static size_t body_length(const char *head)
{
	char text[32];

	field(head, "\r\nContent-Length: ", text, sizeof(text));
	return strtoul(text, 0, 10);
}

/* Reads exactly the head, or, where that does not matter, also what comes with it. */
static bool read_head(int fd, struct how *how, struct message *message, size_t *have)
{
	bool exactly = how->in == CALL_SPLICE || how->trunc || how->waitall;

	*have = 0;
	for (;;) {
		ssize_t moved;
		char *end;

		if (exactly) {
			moved = recv(fd, message->bytes, MAX_HEAD, MSG_PEEK);
			if (moved <= 0)
				return false;
			message->bytes[moved] = 0;
			end = strstr((char *)message->bytes, "\r\n\r\n");
			if (!end) {
				usleep(1000);
				continue;
			}
			message->head = (size_t)(end + 4 - (char *)message->bytes);
			moved = recv(fd, message->bytes, message->head, MSG_WAITALL);
			if (moved != (ssize_t)message->head)
				fail("head");
			message->bytes[moved] = 0;
			*have = message->head;
			return true;
		}
		moved = get_some(fd, message->bytes + *have, ROOM - 1 - *have, how);
		if (moved <= 0)
			return false;
		*have += (size_t)moved;
		message->bytes[*have] = 0;
		end = memmem(message->bytes, *have, "\r\n\r\n", 4);
		if (end) {
			message->head = (size_t)(end + 4 - (char *)message->bytes);
			return true;
		}
	}
}

/* Reads the rest of the body. Returns the bytes of head and body that have arrived. */
static size_t read_body(int fd, struct how *how, struct message *message, size_t have, size_t until)
{
	while (have < until) {
		ssize_t moved = get_body(fd, message->bytes + have, until - have, how);

		if (moved <= 0)
			break;
		have += (size_t)moved;
	}
	return have;
}

static uint8_t *room(void)
{
	uint8_t *memory = malloc(ROOM);

	if (!memory)
		fail("malloc");
	return memory;
}

static void put_message(int fd, struct message *message, struct how *how)
{
	bool apart = how->out == CALL_SENDFILE || how->out == CALL_SPLICE;

	if (!apart) {
		put_all(fd, message->bytes, message->length, how);
		return;
	}
	put_all(fd, message->bytes, message->head, how);
	put_body(fd, message->bytes + message->head, message->length - message->head, how);
}

void ask(int fd, const struct options *options, struct how *how, struct exchange *exchange, const char *id)
{
	struct message request = {.bytes = room()};
	char start[512];

	*exchange = (struct exchange){.fd = fd};
	snprintf(exchange->id, sizeof(exchange->id), "%s", id);
	snprintf(exchange->path, sizeof(exchange->path), "/%s/%s", options->scenario, id);
	snprintf(start, sizeof(start), "POST %s HTTP/1.1\r\nHost: peer\r\nX-Trace-Id: %s\r\n", exchange->path, id);
	make(&request, options->request_body, options->exact, start);
	exchange->request_size = request.length - request.head;
	exchange->request_wire = request.length;
	sha256_hex(request.bytes + request.head, exchange->request_size, exchange->request_sha);
	exchange->ms = -now_ms();
	put_message(fd, &request, how);
	free(request.bytes);
}

void hear(int fd, const struct options *options, struct how *how, struct exchange *exchange, void (*half)(void))
{
	struct message response = {.bytes = room()};
	size_t have, body, got;
	char *text = (char *)response.bytes;

	(void)options;
	if (!read_head(fd, how, &response, &have)) {
		exchange->ms += now_ms();
		free(response.bytes);
		return;
	}
	body = body_length(text);
	if (half) {
		have = read_body(fd, how, &response, have, response.head + body / 2);
		half();
	}
	got = read_body(fd, how, &response, have, response.head + body);
	exchange->ms += now_ms();
	exchange->status = atoi(text + 9);
	exchange->response_size = got - response.head;
	exchange->response_wire = got;
	exchange->whole = exchange->response_size == body && !how->trunc;
	field(text, "\r\nX-Answer: ", exchange->answer, sizeof(exchange->answer));
	field(text, "\r\nX-Asked: ", exchange->asked, sizeof(exchange->asked));
	sha256_hex(response.bytes + response.head, exchange->response_size, exchange->response_sha);
	free(response.bytes);
}

bool serve(int fd, const struct options *options, struct how *how, struct exchange *exchange, int gate)
{
	struct message request = {.bytes = room()}, response = {.bytes = room()};
	char start[512], *space, byte;
	size_t have, half;

	*exchange = (struct exchange){.fd = fd};
	if (!read_head(fd, how, &request, &have)) {
		free(request.bytes);
		free(response.bytes);
		return false;
	}
	exchange->ms = -now_ms();
	exchange->request_size = body_length((char *)request.bytes);
	if (read_body(fd, how, &request, have, request.head + exchange->request_size) != request.head + exchange->request_size)
		fail("the request is cut");
	sha256_hex(request.bytes + request.head, exchange->request_size, exchange->request_sha);
	field((char *)request.bytes, "\r\nX-Trace-Id: ", exchange->id, sizeof(exchange->id));
	space = strchr((char *)request.bytes + 5, ' ');
	snprintf(exchange->path, sizeof(exchange->path), "%.*s", (int)(space - ((char *)request.bytes + 5)), (char *)request.bytes + 5);

	if (options->delay_ms)
		usleep(options->delay_ms * 1000);
	random_hex(exchange->answer, 24);
	exchange->status = STATUSES[(unsigned)exchange->answer[0] % (sizeof(STATUSES) / sizeof(*STATUSES))];
	snprintf(start, sizeof(start), "HTTP/1.1 %d Answer\r\nX-Answer: %s\r\nX-Asked: %s\r\n", exchange->status, exchange->answer,
		 exchange->id);
	make(&response, options->response_body, options->exact, start);
	exchange->response_size = response.length - response.head;
	exchange->request_wire = request.head + exchange->request_size;
	exchange->response_wire = response.length;
	exchange->whole = true;
	sha256_hex(response.bytes + response.head, exchange->response_size, exchange->response_sha);
	half = response.head + exchange->response_size / 2;
	if (options->die) {
		put_all(fd, response.bytes, half, how);
		exchange->whole = false;
		exchange->response_size /= 2;
		say("server", fd, how, exchange);
		usleep(20000);
		kill(getpid(), SIGKILL);
	}
	if (gate >= 0) {
		bool blocked = strcmp(options->pause, "blocked") == 0;

		if (!blocked)
			put_all(fd, response.bytes, half, how);
		if (read(gate, &byte, 1) != 1)
			fail("gate");
		put_all(fd, response.bytes + (blocked ? 0 : half), response.length - (blocked ? 0 : half), how);
	} else {
		put_message(fd, &response, how);
	}
	exchange->ms += now_ms();
	free(request.bytes);
	free(response.bytes);
	return true;
}

void say(const char *side, int fd, const struct how *how, const struct exchange *exchange)
{
	char local[160], remote[160], namespace[64] = "";
	struct tcp_info info = {};
	socklen_t info_size = sizeof(info);
	ssize_t length = readlink("/proc/self/ns/net", namespace, sizeof(namespace) - 1);

	if (length < 0)
		fail("/proc/self/ns/net");
	getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &info_size); /* of others it stays empty */
	name_ends(fd, local, remote, sizeof(local));
	say_line("{\"side\":\"%s\",\"pid\":%d,\"id\":\"%s\",\"method\":\"POST\",\"path\":\"%s\",\"status\":%d,\"answer\":\"%s\","
		 "\"requestSize\":%zu,\"requestSha\":\"%s\",\"responseSize\":%zu,\"responseSha\":\"%s\",\"whole\":%s,"
		 "\"requestWire\":%zu,\"responseWire\":%zu,\"ms\":%.3f,\"local\":%s,\"remote\":%s,\"fd\":%d,\"again\":%u,\"shorts\":%u,\"calls\":%u,\"synData\":%s,\"network\":\"%s\"}",
		 side, outer_pid(), exchange->id, exchange->path, exchange->status, exchange->answer, exchange->request_size,
		 exchange->request_sha, exchange->response_size, exchange->response_sha, exchange->whole ? "true" : "false",
		 exchange->request_wire, exchange->response_wire, exchange->ms, local, remote, exchange->fd, how->again, how->shorts, how->calls,
		 info.tcpi_options & TCPI_OPT_SYN_DATA ? "true" : "false", namespace);
}
