// SPDX-License-Identifier: MIT
/*
 * gate COMMAND ARGUMENT...: writes one byte to the socket that is descriptor 3, waits until its parent writes one, then
 * becomes COMMAND. The parent attaches the trace to this process in between, so that not even the command's first call is
 * missed, and the command keeps its process id. Never runs elevated.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GATE_DESCRIPTOR 3
#define STATUS_NOT_FOUND 127 /* as in shells */
#define STATUS_NOT_EXECUTABLE 126

int main(int argc, char **argv)
{
	char byte;
	ssize_t got;

	if (argc < 2) {
		fputs("http-trace: no command was given\n", stderr);
		return STATUS_NOT_FOUND;
	}
	/* While execve(2) runs, /proc shows neither arguments nor environment yet. If the parent has gone, recv() says so. */
	(void)!send(GATE_DESCRIPTOR, "", 1, MSG_NOSIGNAL);
	do {
		/* Only peeked at: this process is a target already, and its bytes are counted. */
		got = recv(GATE_DESCRIPTOR, &byte, 1, MSG_PEEK);
	} while (got < 0 && errno == EINTR);
	if (got != 1)
		return 1; /* the parent gave up or died, and has reported why */
	close(GATE_DESCRIPTOR);
	execvp(argv[1], argv + 1);
	if (errno == ENOENT) {
		fprintf(stderr, "http-trace: %s: command not found\n", argv[1]);
		return STATUS_NOT_FOUND;
	}
	fprintf(stderr, "http-trace: %s: %s\n", argv[1], strerror(errno));
	return STATUS_NOT_EXECUTABLE;
}
