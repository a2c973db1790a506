// SPDX-License-Identifier: MIT
/*
 * The loader: the only code of HTTP Trace that runs elevated. It finds out
 * who asks, connects to that user's socket, loads and attaches the eBPF
 * programs, gives up every privilege and becomes the helper, which inherits
 * the descriptors. It opens no path that the requester sent but the socket's
 * folder, and executes nothing before it has dropped.
 */
#define _GNU_SOURCE
#include "loader.h"

#include <errno.h>
#include <fcntl.h>
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

/* Closed or missing standard streams would give their numbers to something else. */
static void open_standard_streams(void)
{
	int descriptor;

	do {
		descriptor = open("/dev/null", O_RDWR);
	} while (descriptor >= 0 && descriptor <= 2);
	if (descriptor > 2)
		close(descriptor);
}

static void hand_over(int channel, const struct programs *programs)
{
	int lifted[FD_FIRST_LINK + MAX_LINKS];
	int last = FD_FIRST_LINK + programs->link_count;

	lifted[FD_SOCKET] = lift(channel);
	lifted[FD_DATA_RING] = lift(programs->data_ring);
	lifted[FD_STRUCTURE_RING] = lift(programs->structure_ring);
	lifted[FD_TARGETS] = lift(programs->targets);
	lifted[FD_COUNTERS] = lift(programs->counters);
	lifted[FD_NAMED_TARGETS] = lift(programs->named_targets);
	lifted[FD_PROCESS_RING] = lift(programs->process_ring);
	lifted[FD_TLS_ENTER] = lift(programs->tls_enter);
	lifted[FD_TLS_LEAVE] = lift(programs->tls_leave);
	lifted[FD_BROKER] = lift(programs->broker);
	lifted[FD_WAITING] = lift(programs->waiting);
	lifted[FD_WAITING_UNIX] = lift(programs->waiting_unix);
	for (int i = 0; i < programs->link_count; i++)
		lifted[FD_FIRST_LINK + i] = lift(programs->links[i]);
	for (int number = FD_SOCKET; number < last; number++)
		place(lifted[number], number);
	set_report_socket(FD_SOCKET);
	if (syscall(SYS_close_range, last, ~0u, 0))
		fail("helper", "The remaining descriptors cannot be closed: %s.", strerror(errno));
}

/* Adds to a JSON object: names and reasons are our own words and strerror's, with nothing in them to escape. */
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
	char facts[512 + (BACKENDS + PARTS) * (REASON_SIZE + 32)];
	char *const arguments[] = {(char *)options->node, (char *)options->helper, facts, NULL};
	/* VS Code's own executable is a Node with this set. */
	char *const environment[] = {
		"ELECTRON_RUN_AS_NODE=1", "PATH=/usr/bin:/bin",
		"UV_THREADPOOL_SIZE=32", /* links are closed side by side, each of which the kernel makes wait */
		NULL};
	size_t used = 0;

	append(facts, sizeof(facts), &used,
	       "{\"links\":%d,\"tlsAttach\":\"%s\",\"tlsWanted\":%s,\"foreignPids\":%s,\"owner\":%u,\"ringSize\":%u,"
	       "\"requestCopyLimit\":%u,\"responseCopyLimit\":%u,\"backend\":\"%s\"",
	       programs->link_count, tls_attach_names[programs->tls_attach], options->tls_attach == TLS_ATTACH_NONE ? "false" : "true",
	       programs->foreign_pids ? "true" : "false", (unsigned int)requester->uid, options->ring_size,
	       options->request_copy_limit, options->response_copy_limit, backend_names[programs->backend]);
	append_reasons(facts, sizeof(facts), &used, "refused", backend_names, programs->refusals, BACKENDS);
	append_reasons(facts, sizeof(facts), &used, "missing", part_names, programs->missing, PARTS);
	append(facts, sizeof(facts), &used, "}");
	execve(options->node, arguments, environment);
	fail("helper", "The helper's Node cannot be started: %s.", strerror(errno));
}

int main(int argc, char **argv)
{
	struct programs programs = {0};
	struct requester requester;
	struct options options;
	int channel;

	open_standard_streams();
	/* Asked before anything is promised: does this way of starting the loader give it its rights? */
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
	load_programs(&options, &requester, &programs);
	programs.broker = programs.tls_attach == TLS_ATTACH_BROKER ? start_broker(&programs, &requester) : -1;
	if (programs.broker < 0) {
		if (programs.tls_attach == TLS_ATTACH_BROKER) {
			programs.tls_attach = TLS_ATTACH_NONE;
			snprintf(programs.missing[PART_TLS], REASON_SIZE, "this kernel has no uprobes");
		}
		programs.broker = open("/dev/null", O_RDWR | O_CLOEXEC);
	}
	hand_over(channel, &programs);
	drop_privileges(&requester);
	become_helper(&options, &requester, &programs);
}
