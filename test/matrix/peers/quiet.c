/* What must not be shown: bytes that look like HTTP but are not on a stream socket, and other protocols on sockets. */
#include "peer.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(bool good, const char *what)
{
	if (!good)
		fail(what);
}

static void through_files(const char *text, size_t length)
{
	int file = memfd_create("quiet", 0), copy = memfd_create("copy", 0), ends[2];
	char memory[2048];
	struct iovec halves[2] = {{memory, 100}, {memory + 100, sizeof(memory) - 100}};
	struct iovec whole = {(void *)text, length};
	off_t from = 0;
	loff_t where = 0;

	must(file >= 0 && copy >= 0 && pipe(ends) == 0, "files");
	must(write(file, text, length) == (ssize_t)length && writev(file, &whole, 1) == (ssize_t)length, "write to a file");
	must(lseek(file, 0, SEEK_SET) == 0 && read(file, memory, length) == (ssize_t)length, "read a file");
	must(readv(file, halves, 2) == (ssize_t)length, "readv a file");
	must(sendfile(copy, file, &from, length) == (ssize_t)length, "sendfile to a file");
	must(splice(file, &where, ends[1], 0, length, 0) == (ssize_t)length, "splice to a pipe");
	must(read(ends[0], memory, sizeof(memory)) == (ssize_t)length, "read a pipe");
	must(write(ends[1], text, length) == (ssize_t)length && read(ends[0], memory, sizeof(memory)) > 0, "pipe");
	close(file);
	close(copy);
	close(ends[0]);
	close(ends[1]);
}

static void through_datagrams(const char *text, size_t length)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof(to);
	int in = socket(AF_INET, SOCK_DGRAM, 0), out = socket(AF_INET, SOCK_DGRAM, 0), pair[2];
	char memory[2048];

	must(bind(in, (struct sockaddr *)&to, sizeof(to)) == 0 && getsockname(in, (struct sockaddr *)&to, &size) == 0, "UDP");
	must(sendto(out, text, length, 0, (struct sockaddr *)&to, size) == (ssize_t)length, "send UDP");
	must(recv(in, memory, sizeof(memory), 0) == (ssize_t)length, "receive UDP");
	must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0, "socketpair");
	must(write(pair[0], text, length) == (ssize_t)length && read(pair[1], memory, sizeof(memory)) > 0, "seqpacket");
	close(in);
	close(out);
	close(pair[0]);
	close(pair[1]);
}

int run_quiet(const struct options *options)
{
	char text[1024];
	int length = snprintf(text, sizeof(text),
			      "POST /%s/%s HTTP/1.1\r\nHost: peer\r\nX-Trace-Id: %s\r\nContent-Length: 4\r\n\r\nbody",
			      options->scenario, options->id, options->id);

	through_files(text, (size_t)length);
	through_datagrams(text, (size_t)length);
	say_line("{\"moved\":%d}", length);
	return 0;
}

/* A line protocol and a binary one, over a stream of each kind; the ids are in the middle of the bytes. */
int run_other(const struct options *options)
{
	struct sockaddr_storage address;
	socklen_t length;
	int listener = listen_at(options, &address, &length), total = 0;
	pid_t child = fork();
	int fd;

	if (child < 0)
		fail("fork");
	if (child == 0) {
		char memory[256];
		ssize_t moved;

		for (int i = 0; i < 3; i++) {
			fd = accept_from(listener, options);
			while ((moved = read(fd, memory, sizeof(memory))) > 0)
				must(write(fd, memory, (size_t)moved) == moved, "echo");
			close(fd);
		}
		_exit(0);
	}
	for (int i = 0; i < 3; i++) {
		char line[512], back[512];
		int size = 0;

		fd = connect_to(options, &address, length);
		if (i == 0)
			size = snprintf(line, sizeof(line), "EHLO %s\r\nX-Trace-Id: %s\r\n", options->id, options->id);
		if (i == 1)
			size = snprintf(line, sizeof(line), "get /%s HTTP\r\nX-Trace-Id: %s\r\n\r\n", options->id, options->id);
		if (i == 2) {
			size = 200;
			fill_random(line, (size_t)size);
			line[0] = 0;
			memcpy(line + 50, options->id, strlen(options->id));
		}
		must(send(fd, line, (size_t)size, 0) == size, "send");
		must(recv(fd, back, (size_t)size, MSG_WAITALL) == size, "receive");
		/* HTTP inside another protocol's connection must not be shown. */
		must(send(fd, "GET / HTTP/1.1\r\n\r\n", 18, 0) == 18 && recv(fd, back, 18, MSG_WAITALL) == 18, "HTTP inside");
		total += size + 18;
		close(fd);
	}
	wait(0);
	say_line("{\"moved\":%d}", total);
	return 0;
}
