#include "tls.h"
#include <errno.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static gnutls_certificate_credentials_t credentials;
static const char *priority;
static bool mutual_too;

static void check(int result, const char *what)
{
	if (result >= 0)
		return;
	fprintf(stderr, "peer: %s: %s\n", what, gnutls_strerror(result));
	_exit(1);
}

void library_prepare(const char *folder, const char *version, bool server, bool mutual)
{
	char ca[512], certificate[512], key[512];

	snprintf(ca, sizeof(ca), "%s/ca.pem", folder);
	snprintf(certificate, sizeof(certificate), "%s/%s.pem", folder, server ? "cert" : "client");
	snprintf(key, sizeof(key), "%s/%s.key", folder, server ? "key.pem" : "client");
	if (server)
		snprintf(key, sizeof(key), "%s/key.pem", folder);
	priority = strcmp(version, "1.2") == 0 ? "NORMAL:-VERS-ALL:+VERS-TLS1.2" : "NORMAL:-VERS-ALL:+VERS-TLS1.3";
	mutual_too = mutual;
	check(gnutls_certificate_allocate_credentials(&credentials), "credentials");
	check(gnutls_certificate_set_x509_trust_file(credentials, ca, GNUTLS_X509_FMT_PEM), ca);
	if (server || mutual)
		check(gnutls_certificate_set_x509_key_file(credentials, certificate, key, GNUTLS_X509_FMT_PEM), key);
}

void library_start(struct tls *tls, bool server)
{
	const gnutls_datum_t protocol = {.data = (unsigned char *)"http/1.1", .size = 8};
	gnutls_session_t session;
	int result;

	check(gnutls_init(&session, server ? GNUTLS_SERVER : GNUTLS_CLIENT), "init");
	check(gnutls_priority_set_direct(session, priority, NULL), "priority");
	check(gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials), "credentials");
	check(gnutls_alpn_set_protocols(session, &protocol, 1, 0), "alpn");
	if (!server) {
		check(gnutls_server_name_set(session, GNUTLS_NAME_DNS, "localhost", 9), "name");
		gnutls_session_set_verify_cert(session, "localhost", 0);
	} else if (mutual_too) {
		gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
	}
	gnutls_transport_set_int(session, tls->fd);
	do
		result = gnutls_handshake(session);
	while (result < 0 && !gnutls_error_is_fatal(result));
	check(result, "handshake");
	tls->session = session;
}

size_t library_read(struct tls *tls, void *bytes, size_t length)
{
	ssize_t got;

	do
		got = gnutls_record_recv(tls->session, bytes, length);
	while (got == GNUTLS_E_AGAIN || got == GNUTLS_E_INTERRUPTED);
	if (got == GNUTLS_E_PREMATURE_TERMINATION)
		return 0;
	check((int)got, "recv");
	return (size_t)got;
}

/* Each way of sending in turn. */
void library_write(struct tls *tls, const void *bytes, size_t length)
{
	static _Thread_local unsigned turn;

	while (length > 0) {
		ssize_t sent;

		switch (turn++ % 3) {
		case 0:
			sent = gnutls_record_send(tls->session, bytes, length);
			break;
		case 1:
			sent = gnutls_record_send2(tls->session, bytes, length, 0, 0);
			break;
		default:
			gnutls_record_cork(tls->session);
			sent = gnutls_record_send(tls->session, bytes, length);
			check(gnutls_record_uncork(tls->session, GNUTLS_RECORD_WAIT), "uncork");
		}
		check((int)sent, "send");
		bytes = (const char *)bytes + sent;
		length -= (size_t)sent;
	}
}

void library_stop(struct tls *tls)
{
	gnutls_bye(tls->session, GNUTLS_SHUT_WR);
	gnutls_deinit(tls->session);
	close(tls->fd);
}

bool library_program(const char *name, char **arguments)
{
	(void)name;
	(void)arguments;
	return false;
}
