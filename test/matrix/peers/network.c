/* Sockets of every family, and how their addresses are printed: JSON strings or null. */
#include "peer.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

socklen_t address_of(const struct options *options, unsigned port, struct sockaddr_storage *address)
{
	memset(address, 0, sizeof(*address));
	if (strcmp(options->net, "unix") == 0 || strcmp(options->net, "abstract") == 0) {
		struct sockaddr_un *to = (struct sockaddr_un *)address;
		size_t length = strlen(options->path);

		to->sun_family = AF_UNIX;
		if (options->net[0] == 'a') {
			memcpy(to->sun_path + 1, options->path, length);
			return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
		}
		memcpy(to->sun_path, options->path, length + 1);
		return sizeof(*to);
	}
	if (strcmp(options->net, "ip4") == 0) {
		struct sockaddr_in *to = (struct sockaddr_in *)address;

		to->sin_family = AF_INET;
		to->sin_port = htons((uint16_t)port);
		inet_pton(AF_INET, options->path ? options->path : "127.0.0.1", &to->sin_addr);
		return sizeof(*to);
	}
	struct sockaddr_in6 *to = (struct sockaddr_in6 *)address;

	to->sin6_family = AF_INET6;
	to->sin6_port = htons((uint16_t)port);
	inet_pton(AF_INET6, strcmp(options->net, "mapped") == 0 ? "::ffff:127.0.0.1" : "::1", &to->sin6_addr);
	return sizeof(*to);
}

static int new_socket(const struct options *options, const struct sockaddr_storage *address)
{
	int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0)
		fail("socket");
	if (address->ss_family != AF_UNIX && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)))
		fail("SO_REUSEADDR");
	if (options->send_buffer &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &options->send_buffer, sizeof(options->send_buffer)))
		fail("SO_SNDBUF");
	return fd;
}

static void prepare(int fd, const struct options *options)
{
	int one = 1;

	if (options->client_how.zerocopy && setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)))
		fail("SO_ZEROCOPY");
	if (options->nonblock && fcntl(fd, F_SETFL, O_NONBLOCK))
		fail("O_NONBLOCK");
}

int listen_at(const struct options *options, struct sockaddr_storage *address, socklen_t *length)
{
	int fd, queue = 16;

	*length = address_of(options, options->port, address);
	fd = new_socket(options, address);
	if (bind(fd, (struct sockaddr *)address, *length))
		fail("bind");
	if (options->fastopen && setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN, &queue, sizeof(queue)))
		fail("TCP_FASTOPEN");
	if (listen(fd, 64))
		fail("listen");
	*length = sizeof(*address);
	if (getsockname(fd, (struct sockaddr *)address, length))
		fail("getsockname");
	return fd;
}

int connect_to(const struct options *options, const struct sockaddr_storage *address, socklen_t length)
{
	int fd = new_socket(options, address);

	if (options->client_port) {
		struct sockaddr_storage own;
		struct options here = *options;

		here.path = 0;
		if (bind(fd, (struct sockaddr *)&own, address_of(&here, options->client_port, &own)))
			fail("bind");
	}
	/* With TCP_FASTOPEN_CONNECT the first bytes go with the SYN, by whatever call moves them. */
	if (options->fastopen == 1) {
		int one = 1;

		if (setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &one, sizeof(one)))
			fail("TCP_FASTOPEN_CONNECT");
	}
	if (options->fastopen != 2 && connect(fd, (const struct sockaddr *)address, length))
		fail("connect");
	prepare(fd, options);
	return fd;
}

int accept_from(int listener, const struct options *options)
{
	struct sockaddr_storage from;
	socklen_t length = sizeof(from);
	int fd;

	if (strcmp(options->accept, "accept") == 0)
		fd = accept(listener, (struct sockaddr *)&from, &length);
	else if (strcmp(options->accept, "null") == 0)
		fd = accept4(listener, 0, 0, SOCK_CLOEXEC);
	else
		fd = accept4(listener, (struct sockaddr *)&from, &length, SOCK_CLOEXEC);
	if (fd < 0)
		fail("accept");
	prepare(fd, options);
	return fd;
}

static void name_one(const struct sockaddr_storage *address, socklen_t length, char *text, size_t size)
{
	char host[INET6_ADDRSTRLEN];

	if (address->ss_family == AF_INET) {
		const struct sockaddr_in *at = (const struct sockaddr_in *)address;

		inet_ntop(AF_INET, &at->sin_addr, host, sizeof(host));
		snprintf(text, size, "\"%s:%u\"", host, ntohs(at->sin_port));
	} else if (address->ss_family == AF_INET6) {
		const struct sockaddr_in6 *at = (const struct sockaddr_in6 *)address;

		inet_ntop(AF_INET6, &at->sin6_addr, host, sizeof(host));
		snprintf(text, size, "\"[%s]:%u\"", host, ntohs(at->sin6_port));
	} else {
		const struct sockaddr_un *at = (const struct sockaddr_un *)address;
		int path = (int)length - (int)offsetof(struct sockaddr_un, sun_path);

		if (path <= 0)
			snprintf(text, size, "null");
		else if (at->sun_path[0])
			snprintf(text, size, "\"%s\"", at->sun_path);
		else
			snprintf(text, size, "\"@%.*s\"", path - 1, at->sun_path + 1);
	}
}

void name_ends(int fd, char *local, char *remote, size_t size)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);

	snprintf(local, size, "null");
	snprintf(remote, size, "null");
	if (getsockname(fd, (struct sockaddr *)&address, &length) == 0)
		name_one(&address, length, local, size);
	length = sizeof(address);
	if (getpeername(fd, (struct sockaddr *)&address, &length) == 0)
		name_one(&address, length, remote, size);
}
