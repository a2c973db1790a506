/*
 * Client and server on a TLS library: peer client PORT FOLDER VERSION [OPTION…], peer server FOLDER VERSION [OPTION…],
 * or a program of the library's own. The protocol is in ../plan.ts. Options: mtls, ex, send2, cork.
 */
#include "tls.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool has(char **arguments, const char *option)
{
	for (; *arguments; arguments++)
		if (strcmp(*arguments, option) == 0)
			return true;
	return false;
}

static int run_client(char **arguments)
{
	struct tls *tls = calloc(1, sizeof(*tls));
	char line[1024], file[512];

	printf("pid %d\n", getpid());
	fflush(stdout);
	library_prepare(arguments[1], arguments[2], false, has(arguments + 3, "mtls"));
	while (fgets(line, sizeof(line), stdin)) {
		struct tls_call call = {};
		size_t size = 0;
		void *body = NULL;

		if (sscanf(line, "%7s %159s %63s %11s %511s", call.method, call.path, call.id, call.framing, file) != 5)
			fail("a line");
		if (!tls->session) {
			tls->fd = tcp_connect((unsigned)atoi(arguments[0]));
			library_start(tls, false);
		}
		if (strcmp(file, "-"))
			body = read_file(file, &size);
		ask_tls(tls, &call, body, size);
		free(body);
		printf("done %d %zu %s\n", call.status, call.response_size, call.response_sha);
		fflush(stdout);
	}
	if (tls->session)
		library_stop(tls);
	return 0;
}

static void *serve_connection(void *given)
{
	struct tls *tls = given;
	struct tls_call call;

	library_start(tls, true);
	for (;;) {
		memset(&call, 0, sizeof(call));
		if (!serve_tls(tls, &call))
			break;
	}
	library_stop(tls);
	free(tls);
	return NULL;
}

static void *accept_all(void *given)
{
	for (;;) {
		struct tls *tls = calloc(1, sizeof(*tls));
		pthread_t thread;

		tls->fd = accept(*(int *)given, NULL, NULL);
		if (tls->fd < 0)
			fail("accept");
		pthread_create(&thread, NULL, serve_connection, tls);
		pthread_detach(thread);
	}
}

static int run_server(char **arguments)
{
	pthread_t thread;
	unsigned port;
	int listener;

	library_prepare(arguments[0], arguments[1], true, has(arguments + 2, "mtls"));
	listener = tcp_listen(&port);
	pthread_create(&thread, NULL, accept_all, &listener);
	printf("ready %u %d\n", port, getpid());
	fflush(stdout);
	while (getchar() != EOF)
		;
	return 0;
}

/* Also called by late.c, in a library that is loaded late. */
int peer_main(int count, char **arguments)
{
	if (count > 4 && strcmp(arguments[1], "client") == 0)
		return run_client(arguments + 2);
	if (count > 3 && strcmp(arguments[1], "server") == 0)
		return run_server(arguments + 2);
	if (count > 1 && library_program(arguments[1], arguments + 2))
		return 0;
	return 2;
}

#ifndef LATE
int main(int count, char **arguments)
{
	return peer_main(count, arguments);
}
#endif
