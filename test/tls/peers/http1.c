#include "tls.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE 11000 /* bytes of a chunk or of one call: no divisor of a TLS record */
#define MAX_BODY (4 << 20)

int tcp_listen(unsigned *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (void *)&address, length) || listen(fd, 64) || getsockname(fd, (void *)&address, &length))
		fail("listen");
	*port = ntohs(address.sin_port);
	return fd;
}

int tcp_connect(unsigned port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	if (fd < 0 || connect(fd, (void *)&address, sizeof(address)))
		fail("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

void *read_file(const char *path, size_t *size)
{
	struct stat stat;
	int fd = open(path, O_RDONLY);
	char *bytes;

	if (fd < 0 || fstat(fd, &stat))
		fail(path);
	*size = (size_t)stat.st_size;
	bytes = malloc(*size + 1);
	for (size_t at = 0; at < *size;) {
		ssize_t got = read(fd, bytes + at, *size - at);

		if (got <= 0)
			fail(path);
		at += (size_t)got;
	}
	close(fd);
	return bytes;
}

/* A line without its end; false at the end of the stream. */
static bool read_line(struct tls *tls, char *line, size_t size)
{
	size_t length = 0;

	for (;;) {
		if (tls->begin == tls->end) {
			tls->begin = 0;
			tls->end = library_read(tls, tls->buffer, sizeof(tls->buffer));
			if (tls->end == 0)
				return false;
		}
		while (tls->begin < tls->end) {
			char byte = tls->buffer[tls->begin++];

			if (byte == '\n') {
				line[length] = 0;
				return true;
			}
			if (byte != '\r' && length + 1 < size)
				line[length++] = byte;
		}
	}
}

static void read_bytes(struct tls *tls, char *to, size_t length)
{
	while (length > 0) {
		size_t part = tls->end - tls->begin;

		if (part == 0) {
			part = library_read(tls, to, length);
			if (part == 0)
				fail("a body's end");
		} else {
			if (part > length)
				part = length;
			memcpy(to, tls->buffer + tls->begin, part);
			tls->begin += part;
		}
		to += part;
		length -= part;
	}
}

struct fields {
	char first[512], id[64], answer[20], framing[12];
	int status;
	size_t size, length;
	bool chunked;
};

static bool read_head(struct tls *tls, struct fields *fields)
{
	char line[512];

	memset(fields, 0, sizeof(*fields));
	if (!read_line(tls, fields->first, sizeof(fields->first)))
		return false;
	while (read_line(tls, line, sizeof(line)) && line[0]) {
		char *value = strchr(line, ':');

		if (!value)
			fail("a field line");
		*value++ = 0;
		value += strspn(value, " ");
		if (!strcasecmp(line, "content-length"))
			fields->length = strtoul(value, NULL, 10);
		else if (!strcasecmp(line, "transfer-encoding"))
			fields->chunked = true;
		else if (!strcasecmp(line, "x-trace-id"))
			snprintf(fields->id, sizeof(fields->id), "%s", value);
		else if (!strcasecmp(line, "x-answer"))
			snprintf(fields->answer, sizeof(fields->answer), "%s", value);
		else if (!strcasecmp(line, "x-status"))
			fields->status = atoi(value);
		else if (!strcasecmp(line, "x-size"))
			fields->size = strtoul(value, NULL, 10);
		else if (!strcasecmp(line, "x-framing"))
			snprintf(fields->framing, sizeof(fields->framing), "%s", value);
	}
	return true;
}

/* Its size and hash. */
static size_t read_body(struct tls *tls, const struct fields *fields, char *sha)
{
	static _Thread_local char *body;
	size_t size = 0;
	char line[64];

	if (!body)
		body = malloc(MAX_BODY);
	if (!fields->chunked) {
		read_bytes(tls, body, fields->length);
		size = fields->length;
	} else {
		for (;;) {
			size_t length;

			if (!read_line(tls, line, sizeof(line)))
				fail("a chunk");
			length = strtoul(line, NULL, 16);
			read_bytes(tls, body + size, length);
			read_line(tls, line, sizeof(line));
			size += length;
			if (length == 0)
				break;
		}
	}
	sha256_hex(body, size, sha);
	return size;
}

static void write_body(struct tls *tls, const char *framing, const char *body, size_t size)
{
	bool chunked = strcmp(framing, "chunked") == 0;

	for (size_t at = 0; at < size; at += PIECE) {
		size_t part = size - at < PIECE ? size - at : PIECE;
		char line[32];

		if (chunked)
			library_write(tls, line, (size_t)snprintf(line, sizeof(line), "%zx\r\n", part));
		library_write(tls, body + at, part);
		if (chunked)
			library_write(tls, "\r\n", 2);
	}
	if (chunked)
		library_write(tls, "0\r\n\r\n", 5);
}

/* The field that frames the body, and the end of the head. */
static int framing_field(char *to, size_t size, const char *framing, size_t length)
{
	if (strcmp(framing, "chunked") == 0)
		return snprintf(to, size, "Transfer-Encoding: chunked\r\n\r\n");
	return snprintf(to, size, "Content-Length: %zu\r\n\r\n", length);
}

void send_request(struct tls *tls, struct tls_call *call, const void *body, size_t size)
{
	char head[MAX_HEAD];
	int length = snprintf(head, sizeof(head), "%s %s HTTP/1.1\r\nHost: localhost\r\nX-Trace-Id: %s\r\n", call->method,
			      call->path, call->id);

	if (body)
		length += framing_field(head + length, sizeof(head) - (size_t)length, call->framing, size);
	else
		length += snprintf(head + length, sizeof(head) - (size_t)length, "\r\n");
	library_write(tls, head, (size_t)length);
	if (body)
		write_body(tls, call->framing, body, size);
	call->request_size = size;
	sha256_hex(body ? body : "", size, call->request_sha);
}

void read_answer(struct tls *tls, struct tls_call *call)
{
	struct fields fields;

	if (!read_head(tls, &fields))
		fail("an answer");
	call->status = atoi(strchr(fields.first, ' '));
	snprintf(call->answer, sizeof(call->answer), "%s", fields.answer);
	call->response_size = read_body(tls, &fields, call->response_sha);
}

void ask_tls(struct tls *tls, struct tls_call *call, const void *body, size_t size)
{
	send_request(tls, call, body, size);
	read_answer(tls, call);
}

bool serve_tls(struct tls *tls, struct tls_call *call)
{
	struct fields fields;
	char head[MAX_HEAD], *body;
	int length;

	if (!read_head(tls, &fields))
		return false;
	if (sscanf(fields.first, "%7s %159s", call->method, call->path) != 2)
		fail("a request line");
	memcpy(call->id, fields.id, sizeof(call->id));
	call->request_size = read_body(tls, &fields, call->request_sha);
	call->status = fields.status ? fields.status : 200;
	call->response_size = fields.size;
	body = malloc(fields.size + 1);
	fill_random(body, fields.size);
	sha256_hex(body, fields.size, call->response_sha);
	random_hex(call->answer, 16);
	length = snprintf(head, sizeof(head), "HTTP/1.1 %d Fine\r\nX-Answer: %s\r\nX-Received: %s\r\n", call->status, call->answer,
			  call->request_sha);
	length += framing_field(head + length, sizeof(head) - (size_t)length, fields.framing, fields.size);
	library_write(tls, head, (size_t)length);
	write_body(tls, fields.framing, body, fields.size);
	free(body);
	return true;
}

void report_call(const char *side, struct tls *tls, const struct tls_call *call)
{
	char local[128], remote[128];

	name_ends(tls->fd, local, remote, sizeof(local));
	say_line("{\"side\":\"%s\",\"pid\":%d,\"id\":\"%s\",\"method\":\"%s\",\"path\":\"%s\",\"status\":%d,\"answer\":\"%s\","
		 "\"requestSize\":%zu,\"requestSha\":\"%s\",\"responseSize\":%zu,\"responseSha\":\"%s\",\"local\":%s,\"remote\":%s}",
		 side, getpid(), call->id, call->method, call->path, call->status, call->answer, call->request_size,
		 call->request_sha, call->response_size, call->response_sha, local, remote);
}
