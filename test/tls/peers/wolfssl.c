#include "tls.h"
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static WOLFSSL_CTX *context;

static void check(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "peer: %s\n", what);
	_exit(1);
}

void library_prepare(const char *folder, const char *version, bool server, bool mutual)
{
	bool older = strcmp(version, "1.2") == 0;
	char path[512];

	wolfSSL_Init();
	if (server)
		context = wolfSSL_CTX_new(older ? wolfTLSv1_2_server_method() : wolfTLSv1_3_server_method());
	else
		context = wolfSSL_CTX_new(older ? wolfTLSv1_2_client_method() : wolfTLSv1_3_client_method());
	snprintf(path, sizeof(path), "%s/ca.pem", folder);
	check(wolfSSL_CTX_load_verify_locations(context, path, NULL) == WOLFSSL_SUCCESS, path);
	wolfSSL_CTX_set_verify(context, !server || mutual ? WOLFSSL_VERIFY_PEER | WOLFSSL_VERIFY_FAIL_IF_NO_PEER_CERT : WOLFSSL_VERIFY_NONE,
			       NULL);
	if (!server && !mutual)
		return;
	snprintf(path, sizeof(path), "%s/%s.pem", folder, server ? "cert" : "client");
	check(wolfSSL_CTX_use_certificate_chain_file(context, path) == WOLFSSL_SUCCESS, path);
	snprintf(path, sizeof(path), "%s/%s", folder, server ? "key.pem" : "client.key");
	check(wolfSSL_CTX_use_PrivateKey_file(context, path, WOLFSSL_FILETYPE_PEM) == WOLFSSL_SUCCESS, path);
}

void library_start(struct tls *tls, bool server)
{
	WOLFSSL *ssl = wolfSSL_new(context);
	char protocol[] = "http/1.1", *name;
	unsigned short length;

	check(ssl, "new");
	check(wolfSSL_UseALPN(ssl, protocol, sizeof(protocol) - 1, WOLFSSL_ALPN_CONTINUE_ON_MISMATCH) == WOLFSSL_SUCCESS, "alpn");
	if (!server) {
		check(wolfSSL_UseSNI(ssl, WOLFSSL_SNI_HOST_NAME, "localhost", 9) == WOLFSSL_SUCCESS, "name");
		check(wolfSSL_check_domain_name(ssl, "localhost") == WOLFSSL_SUCCESS, "name to check");
	}
	check(wolfSSL_set_fd(ssl, tls->fd) == WOLFSSL_SUCCESS, "descriptor");
	check((server ? wolfSSL_accept(ssl) : wolfSSL_connect(ssl)) == WOLFSSL_SUCCESS, "handshake");
	wolfSSL_ALPN_GetProtocol(ssl, &name, &length);
	tls->session = ssl;
}

/* wolfSSL_read and wolfSSL_recv in turn, with a look ahead now and then. */
size_t library_read(struct tls *tls, void *bytes, size_t length)
{
	static _Thread_local unsigned turn;
	int got;

	if (++turn % 5 == 0)
		wolfSSL_peek(tls->session, bytes, length < 900 ? (int)length : 900);
	got = turn % 2 == 0 ? wolfSSL_read(tls->session, bytes, (int)length) : wolfSSL_recv(tls->session, bytes, (int)length, 0);
	return got > 0 ? (size_t)got : 0;
}

/* Every way that there is, one after the other. */
void library_write(struct tls *tls, const void *bytes, size_t length)
{
	static _Thread_local unsigned turn;
	struct iovec parts[2] = {{(void *)bytes, length / 3}, {(char *)bytes + length / 3, length - length / 3}};
	int sent;

	switch (turn++ % 3) {
	case 0:
		sent = wolfSSL_write(tls->session, bytes, (int)length);
		break;
	case 1:
		sent = wolfSSL_send(tls->session, bytes, (int)length, 0);
		break;
	default:
		sent = wolfSSL_writev(tls->session, parts, 2);
	}
	check(sent == (int)length, "write");
}

void library_stop(struct tls *tls)
{
	wolfSSL_shutdown(tls->session);
	wolfSSL_free(tls->session);
	close(tls->fd);
}

bool library_program(const char *name, char **arguments)
{
	(void)name;
	(void)arguments;
	return false;
}
