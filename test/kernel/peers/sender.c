/*
 * Sends a request for each line of its input, "WAY PORT PATH", and prints the status line of the response. Each way is
 * a different function of the C library or of OpenSSL.
 */
#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static char answer[4096];

static void send_plain(const char *way, int sock, char *text, size_t length)
{
	struct iovec parts[2] = {{text, length - 2}, {text + length - 2, 2}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

	if (!strcmp(way, "write"))
		(void)!write(sock, text, length);
	else if (!strcmp(way, "send"))
		send(sock, text, length, 0);
	else if (!strcmp(way, "sendto"))
		sendto(sock, text, length, 0, NULL, 0);
	else if (!strcmp(way, "writev"))
		(void)!writev(sock, parts, 2);
	else if (!strcmp(way, "sendmsg"))
		sendmsg(sock, &message, 0);
}

static void send_encrypted(const char *way, int sock, const char *text, size_t length)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(context);
	size_t written;

	SSL_set_fd(ssl, sock);
	if (SSL_connect(ssl) != 1)
		exit(3);
	if (!strcmp(way, "SSL_write"))
		SSL_write(ssl, text, (int)length);
	else
		SSL_write_ex(ssl, text, length, &written);
	if (SSL_read(ssl, answer, sizeof(answer) - 1) <= 0)
		exit(4);
	SSL_free(ssl);
	SSL_CTX_free(context);
}

static void call_once(const char *way, int port, const char *path)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((unsigned short)port)};
	int sock = socket(AF_INET, SOCK_STREAM, 0);
	char text[1024];
	size_t length = (size_t)snprintf(text, sizeof(text), "POST %s HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", path);

	if (connect(sock, (struct sockaddr *)&address, sizeof(address)))
		exit(2);
	memset(answer, 0, sizeof(answer));
	if (!strncmp(way, "SSL", 3)) {
		send_encrypted(way, sock, text, length);
	} else {
		send_plain(way, sock, text, length);
		if (read(sock, answer, sizeof(answer) - 1) <= 0)
			exit(4);
	}
	close(sock);
	printf("%.12s\n", answer);
	fflush(stdout);
}

int main(void)
{
	char line[256], way[32], path[128];
	int port;

	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		if (sscanf(line, "%31s %d %127s", way, &port, path) == 3)
			call_once(way, port, path);
	return 0;
}
