/*
 * Client and server at once, one step after the other, so that each run stops
 * at the same places in the same order. With the argument `wait` it begins
 * when a line comes on its standard input.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char request[CALLS][128], head[CALLS][128], body[CALLS][64];

static void prepare(int call)
{
	snprintf(request[call], sizeof(request[call]), "GET /call-%d HTTP/1.1\r\nHost: talker\r\n\r\n", call);
	snprintf(body[call], sizeof(body[call]), "the body of call %d\n", call);
	snprintf(head[call], sizeof(head[call]), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", strlen(body[call]));
}

static int receive_all(int socket, size_t length)
{
	char buffer[256];
	size_t got = 0;

	while (got < length) {
		ssize_t more = recv(socket, buffer + got, length - got, MSG_WAITALL);

		if (more <= 0)
			return -1;
		got += (size_t)more;
	}
	return 0;
}

static int send_all(int socket, const char *text)
{
	return send(socket, text, strlen(text), 0) == (ssize_t)strlen(text) ? 0 : -1;
}

__attribute__((noinline)) void middle_of_response(int call)
{
	__asm__ volatile("" : : "r"(call) : "memory");
}

static int call_once(int client, int server, int call)
{
	if (send_all(client, request[call]) || receive_all(server, strlen(request[call])))
		return -1;
	if (send_all(server, head[call]) || receive_all(client, strlen(head[call])))
		return -1;
	middle_of_response(call);
	return send_all(server, body[call]) || receive_all(client, strlen(body[call]));
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	char line[16];
	int listener, client, server;

	alarm(LIMIT_SECONDS); /* nothing that a test starts runs forever */
	for (int call = 0; call < CALLS; call++)
		prepare(call);
	if (argc > 1 && !strcmp(argv[1], "wait") && !fgets(line, sizeof(line), stdin))
		return 2;
	listener = socket(AF_INET, SOCK_STREAM, 0);
	client = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&address, length) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&address, &length) ||
	    connect(client, (struct sockaddr *)&address, length))
		return 3;
	server = accept(listener, NULL, NULL);
	for (int call = 0; call < CALLS; call++) {
		if (call_once(client, server, call))
			return 4;
	}
	close(server);
	close(client);
	return 0;
}
