/* OpenSSL as a BIO, as BIO_new_ssl_connect and BIO_new_ssl make it: `bio client PORT PATH`, `bio server CERTIFICATES`. */
#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int client(const char *port, const char *path)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	BIO *bio = BIO_new_ssl_connect(context);
	char place[64], bytes[4096];
	int count, total = 0;

	snprintf(place, sizeof(place), "127.0.0.1:%s", port);
	BIO_set_conn_hostname(bio, place);
	if (BIO_do_connect(bio) <= 0)
		return 2;
	BIO_printf(bio, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
	while ((count = BIO_read(bio, bytes, sizeof(bytes))) > 0)
		total += count;
	BIO_free_all(bio);
	SSL_CTX_free(context);
	return total > 0 ? 0 : 3;
}

/* One request; the answer goes through a buffer, as s_server's does. */
static int server(const char *certificates)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int listening = socket(AF_INET, SOCK_STREAM, 0);
	BIO *buffer = BIO_new(BIO_f_buffer()), *secure;
	char path[512], line[512];

	snprintf(path, sizeof(path), "%s/cert.pem", certificates);
	SSL_CTX_use_certificate_chain_file(context, path);
	snprintf(path, sizeof(path), "%s/key.pem", certificates);
	SSL_CTX_use_PrivateKey_file(context, path, SSL_FILETYPE_PEM);
	bind(listening, (struct sockaddr *)&address, size);
	listen(listening, 1);
	getsockname(listening, (struct sockaddr *)&address, &size);
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	secure = BIO_new_ssl(context, 0);
	BIO_push(secure, BIO_new_socket(accept(listening, NULL, NULL), BIO_CLOSE));
	BIO_push(buffer, secure);
	while (BIO_gets(buffer, line, sizeof(line)) > 2)
		;
	BIO_puts(buffer, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
	(void)BIO_flush(buffer);
	BIO_ssl_shutdown(secure);
	BIO_free_all(buffer);
	return 0;
}

int main(int count, char **words)
{
	if (count == 4 && strcmp(words[1], "client") == 0)
		return client(words[2], words[3]);
	return count == 3 ? server(words[2]) : 1;
}
