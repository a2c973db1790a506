#include "tls.h"
#include <nspr.h>
#include <nss.h>
#include <pk11pub.h>
#include <private/pprio.h>
#include <ssl.h>
#include <sslproto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static SSLVersionRange versions;
static CERTCertificate *certificate;
static SECKEYPrivateKey *key;
static bool mutual_too;

static void check(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "peer: %s: %s\n", what, PR_ErrorToName(PR_GetError()));
	_exit(1);
}

void library_prepare(const char *folder, const char *version, bool server, bool mutual)
{
	const char *name = server ? "cert" : "client";
	char database[512];

	snprintf(database, sizeof(database), "sql:%s/nss", folder);
	check(NSS_Init(database) == SECSuccess, database);
	versions.min = versions.max = strcmp(version, "1.2") == 0 ? SSL_LIBRARY_VERSION_TLS_1_2 : SSL_LIBRARY_VERSION_TLS_1_3;
	mutual_too = mutual;
	if (server)
		SSL_ConfigServerSessionIDCache(0, 0, 0, NULL);
	if (!server && !mutual)
		return;
	certificate = PK11_FindCertFromNickname(name, NULL);
	check(certificate, name);
	key = PK11_FindKeyByAnyCert(certificate, NULL);
	check(key, "key");
}

static SECStatus give_certificate(void *data, PRFileDesc *fd, CERTDistNames *names, CERTCertificate **chosen, SECKEYPrivateKey **its_key)
{
	(void)data, (void)fd, (void)names;
	*chosen = CERT_DupCertificate(certificate);
	*its_key = SECKEY_CopyPrivateKey(key);
	return SECSuccess;
}

/* A layer of the program's own above that of NSS, as Firefox has one: it hands everything on. */
static void add_layer(PRFileDesc *session)
{
	static PRDescIdentity identity = PR_INVALID_IO_LAYER;

	if (identity == PR_INVALID_IO_LAYER)
		identity = PR_GetUniqueIdentity("peer");
	check(PR_PushIOLayer(session, PR_TOP_IO_LAYER, PR_CreateIOLayerStub(identity, PR_GetDefaultIOMethods())) == PR_SUCCESS, "layer");
}

static void set_blocking(PRFileDesc *session)
{
	PRSocketOptionData blocking = {.option = PR_SockOpt_Nonblocking, .value.non_blocking = PR_FALSE};

	PR_SetSocketOption(session, &blocking);
}

void library_start(struct tls *tls, bool server)
{
	PRFileDesc *session = SSL_ImportFD(NULL, PR_ImportTCPSocket(tls->fd));
	unsigned char name[32];
	unsigned int length;
	SSLNextProtoState state;

	check(session, "SSL_ImportFD");
	set_blocking(session);
	check(SSL_VersionRangeSet(session, &versions) == SECSuccess, "version");
	check(SSL_SetNextProtoNego(session, (const unsigned char *)"\x08http/1.1", 9) == SECSuccess, "alpn");
	if (server) {
		SSL_OptionSet(session, SSL_HANDSHAKE_AS_SERVER, PR_TRUE);
		SSL_OptionSet(session, SSL_HANDSHAKE_AS_CLIENT, PR_FALSE);
		check(SSL_ConfigServerCert(session, certificate, key, NULL, 0) == SECSuccess, "certificate");
	} else {
		check(SSL_SetURL(session, "localhost") == SECSuccess, "name");
		if (mutual_too)
			SSL_GetClientAuthDataHook(session, give_certificate, NULL);
	}
	check(SSL_ResetHandshake(session, server) == SECSuccess, "reset");
	add_layer(session);
	check(SSL_ForceHandshake(session) == SECSuccess, "handshake");
	SSL_GetNextProto(session, &state, name, &length, sizeof(name));
	tls->session = session;
}

/* PR_Read and PR_Recv in turn, with a look ahead now and then. */
size_t library_read(struct tls *tls, void *bytes, size_t length)
{
	static _Thread_local unsigned turn;
	int got;

	if (++turn % 5 == 0)
		PR_Recv(tls->session, bytes, length < 900 ? (int)length : 900, PR_MSG_PEEK, PR_INTERVAL_NO_TIMEOUT);
	got = turn % 2 == 0 ? PR_Read(tls->session, bytes, (int)length) :
			      PR_Recv(tls->session, bytes, (int)length, 0, PR_INTERVAL_NO_TIMEOUT);
	return got > 0 ? (size_t)got : 0;
}

/* Every way that there is, one after the other. */
void library_write(struct tls *tls, const void *bytes, size_t length)
{
	static _Thread_local unsigned turn;
	PRIOVec parts[2];
	int sent;

	switch (turn++ % 3) {
	case 0:
		sent = PR_Write(tls->session, bytes, (int)length);
		break;
	case 1:
		sent = PR_Send(tls->session, bytes, (int)length, 0, PR_INTERVAL_NO_TIMEOUT);
		break;
	default:
		memset(parts, 0xff, sizeof(parts)); /* what is between the fields may be anything */
		parts[0].iov_base = (char *)bytes;
		parts[0].iov_len = (int)length / 3;
		parts[1].iov_base = (char *)bytes + length / 3;
		parts[1].iov_len = (int)(length - length / 3);
		sent = PR_Writev(tls->session, parts, 2, PR_INTERVAL_NO_TIMEOUT);
	}
	check(sent == (int)length, "write");
}

void library_stop(struct tls *tls)
{
	PR_Shutdown(tls->session, PR_SHUTDOWN_SEND);
	PR_Close(tls->session);
}

/*
 * both FOLDER VERSION PORT PLAIN-PORT: the requests of its input in turn with TLS and without, by the same functions. A
 * descriptor that is closed is given out again, so the same address has TLS at one time and none at another.
 */
static void ask_both(char **arguments)
{
	char line[1024];

	library_prepare(arguments[0], arguments[1], false, false);
	for (unsigned number = 0; fgets(line, sizeof(line), stdin); number++) {
		struct tls *tls = calloc(1, sizeof(*tls));
		struct tls_call call = {};

		if (sscanf(line, "%7s %159s %63s %11s", call.method, call.path, call.id, call.framing) != 4)
			fail("a line");
		tls->fd = tcp_connect((unsigned)atoi(arguments[number % 2 == 0 ? 2 : 3]));
		if (number % 2 == 0) {
			library_start(tls, false);
		} else {
			tls->session = PR_ImportTCPSocket(tls->fd);
			set_blocking(tls->session);
		}
		ask_tls(tls, &call, NULL, 0);
		PR_Close(tls->session);
		free(tls);
	}
}

bool library_program(const char *name, char **arguments)
{
	if (strcmp(name, "both"))
		return false;
	ask_both(arguments);
	return true;
}
