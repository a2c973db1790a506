// SPDX-License-Identifier: MIT
/*
 * `racer FIFO PROGRAM PORT COUNT`: that many children, each of which writes its process id into the FIFO and then
 * executes `PROGRAM send PORT PATH`, a setuid copy of this one, while it is being attached.
 * `racer send PORT PATH`: sends requests to a local server; the path says with whose rights.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define REQUESTS 3

static int send_requests(const char *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port)), .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int peer = socket(AF_INET, SOCK_STREAM, 0);
	char text[256];
	uid_t real, effective, saved;

	if (getresuid(&real, &effective, &saved) || connect(peer, (struct sockaddr *)&address, sizeof(address)))
		return 1;
	for (int i = 0; i < REQUESTS; i++) {
		snprintf(text, sizeof(text), "GET /as-%s HTTP/1.1\r\nHost: racer\r\n\r\n", effective == real ? "owner" : "another");
		if (write(peer, text, strlen(text)) < 0 || read(peer, text, sizeof(text)) <= 0)
			return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	int fifo, count;

	if (argc == 3 && strcmp(argv[1], "send") == 0)
		return send_requests(argv[2]);
	if (argc != 5)
		return 2;
	fifo = open(argv[1], O_WRONLY | O_CLOEXEC);
	count = atoi(argv[4]);
	for (int i = 0; i < count; i++) {
		pid_t child = fork();

		if (child == 0) {
			char line[16];
			int length = snprintf(line, sizeof(line), "%d\n", (int)getpid());

			if (write(fifo, line, (size_t)length) != length)
				_exit(3);
			/* Between before the exec, within it and after it. */
			usleep((unsigned int)(i % 20) * 20u);
			execl(argv[2], argv[2], "send", argv[3], NULL);
			_exit(4);
		}
		/* A few at a time: the machine is to be busy with them. */
		if (i % 4 == 3) {
			int status, failed = 0;

			while (wait(&status) > 0)
				failed |= status;
			if (failed)
				return 1;
		}
	}
	return 0;
}
