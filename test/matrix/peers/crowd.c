/*
 * Opens the given number of connections, each with one request, all of them
 * in flight at once: the server answers after the last one has arrived and
 * the given time has passed.
 */
#include "peer.h"
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define ADDRESSES 8 /* of the server: one has not enough ports */
#define ROOM 512

static void answer(int fd)
{
	char text[ROOM], number[25];
	int length;

	random_hex(number, 24);
	length = snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nX-Answer: %s\r\nContent-Length: 24\r\n\r\n%s", number, number);
	if (send(fd, text, (size_t)length, 0) != length)
		fail("answer");
}

/* Of all servers together. */
static _Atomic unsigned *arrived;

/* Waits until all have sent a request; returns how many of them are this server's. */
static unsigned hear_all(int listener, int *asked, unsigned total)
{
	int epoll = epoll_create1(0);
	struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.fd = listener};
	unsigned have = 0;
	char text[ROOM];

	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event))
		fail("epoll");
	while (*arrived < total) {
		if (epoll_wait(epoll, &event, 1, 50) != 1)
			continue;
		if (event.data.fd == listener) {
			int fd = accept(listener, 0, 0);

			event = (struct epoll_event){.events = EPOLLIN | EPOLLONESHOT, .data.fd = fd};
			if (fd < 0 && errno == EAGAIN)
				continue; /* another server was quicker */
			if (fd < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
				fail("accept");
		} else {
			if (recv(event.data.fd, text, sizeof(text), 0) <= 0)
				fail("a request");
			asked[have++] = event.data.fd;
			++*arrived;
		}
	}
	close(epoll);
	return have;
}

static void serve_share(int listener, const struct options *options)
{
	unsigned total = options->threads * options->connections;
	int *asked = calloc(total, sizeof(*asked));
	unsigned have;

	if (!asked)
		fail("memory");
	have = hear_all(listener, asked, total);
	usleep(options->delay_ms * 1000);
	for (unsigned i = 0; i < have; i++)
		answer(asked[i]);
	/* The clients close first, so that no port of this machine stays taken here. */
	for (unsigned i = 0; i < have; i++) {
		char byte;

		if (recv(asked[i], &byte, 1, 0) != 0)
			fail("more than one request");
		close(asked[i]);
	}
}

static void ask_share(unsigned share, const struct options *options)
{
	int *fds = calloc(options->connections, sizeof(*fds));
	char text[ROOM];

	if (!fds)
		fail("memory");
	for (unsigned i = 0; i < options->connections; i++) {
		unsigned number = share * options->connections + i;
		struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options->port),
					      .sin_addr.s_addr = htonl(INADDR_LOOPBACK + number % ADDRESSES)};
		int length = snprintf(text, sizeof(text), "GET /%s/%s-%u HTTP/1.1\r\nHost: peer\r\nX-Trace-Id: %s-%u\r\n\r\n",
				      options->scenario, options->id, number, options->id, number);

		fds[i] = socket(AF_INET, SOCK_STREAM, 0);
		if (fds[i] < 0 || connect(fds[i], (struct sockaddr *)&address, sizeof(address)))
			fail("connect");
		if (send(fds[i], text, (size_t)length, 0) != length)
			fail("send");
	}
	for (unsigned i = 0; i < options->connections; i++) {
		ssize_t length = recv(fds[i], text, sizeof(text) - 1, 0);

		if (length < 24)
			fail("an answer");
		text[length] = 0;
		say_line("{\"number\":%u,\"answer\":\"%s\"}", share * options->connections + i, text + length - 24);
		close(fds[i]);
	}
}

/* `threads` are processes here: a process may have only so many descriptors. */
int run_crowd(const struct options *options)
{
	bool serves = strcmp(options->role, "server") == 0;
	int listener = -1, status, failed = 0;

	if (serves) {
		struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
		socklen_t length = sizeof(address);

		arrived = mmap(0, sizeof(*arrived), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (arrived == MAP_FAILED || bind(listener, (struct sockaddr *)&address, length) || listen(listener, 4096) ||
		    getsockname(listener, (struct sockaddr *)&address, &length))
			fail("listen");
		say_line("{\"port\":%u}", ntohs(address.sin_port));
	}
	for (unsigned i = 0; i < options->threads; i++) {
		if (fork_bound() != 0)
			continue;
		if (serves)
			serve_share(listener, options);
		else
			ask_share(i, options);
		_exit(0);
	}
	while (wait(&status) > 0)
		failed |= status;
	return failed != 0;
}
