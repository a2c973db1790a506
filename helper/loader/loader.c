// SPDX-License-Identifier: MIT
/*
 * The loader: the only code of HTTP Trace that runs elevated. It determines
 * the requester, connects to that user's socket, loads and attaches the eBPF
 * programs, leaves them to the broker, gives up every privilege and becomes
 * the helper. Of the paths that the requester sent it opens only the socket's
 * folder, and it executes nothing before it has dropped its privileges.
 */
#define _GNU_SOURCE
#include "../sandbox.h"
#include "loader.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* helper/facts.ts has the same order. */
uint32_t list_handed_over(const struct programs *programs, int *descriptors)
{
	const int maps[] = {programs->data_ring, programs->structure_ring, programs->targets,	   programs->counters,
			    programs->named_targets, programs->process_ring, programs->waiting, programs->waiting_unix,
			    programs->breaks, programs->automaton};
	uint32_t count = sizeof(maps) / sizeof(*maps);

	memcpy(descriptors, maps, sizeof(maps));
	for (int i = 0; i < programs->link_count; i++)
		descriptors[count++] = programs->links[i];
	return count;
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

/* Adds to a JSON object: names and reasons are our own text and strerror's, which need no escaping. */
static void __attribute__((format(printf, 4, 5))) append(char *text, size_t size, size_t *used, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(text + *used, size - *used, format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length >= size - *used)
		fail("helper", "What the helper is to know does not fit; this build is damaged.");
	*used += (size_t)length;
}

static void append_reasons(char *text, size_t size, size_t *used, const char *name, const char *const *keys,
			   const char (*reasons)[REASON_SIZE], int count)
{
	append(text, size, used, ",\"%s\":{", name);
	for (int i = 0; i < count; i++)
		append(text, size, used, "%s\"%s\":\"%s\"", i ? "," : "", keys[i], reasons[i]);
	append(text, size, used, "}");
}

static _Noreturn void become_helper(const struct options *options, const struct requester *requester,
				    const struct programs *programs)
{
	char facts[512 + (BACKENDS + PARTS) * (REASON_SIZE + 32) + OWNER_GROUPS_MAX * 11];
	char *const arguments[] = {(char *)options->node, (char *)options->helper, facts, NULL};
	/* VS Code's own executable is a Node with this set. */
	char *const environment[] = {
		"ELECTRON_RUN_AS_NODE=1", "PATH=/usr/bin:/bin",
		"UV_THREADPOOL_SIZE=32", /* links are closed in parallel, as each close waits in the kernel */
		NULL};
	size_t used = 0;

	append(facts, sizeof(facts), &used,
	       "{\"links\":%d,\"tlsAttach\":\"%s\",\"tlsWanted\":%s,\"foreignPids\":%s,\"owner\":%u,\"ringSize\":%u,"
	       "\"requestCopyLimit\":%u,\"responseCopyLimit\":%u,\"backend\":\"%s\"",
	       programs->link_count, tls_attach_names[programs->tls_attach], options->tls_attach == TLS_ATTACH_NONE ? "false" : "true",
	       programs->foreign_pids ? "true" : "false", (unsigned int)requester->uid, options->ring_size,
	       options->request_copy_limit, options->response_copy_limit, backend_names[programs->backend]);
	append(facts, sizeof(facts), &used, ",\"groups\":[");
	for (uint32_t i = 0; i < requester->group_count; i++)
		append(facts, sizeof(facts), &used, "%s%u", i ? "," : "", (unsigned int)requester->groups[i]);
	append(facts, sizeof(facts), &used, "]");
	append_reasons(facts, sizeof(facts), &used, "refused", backend_names, programs->refusals, BACKENDS);
	append_reasons(facts, sizeof(facts), &used, "missing", part_names, programs->missing, PARTS);
	append(facts, sizeof(facts), &used, "}");
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

/* Loading can take seconds on a busy machine: it ends at once when the requester does. */
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

int main(int argc, char **argv)
{
	struct programs programs = {0};
	struct requester requester;
	struct options options;
	int channel, broker;

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
	watch_requester(channel, true);
	load_programs(&options, &requester, &programs);
	watch_requester(channel, false);
	broker = start_broker(&programs, &requester);
	keep_two(channel, broker);
	drop_privileges(&requester);
	/* An io_uring bypasses every list of allowed calls, and libuv makes one before the helper has its list. */
	if (refuse_call(SYS_io_uring_setup))
		fail("helper", "io_uring cannot be ruled out: %s.", strerror(errno));
	become_helper(&options, &requester, &programs);
}
