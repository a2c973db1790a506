/* Looks up names that do not exist, with every way to send and receive, in its own network namespace. */
#include "peer.h"
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define HEADER 12
#define NXDOMAIN 3

static void must(bool good, const char *what)
{
	if (!good)
		fail(what);
}

/* A query for the addresses (A) of `way`.`id`.test; its length. */
static size_t query(unsigned char *bytes, unsigned short number, const char *way, const char *id)
{
	const char *labels[] = {way, id, "test"};
	size_t at = HEADER;

	memset(bytes, 0, HEADER);
	bytes[0] = number >> 8;
	bytes[1] = number & 255;
	bytes[2] = 1; /* recursion is desired */
	bytes[5] = 1; /* one question */
	for (size_t i = 0; i < 3; i++) {
		bytes[at++] = strlen(labels[i]);
		memcpy(bytes + at, labels[i], strlen(labels[i]));
		at += strlen(labels[i]);
	}
	memcpy(bytes + at, "\0\0\1\0\1", 5);
	return at + 5;
}

static struct sockaddr_in server_address(void)
{
	return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(53), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static _Noreturn void answer_all(int udp, int listener)
{
	unsigned char bytes[600];
	struct sockaddr_in peer;
	socklen_t size = sizeof(peer);
	ssize_t length;
	int tcp;

	/* As many as are asked for below; `silent` is the last one by UDP. */
	for (;;) {
		size = sizeof(peer);
		length = recvfrom(udp, bytes, sizeof(bytes), 0, (struct sockaddr *)&peer, &size);
		must(length > HEADER, "no query");
		if (memcmp(bytes + HEADER + 1, "silent", 6) == 0)
			break;
		bytes[2] = 0x81;
		bytes[3] = 0x80 | NXDOMAIN;
		must(sendto(udp, bytes, length, 0, (struct sockaddr *)&peer, size) == length, "answer");
	}
	tcp = accept(listener, NULL, NULL);
	must(tcp >= 0 && (length = recv(tcp, bytes, sizeof(bytes), 0)) > 2 + HEADER, "no query by TCP");
	bytes[2 + 2] = 0x81;
	bytes[2 + 3] = 0x80 | NXDOMAIN;
	must(send(tcp, bytes, length, 0) == length, "answer by TCP");
	_exit(0);
}

static int connected(int type)
{
	struct sockaddr_in address = server_address();
	int fd = socket(AF_INET, type, 0);

	must(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0, "connect");
	return fd;
}

int run_names(const struct options *options)
{
	struct sockaddr_in address = server_address(), from;
	struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	unsigned char bytes[3][600], answer[600];
	struct iovec halves[2], whole[3];
	struct msghdr message = {.msg_iov = halves, .msg_iovlen = 2};
	struct mmsghdr messages[3];
	socklen_t size = sizeof(from);
	int udp, listener, fd, status;
	size_t length;
	pid_t server;

	must(unshare(CLONE_NEWNET) == 0, "unshare");
	udp = socket(AF_INET, SOCK_DGRAM, 0);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	must(ioctl(udp, SIOCSIFFLAGS, &loopback) == 0, "loopback");
	must(bind(udp, (struct sockaddr *)&address, sizeof(address)) == 0, "bind");
	must(bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(listener, 1) == 0, "listen");
	server = fork();
	if (server == 0)
		answer_all(udp, listener);
	close(udp);
	close(listener);

	fd = connected(SOCK_DGRAM);
	length = query(bytes[0], 1, "write", options->id);
	must(write(fd, bytes[0], length) == (ssize_t)length && read(fd, answer, sizeof(answer)) > 0, "write and read");
	length = query(bytes[0], 2, "writev", options->id);
	halves[0] = (struct iovec){bytes[0], 5};
	halves[1] = (struct iovec){bytes[0] + 5, length - 5};
	must(writev(fd, halves, 2) == (ssize_t)length, "writev");
	halves[0] = (struct iovec){answer, 20};
	halves[1] = (struct iovec){answer + 20, sizeof(answer) - 20};
	must(readv(fd, halves, 2) > 0, "readv");
	length = query(bytes[0], 3, "send", options->id);
	must(send(fd, bytes[0], length, 0) == (ssize_t)length && recv(fd, answer, sizeof(answer), 0) > 0, "send and recv");
	length = query(bytes[0], 4, "sendmsg", options->id);
	halves[0] = (struct iovec){bytes[0], 30};
	halves[1] = (struct iovec){bytes[0] + 30, length - 30};
	must(sendmsg(fd, &message, 0) == (ssize_t)length, "sendmsg");
	halves[0] = (struct iovec){answer, sizeof(answer)};
	halves[1] = (struct iovec){answer, 0};
	must(recvmsg(fd, &message, 0) > 0, "recvmsg");
	memset(messages, 0, sizeof(messages));
	for (unsigned i = 0; i < 3; i++) {
		char way[] = "sendmmsg0";

		way[8] += i;
		whole[i] = (struct iovec){bytes[i], query(bytes[i], 5 + i, way, options->id)};
		messages[i].msg_hdr = (struct msghdr){.msg_iov = &whole[i], .msg_iovlen = 1};
	}
	must(sendmmsg(fd, messages, 3, 0) == 3, "sendmmsg");
	for (unsigned i = 0; i < 3; i++)
		whole[i].iov_len = sizeof(bytes[i]);
	must(recvmmsg(fd, messages, 3, MSG_WAITFORONE, NULL) > 0, "recvmmsg");
	close(fd);

	/* What was not received is still awaited when the socket is closed; so the others have one of their own. */
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	length = query(bytes[0], 9, "sendto", options->id);
	must(sendto(fd, bytes[0], length, 0, (struct sockaddr *)&address, sizeof(address)) == (ssize_t)length, "sendto");
	must(recvfrom(fd, answer, sizeof(answer), 0, (struct sockaddr *)&from, &size) > 0, "recvfrom");
	length = query(bytes[0], 10, "silent", options->id);
	must(sendto(fd, bytes[0], length, 0, (struct sockaddr *)&address, sizeof(address)) == (ssize_t)length, "sendto, silent");
	close(fd);

	fd = connected(SOCK_STREAM);
	length = query(bytes[0] + 2, 11, "tcp", options->id);
	bytes[0][0] = length >> 8;
	bytes[0][1] = length & 255;
	must(send(fd, bytes[0], length + 2, 0) == (ssize_t)length + 2 && recv(fd, answer, sizeof(answer), 0) > 0, "TCP");
	close(fd);
	must(waitpid(server, &status, 0) == server && status == 0, "server");
	return 0;
}
