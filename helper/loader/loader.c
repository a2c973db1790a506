// SPDX-License-Identifier: MIT
/*
 * The loader: the only code of HTTP Trace that runs elevated. It determines
 * the requester, connects to that user's socket, and forks. The child loads
 * and attaches the eBPF programs and becomes the broker. The parent gives up
 * every privilege and becomes the helper meanwhile: Node takes as long to
 * start as the programs take to load. Of the paths that the requester sent,
 * the loader opens only the socket's folder, and it executes nothing before it
 * has dropped its privileges.
 */
#define _GNU_SOURCE
#include "../sandbox.h"
#include "loader.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Out of the way of the numbers that the helper expects. */
static int lift(int descriptor)
{
	int lifted = fcntl(descriptor, F_DUPFD_CLOEXEC, 128);

	if (lifted < 0)
		fail("helper", "A descriptor cannot be moved: %s.", strerror(errno));
	return lifted;
}

static void place(int descriptor, int number)
{
	if (dup2(descriptor, number) != number)
		fail("helper", "A descriptor cannot be handed over: %s.", strerror(errno));
}

/* If a standard stream were closed, another descriptor would get its number. */
static void open_standard_streams(void)
{
	int descriptor;

	do {
		descriptor = open("/dev/null", O_RDWR);
	} while (descriptor >= 0 && descriptor <= 2);
	if (descriptor < 0)
		_exit(1); /* a number would be left for something else */
	close(descriptor);
}

/* Inherits nothing that must stay secret: other programs of the requester can inspect Node while it starts. */
static void keep_two(int channel, int broker)
{
	int lifted[] = {lift(channel), lift(broker)};

	place(lifted[0], FD_SOCKET);
	place(lifted[1], FD_BROKER);
	set_report_socket(FD_SOCKET);
	if (syscall(SYS_close_range, FD_LAST + 1, ~0u, 0))
		fail("helper", "The remaining descriptors cannot be closed: %s.", strerror(errno));
}

static _Noreturn void become_helper(const struct options *options)
{
	char *const arguments[] = {(char *)options->node, (char *)options->helper,
				   options->tls_attach == TLS_ATTACH_NONE ? "no-tls" : "tls", NULL};
	/* VS Code's own executable is a Node with this set. */
	char *const environment[] = {
		"ELECTRON_RUN_AS_NODE=1", "PATH=/usr/bin:/bin",
		"UV_THREADPOOL_SIZE=32", /* links are closed in parallel, as each close waits in the kernel */
		NULL};

	execve(options->node, arguments, environment);
	fail("helper", "The helper's Node cannot be started: %s.", strerror(errno));
}

static int requester_channel;

static void end_without_requester(int number)
{
	struct pollfd other_end = {.fd = requester_channel, .events = POLLRDHUP};

	(void)number;
	if (poll(&other_end, 1, 0) > 0)
		_exit(1);
}

/* Loading can take seconds on a busy machine: it ends at once when the requester does. The socket is the helper's, too. */
static void watch_requester(int channel, bool watch)
{
	const struct sigaction action = {.sa_handler = end_without_requester, .sa_flags = SA_RESTART};
	int flags = fcntl(channel, F_GETFL);

	requester_channel = channel;
	if (sigaction(SIGIO, &action, NULL) || flags < 0 || fcntl(channel, F_SETOWN, getpid()) ||
	    fcntl(channel, F_SETFL, watch ? flags | O_ASYNC : flags & ~O_ASYNC))
		fail("socket", "The socket cannot be watched: %s.", strerror(errno));
	end_without_requester(0);
}

struct watched_helper {
	struct pollfd ends[2]; /* the helper, and the end of the watch */
};

#define REPORT_MS 400

static void *end_with_helper(void *argument)
{
	struct watched_helper *watched = argument;

	while (poll(watched->ends, 2, -1) < 0 && errno == EINTR)
		;
	if (!watched->ends[0].revents)
		return NULL;
	/* The reason may be reported here: a lack of memory, say. */
	poll(watched->ends + 1, 1, REPORT_MS);
	_exit(1);
}

/*
 * What stays elevated: loads the programs while the helper starts, then hands over what it has made, and attaches. Ends
 * with its helper. PR_SET_PDEATHSIG would not work: the parent's user may not signal this process.
 */
static _Noreturn void stay(const struct options *options, const struct requester *requester, int channel,
			   const struct helper *helper)
{
	struct watched_helper watched = {{{.fd = helper->pidfd, .events = POLLIN}, {.fd = eventfd(0, EFD_CLOEXEC), .events = POLLIN}}};
	struct programs programs = {0};
	const uint64_t one = 1;
	pthread_t watch;

	if (watched.ends[1].fd < 0 || pthread_create(&watch, NULL, end_with_helper, &watched))
		fail("helper", "The helper cannot be watched: %s.", strerror(errno));
	watch_requester(channel, true);
	load_programs(options, requester, &programs);
	watch_requester(channel, false);
	/* Privileges are per thread: there must be no other thread. */
	if (write(watched.ends[1].fd, &one, sizeof(one)) != sizeof(one) || pthread_join(watch, NULL))
		fail("helper", "The helper cannot be watched: %s.", strerror(errno));
	become_broker(&programs, options, requester, helper);
}

int main(int argc, char **argv)
{
	struct requester requester;
	struct options options;
	struct helper helper;
	int channel, ends[2];
	pid_t child;

	open_standard_streams();
	/* Checked before anything else: does this way of starting the loader give it its rights? */
	if (argc == 2 && strcmp(argv[1], "--check-rights") == 0)
		return may_load() ? 0 : 1;
	read_options(argc, argv, &options);
	read_requester(&requester);
	clearenv();
	umask(077);
	if (chdir("/"))
		fail("helper", "The root folder cannot be entered: %s.", strerror(errno));
	lower_rights(&requester);
	channel = connect_to_requester(options.socket, &requester);
	set_report_socket(channel);
	raise_rights();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		fail("helper", "The broker's socket cannot be made: %s.", strerror(errno));
	helper = (struct helper){.pid = getpid(), .channel = ends[1]};
	helper.pidfd = (int)syscall(SYS_pidfd_open, helper.pid, 0);
	if (helper.pidfd < 0)
		fail("helper", "The helper cannot be watched: %s.", strerror(errno));
	child = fork();
	if (child < 0)
		fail("helper", "The broker cannot be started: %s.", strerror(errno));
	if (child == 0) {
		close(ends[0]);
		stay(&options, &requester, channel, &helper);
	}
	close(ends[1]);
	keep_two(channel, ends[0]);
	report_after(child, FD_BROKER);
	drop_privileges(&requester);
	/* io_uring bypasses every seccomp filter, and libuv creates a ring before the helper has its filter. */
	if (refuse_call(SYS_io_uring_setup))
		fail("helper", "io_uring cannot be ruled out: %s.", strerror(errno));
	become_helper(&options);
}
