// SPDX-License-Identifier: MIT
/* Reports errors to the requester: on the socket, as a Fault frame of helper/protocol.ts. */
#include "loader.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROTOCOL_VERSION 5
#define FRAME_FAULT 5
#define LOADING_MS 30000 /* on a busy machine */

static int report_socket = -1;

/* The process that loads the programs, and this one's end of the broker's socket. */
static pid_t loading;
static int loading_channel;

void set_report_socket(int descriptor)
{
	report_socket = descriptor;
}

void report_after(pid_t child, int channel)
{
	loading = child;
	loading_channel = channel;
}

/* Without rights both processes fail; why the programs were not loaded says more. The broker ends with its helper. */
static bool has_child_reported(void)
{
	struct pollfd end = {.fd = loading_channel, .events = 0};
	int status;

	if (loading <= 0)
		return false;
	shutdown(loading_channel, SHUT_WR);
	if (poll(&end, 1, LOADING_MS) <= 0 || waitpid(loading, &status, 0) != loading)
		return false;
	return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

/* Keeps only characters that JSON strings allow unescaped; messages are our own text and strerror's. */
static void copy_plain(char *to, size_t size, const char *from)
{
	size_t used = 0;

	for (; *from && used + 1 < size; from++)
		to[used++] = *from == '"' || *from == '\\' || (unsigned char)*from < 0x20 ? ' ' : *from;
	to[used] = 0;
}

void fail(const char *code, const char *format, ...)
{
	char message[512], plain[512], json[700];
	unsigned char header[6];
	va_list arguments;
	unsigned int length;

	if (has_child_reported())
		exit(1);
	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	fprintf(stderr, "http-trace loader: %s\n", message);
	if (report_socket >= 0) {
		copy_plain(plain, sizeof(plain), message);
		snprintf(json, sizeof(json), "{\"code\":\"%s\",\"message\":\"%s\"}", code, plain);
		length = 2 + strlen(json);
		for (int i = 0; i < 4; i++)
			header[i] = length >> (8 * i);
		header[4] = PROTOCOL_VERSION;
		header[5] = FRAME_FAULT;
		if (write(report_socket, header, sizeof(header)) == (ssize_t)sizeof(header))
			(void)!write(report_socket, json, length - 2);
	}
	exit(1);
}
