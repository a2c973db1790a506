/*
 * Random bursts: several connections at once, exchanges of random size
 * with pauses between them, once a line was read from standard input. The
 * number of completed ones is in a file, by which another process can notice
 * that the program is held up.
 */
#include "peer.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct options *options;
static struct sockaddr_storage address;
static socklen_t address_length;
static int listener;
static uint64_t *completed;

static void *answer(void *argument)
{
	int fd = (int)(intptr_t)argument;
	unsigned state = options->seed ^ 0x5bd1e995u * (unsigned)fd;

	for (;;) {
		struct options own = *options;
		struct how how = options->server_how;
		struct exchange exchange;

		own.response_body = (size_t)rand_r(&state) % (rand_r(&state) % 8 ? 600 : 30000);
		if (!serve(fd, &own, &how, &exchange, -1))
			break;
		say("server", fd, &how, &exchange);
	}
	close(fd);
	return 0;
}

static void *burst(void *argument)
{
	unsigned thread = (unsigned)(uintptr_t)argument, state = options->seed * 31 + thread;
	int fd = connect_to(options, &address, address_length);

	for (unsigned i = 0; i < options->exchanges; i++) {
		struct options own = *options;
		struct how how = options->client_how;
		struct exchange exchange;
		char id[64];

		snprintf(id, sizeof(id), "%s-%u-%u", options->id, thread, i);
		own.request_body = (size_t)rand_r(&state) % (rand_r(&state) % 8 ? 600 : 30000);
		ask(fd, &own, &how, &exchange, id);
		hear(fd, &own, &how, &exchange, 0);
		__atomic_fetch_add(completed, 1, __ATOMIC_RELAXED);
		say("client", fd, &how, &exchange);
		if (rand_r(&state) % 10 == 0)
			usleep((useconds_t)rand_r(&state) % 20000);
	}
	close(fd);
	return 0;
}

int run_burst(const struct options *given)
{
	pthread_t threads[64];
	int file = open(given->progress, O_RDWR | O_CREAT, 0600);
	pid_t child;

	options = given;
	signal(SIGPIPE, SIG_IGN);
	if (file < 0 || ftruncate(file, sizeof(*completed)))
		fail("progress");
	completed = mmap(0, sizeof(*completed), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (completed == MAP_FAILED)
		fail("mmap");
	listener = listen_at(options, &address, &address_length);
	say_line("{\"at\":\"start\"}");
	wait_line();
	child = fork_bound();
	if (child == 0) {
		for (unsigned i = 0; i < options->threads; i++)
			if (pthread_create(&threads[i], 0, answer, (void *)(intptr_t)accept_from(listener, options)))
				fail("thread");
		for (unsigned i = 0; i < options->threads; i++)
			pthread_join(threads[i], 0);
		_exit(0);
	}
	close(listener);
	for (unsigned i = 0; i < options->threads; i++)
		if (pthread_create(&threads[i], 0, burst, (void *)(uintptr_t)i))
			fail("thread");
	for (unsigned i = 0; i < options->threads; i++)
		pthread_join(threads[i], 0);
	waitpid(child, 0, 0);
	return 0;
}
