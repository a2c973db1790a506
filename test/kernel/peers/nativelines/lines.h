/* Shared by the programs: requests whose path contains the number of the line that sends them. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* A busy machine takes a while to read which files a process has in memory: until then it must not end. */
#define REST_US 500000

static int calls;

static int request(char *text, const char *kind, int line)
{
	calls++;
	return sprintf(text, "GET /%s/%d HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", kind, line);
}

static int connect_to(int port)
{
	struct sockaddr_in address = {};
	int descriptor = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_family = AF_INET;
	address.sin_port = htons(port);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(descriptor, (struct sockaddr *)&address, sizeof(address)))
		exit(3);
	return descriptor;
}

/* Up to the end of the response's head; it has no content. */
static void answer(int descriptor)
{
	char text[4096];
	int length = 0;

	while (length < 4 || memcmp(text + length - 4, "\r\n\r\n", 4)) {
		int count = read(descriptor, text + length, sizeof(text) - length);

		if (count <= 0)
			exit(4);
		length += count;
	}
}
