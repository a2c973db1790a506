#include "tls.h"
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/error.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct session {
	mbedtls_ssl_context ssl;
	mbedtls_net_context net;
};

static mbedtls_ssl_config config;
static mbedtls_entropy_context entropy;
static mbedtls_ctr_drbg_context random_numbers;
static mbedtls_x509_crt authority, certificate;
static mbedtls_pk_context key;
static pthread_mutex_t random_lock = PTHREAD_MUTEX_INITIALIZER;

static void check(int result, const char *what)
{
	char text[128];

	if (result >= 0)
		return;
	mbedtls_strerror(result, text, sizeof(text));
	fprintf(stderr, "peer: %s: %s\n", what, text);
	_exit(1);
}

static int locked_random(void *data, unsigned char *bytes, size_t length)
{
	int result;

	pthread_mutex_lock(&random_lock);
	result = mbedtls_ctr_drbg_random(data, bytes, length);
	pthread_mutex_unlock(&random_lock);
	return result;
}

/* Debian's 2.28 has no TLS 1.3. */
void library_prepare(const char *folder, const char *version, bool server, bool mutual)
{
	static const char *protocols[] = {"http/1.1", NULL};
	char path[512];

	(void)version;
	mbedtls_entropy_init(&entropy);
	mbedtls_ctr_drbg_init(&random_numbers);
	check(mbedtls_ctr_drbg_seed(&random_numbers, mbedtls_entropy_func, &entropy, NULL, 0), "seed");
	mbedtls_ssl_config_init(&config);
	check(mbedtls_ssl_config_defaults(&config, server ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
					  MBEDTLS_SSL_PRESET_DEFAULT), "defaults");
	mbedtls_ssl_conf_rng(&config, locked_random, &random_numbers);
	check(mbedtls_ssl_conf_alpn_protocols(&config, protocols), "alpn");
	mbedtls_x509_crt_init(&authority);
	snprintf(path, sizeof(path), "%s/ca.pem", folder);
	check(mbedtls_x509_crt_parse_file(&authority, path), path);
	mbedtls_ssl_conf_ca_chain(&config, &authority, NULL);
	mbedtls_ssl_conf_authmode(&config, !server || mutual ? MBEDTLS_SSL_VERIFY_REQUIRED : MBEDTLS_SSL_VERIFY_NONE);
	if (!server && !mutual)
		return;
	mbedtls_x509_crt_init(&certificate);
	mbedtls_pk_init(&key);
	snprintf(path, sizeof(path), "%s/%s.pem", folder, server ? "cert" : "client");
	check(mbedtls_x509_crt_parse_file(&certificate, path), path);
	snprintf(path, sizeof(path), "%s/%s", folder, server ? "key.pem" : "client.key");
	check(mbedtls_pk_parse_keyfile(&key, path, NULL), path);
	check(mbedtls_ssl_conf_own_cert(&config, &certificate, &key), "certificate");
}

void library_start(struct tls *tls, bool server)
{
	struct session *session = calloc(1, sizeof(*session));

	mbedtls_ssl_init(&session->ssl);
	check(mbedtls_ssl_setup(&session->ssl, &config), "setup");
	if (!server)
		check(mbedtls_ssl_set_hostname(&session->ssl, "localhost"), "name");
	session->net.fd = tls->fd;
	mbedtls_ssl_set_bio(&session->ssl, &session->net, mbedtls_net_send, mbedtls_net_recv, NULL);
	/* The beginning step by step, as event loops do. */
	for (int i = 0; i < 2; i++)
		check(mbedtls_ssl_handshake_step(&session->ssl), "step");
	check(mbedtls_ssl_handshake(&session->ssl), "handshake");
	mbedtls_ssl_get_alpn_protocol(&session->ssl);
	tls->session = session;
}

size_t library_read(struct tls *tls, void *bytes, size_t length)
{
	struct session *session = tls->session;
	int got = mbedtls_ssl_read(&session->ssl, bytes, length);

	if (got == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY || got == MBEDTLS_ERR_NET_CONN_RESET)
		return 0;
	check(got, "read");
	return (size_t)got;
}

void library_write(struct tls *tls, const void *bytes, size_t length)
{
	struct session *session = tls->session;

	while (length > 0) {
		int sent = mbedtls_ssl_write(&session->ssl, bytes, length);

		check(sent, "write");
		bytes = (const char *)bytes + sent;
		length -= (size_t)sent;
	}
}

void library_stop(struct tls *tls)
{
	struct session *session = tls->session;

	mbedtls_ssl_close_notify(&session->ssl);
	mbedtls_ssl_free(&session->ssl);
	close(tls->fd);
	free(session);
}

bool library_program(const char *name, char **arguments)
{
	(void)name;
	(void)arguments;
	return false;
}
