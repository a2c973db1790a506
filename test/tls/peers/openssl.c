#include "tls.h"
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static SSL_CTX *context;

static _Noreturn void stop(const char *what)
{
	fprintf(stderr, "peer %d: %s\n", getpid(), what);
	ERR_print_errors_fp(stderr);
	_exit(1);
}

static void need(bool holds, const char *what)
{
	if (!holds)
		stop(what);
}

static SSL_CTX *new_context(const char *folder, const char *version, bool server, bool mutual)
{
	SSL_CTX *made = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	int exact = strcmp(version, "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
	char ca[512], certificate[512], key[512];

	signal(SIGPIPE, SIG_IGN);
	snprintf(ca, sizeof(ca), "%s/ca.pem", folder);
	snprintf(certificate, sizeof(certificate), server ? "%s/cert.pem" : "%s/client.pem", folder);
	snprintf(key, sizeof(key), server ? "%s/key.pem" : "%s/client.key", folder);
	SSL_CTX_set_min_proto_version(made, exact);
	SSL_CTX_set_max_proto_version(made, exact);
	need(SSL_CTX_load_verify_locations(made, ca, NULL) == 1, ca);
	if (server || mutual) {
		need(SSL_CTX_use_certificate_chain_file(made, certificate) == 1, certificate);
		need(SSL_CTX_use_PrivateKey_file(made, key, SSL_FILETYPE_PEM) == 1, key);
	}
	if (!server || mutual)
		SSL_CTX_set_verify(made, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return made;
}

void library_prepare(const char *folder, const char *version, bool server, bool mutual)
{
	context = new_context(folder, version, server, mutual);
}

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *length, const unsigned char *in, unsigned in_length,
		       void *data)
{
	(void)ssl;
	(void)data;
	if (SSL_select_next_proto((unsigned char **)out, length, (const unsigned char *)"\x08http/1.1", 9, in, in_length) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_NOACK;
	return SSL_TLSEXT_ERR_OK;
}

static SSL *new_session(SSL_CTX *from, int fd)
{
	SSL *ssl = SSL_new(from);

	SSL_CTX_set_alpn_select_cb(from, choose_alpn, NULL);
	SSL_set_alpn_protos(ssl, (const unsigned char *)"\x08http/1.1", 9);
	SSL_set_tlsext_host_name(ssl, "localhost");
	if (fd >= 0)
		SSL_set_fd(ssl, fd);
	return ssl;
}

void library_start(struct tls *tls, bool server)
{
	SSL *ssl = new_session(context, tls->fd);

	need((server ? SSL_accept(ssl) : SSL_connect(ssl)) == 1, "handshake");
	tls->session = ssl;
}

/* SSL_read and SSL_read_ex in turn, with a look ahead now and then. */
size_t library_read(struct tls *tls, void *bytes, size_t length)
{
	static _Thread_local unsigned turn;
	size_t got = 0;
	int result;

	turn++;
	if (turn % 5 == 0)
		SSL_peek(tls->session, bytes, (int)(length < 900 ? length : 900));
	if (turn % 7 == 0)
		SSL_peek_ex(tls->session, bytes, length, &got);
	if (turn % 2 == 0)
		return SSL_read_ex(tls->session, bytes, length, &got) == 1 ? got : 0;
	result = SSL_read(tls->session, bytes, (int)length);
	return result > 0 ? (size_t)result : 0;
}

void library_write(struct tls *tls, const void *bytes, size_t length)
{
	static _Thread_local unsigned turn;
	size_t sent;

	if (turn++ % 2 == 0)
		need(SSL_write_ex(tls->session, bytes, length, &sent) == 1 && sent == length, "SSL_write_ex");
	else
		need(SSL_write(tls->session, bytes, (int)length) == (int)length, "SSL_write");
}

void library_stop(struct tls *tls)
{
	if (SSL_shutdown(tls->session) == 0)
		SSL_shutdown(tls->session);
	SSL_free(tls->session);
	close(tls->fd);
}

/* One exchange on a session that is ready; the client's side says it. */
static void exchange(struct tls *tls, const char *path, size_t size)
{
	struct tls_call call = {.method = "POST", .framing = "length"};
	char *body = malloc(size + 1);

	fill_random(body, size);
	snprintf(call.path, sizeof(call.path), "/%s", path);
	random_hex(call.id, 24);
	ask_tls(tls, &call, body, size);
	report_call("client", tls, &call);
	free(body);
}

/* Runs a server in a child: it serves connections one after the other until it is ended. */
static pid_t fork_server(SSL_CTX *with, unsigned *port, bool early)
{
	int listener = tcp_listen(port);
	pid_t child = fork();

	if (child != 0) {
		close(listener);
		return child;
	}
	for (;;) {
		struct tls *tls = calloc(1, sizeof(*tls));
		SSL *ssl;
		struct tls_call call;

		tls->fd = accept(listener, NULL, NULL);
		ssl = tls->session = new_session(with, tls->fd);
		if (early) {
			size_t got = 0;
			int result;

			/* What came early is kept as if it had been read. */
			while ((result = SSL_read_early_data(ssl, tls->buffer + tls->end, sizeof(tls->buffer) - tls->end, &got)) ==
			       SSL_READ_EARLY_DATA_SUCCESS)
				tls->end += got;
			need(result == SSL_READ_EARLY_DATA_FINISH, "early data");
		}
		need(SSL_accept(ssl) == 1, "accept");
		for (;;) {
			memset(&call, 0, sizeof(call));
			if (!serve_tls(tls, &call))
				break;
			report_call("server", tls, &call);
		}
		library_stop(tls);
		free(tls);
	}
}

static struct tls *open_session(SSL_CTX *with, unsigned port, SSL_SESSION *resumed)
{
	struct tls *tls = calloc(1, sizeof(*tls));

	tls->fd = tcp_connect(port);
	tls->session = new_session(with, tls->fd);
	if (resumed)
		SSL_set_session(tls->session, resumed);
	return tls;
}

static void connect_session(struct tls *tls)
{
	need(SSL_connect(tls->session) == 1, "connect");
}

static void end_server(pid_t server)
{
	kill(server, SIGTERM);
	waitpid(server, NULL, 0);
}

/* A session is taken up again, with TLS 1.2 or 1.3. */
static void run_resume(const char *folder, const char *version)
{
	unsigned port;
	SSL_CTX *client = new_context(folder, version, false, false), *with = new_context(folder, version, true, false);
	pid_t server;
	struct tls *tls;
	SSL_SESSION *session;

	SSL_CTX_set_session_id_context(with, (const unsigned char *)"peer", 4);
	server = fork_server(with, &port, false);
	tls = open_session(client, port, NULL);
	connect_session(tls);
	exchange(tls, "resume/first", 1000);
	session = SSL_get1_session(tls->session);
	library_stop(tls);
	tls = open_session(client, port, session);
	connect_session(tls);
	need(SSL_session_reused(tls->session) == 1, "the session was not resumed");
	exchange(tls, "resume/second", 40000);
	library_stop(tls);
	end_server(server);
}

/* The first request comes with the ClientHello. */
static void run_early(const char *folder)
{
	unsigned port;
	SSL_CTX *client = new_context(folder, "1.3", false, false), *with = new_context(folder, "1.3", true, false);
	struct tls_call call = {.method = "GET", .path = "/early/data"};
	char head[512];
	pid_t server;
	struct tls *tls;
	SSL_SESSION *session;
	size_t sent = 0;
	int length;

	SSL_CTX_set_max_early_data(with, 16384);
	server = fork_server(with, &port, true);
	tls = open_session(client, port, NULL);
	connect_session(tls);
	exchange(tls, "early/first", 10);
	session = SSL_get1_session(tls->session);
	library_stop(tls);
	tls = open_session(client, port, session);
	random_hex(call.id, 24);
	length = snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\nHost: localhost\r\nX-Trace-Id: %s\r\n\r\n", call.path, call.id);
	need(SSL_write_early_data(tls->session, head, (size_t)length, &sent) == 1 && sent == (size_t)length, "early");
	connect_session(tls);
	need(SSL_get_early_data_status(tls->session) == SSL_EARLY_DATA_ACCEPTED, "early data was not taken");
	sha256_hex("", 0, call.request_sha);
	read_answer(tls, &call);
	report_call("client", tls, &call);
	exchange(tls, "early/then", 20000);
	library_stop(tls);
	end_server(server);
}

/* The client wants new keys between two requests (TLS 1.2), or updates them (TLS 1.3). */
static void run_renegotiate(const char *folder, const char *version)
{
	unsigned port;
	SSL_CTX *client = new_context(folder, version, false, false), *with = new_context(folder, version, true, false);
	pid_t server;
	struct tls *tls;

	SSL_CTX_set_options(with, SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
	server = fork_server(with, &port, false);
	tls = open_session(client, port, NULL);
	connect_session(tls);
	exchange(tls, "renegotiate/before", 3000);
	if (strcmp(version, "1.2") == 0)
		need(SSL_renegotiate(tls->session) == 1, "renegotiate");
	else
		need(SSL_key_update(tls->session, SSL_KEY_UPDATE_REQUESTED) == 1, "key update");
	need(SSL_do_handshake(tls->session) == 1, "handshake");
	exchange(tls, "renegotiate/after", 50000);
	library_stop(tls);
	end_server(server);
}

/* The client says that nothing more comes, and still reads the answer. */
static void run_shutdown(const char *folder, const char *version)
{
	unsigned port;
	SSL_CTX *client = new_context(folder, version, false, false), *with = new_context(folder, version, true, false);
	pid_t server = fork_server(with, &port, false);
	struct tls_call call = {.method = "POST", .path = "/shutdown/half", .framing = "chunked"};
	struct tls *tls = open_session(client, port, NULL);

	connect_session(tls);
	random_hex(call.id, 24);
	send_request(tls, &call, "the last words", 14);
	need(SSL_shutdown(tls->session) == 0, "shutdown");
	read_answer(tls, &call);
	report_call("client", tls, &call);
	library_stop(tls);
	end_server(server);
}

#define ROUNDS 4

/* Both ends use one session for one connection after the other: after SSL_clear; the client's also made ready by its state alone. */
static void run_reuse(const char *folder, const char *version)
{
	unsigned port;
	SSL_CTX *client = new_context(folder, version, false, false), *with = new_context(folder, version, true, false);
	int listener = tcp_listen(&port);
	pid_t server = fork();
	struct tls *tls = calloc(1, sizeof(*tls));
	struct tls_call call;
	char path[16];

	tls->session = new_session(server == 0 ? with : client, -1);
	for (int round = 0; round < ROUNDS; round++) {
		tls->fd = server == 0 ? accept(listener, NULL, NULL) : tcp_connect(port);
		tls->begin = tls->end = 0;
		if (round > 0 && (server == 0 || round % 2 == 1))
			need(SSL_clear(tls->session) == 1, "clear");
		SSL_set_fd(tls->session, tls->fd);
		if (server == 0) {
			SSL_set_accept_state(tls->session);
			need(SSL_do_handshake(tls->session) == 1, "accept");
			memset(&call, 0, sizeof(call));
			while (serve_tls(tls, &call))
				report_call("server", tls, &call);
		} else {
			SSL_set_connect_state(tls->session);
			connect_session(tls);
			snprintf(path, sizeof(path), "reuse/%d", round);
			exchange(tls, path, 3000);
		}
		SSL_shutdown(tls->session);
		close(tls->fd);
	}
	if (server == 0)
		exit(0);
	waitpid(server, NULL, 0);
}

/* One connection carries one session after the other. */
static void run_successive(const char *folder, const char *version)
{
	unsigned port;
	SSL_CTX *client = new_context(folder, version, false, false), *with = new_context(folder, version, true, false);
	int listener = tcp_listen(&port), fd;
	pid_t server = fork();

	fd = server == 0 ? accept(listener, NULL, NULL) : tcp_connect(port);
	for (int round = 0; round < ROUNDS; round++) {
		struct tls *tls = calloc(1, sizeof(*tls));
		struct tls_call call = {};
		char path[16];

		tls->fd = fd;
		tls->session = new_session(server == 0 ? with : client, fd);
		if (server == 0) {
			need(SSL_accept(tls->session) == 1, "accept");
			while (serve_tls(tls, &call))
				report_call("server", tls, &call);
		} else {
			connect_session(tls);
			snprintf(path, sizeof(path), "successive/%d", round);
			exchange(tls, path, 3000);
		}
		if (SSL_shutdown(tls->session) == 0)
			need(SSL_shutdown(tls->session) == 1, "the other end's close_notify");
		SSL_free(tls->session);
		free(tls);
	}
	if (server == 0)
		exit(0);
	waitpid(server, NULL, 0);
}

/* Everything that a session has put into its memory BIO. */
static size_t take_out(SSL *ssl, char *bytes, size_t size)
{
	int got = BIO_read(SSL_get_wbio(ssl), bytes, (int)size);

	return got > 0 ? (size_t)got : 0;
}

static void send_all(int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t sent = write(fd, bytes, length);

		if (sent <= 0)
			fail("write");
		bytes += sent;
		length -= (size_t)sent;
	}
}

static void receive_some(SSL *ssl, int fd)
{
	char bytes[16384];
	ssize_t got = read(fd, bytes, sizeof(bytes));

	if (got <= 0)
		fail("read");
	BIO_write(SSL_get_rbio(ssl), bytes, (int)got);
}

#define PAIRS 8

/*
 * Sessions over memory: all requests are encrypted first, in order. Their ciphertext is sent in the opposite order,
 * and the answers are read in a third. To match sessions by time or by descriptor would mix them up.
 */
static void run_memory(const char *folder, const char *version)
{
	unsigned port;
	SSL_CTX *client = new_context(folder, version, false, false), *with = new_context(folder, version, true, false);
	struct tls *tls[PAIRS];
	struct tls_call call[PAIRS] = {};
	static char out[PAIRS][65536];
	size_t length[PAIRS];
	pid_t server[PAIRS];

	for (int i = 0; i < PAIRS; i++) {
		server[i] = fork_server(with, &port, false);
		tls[i] = calloc(1, sizeof(*tls[i]));
		tls[i]->fd = tcp_connect(port);
		tls[i]->session = new_session(client, -1);
		SSL_set_bio(tls[i]->session, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
		SSL_set_connect_state(tls[i]->session);
	}
	for (bool busy = true; busy;) {
		busy = false;
		for (int i = 0; i < PAIRS; i++) {
			if (!SSL_is_init_finished(tls[i]->session)) {
				SSL_do_handshake(tls[i]->session);
				busy = true;
			}
			length[i] = take_out(tls[i]->session, out[i], sizeof(out[i]));
		}
		for (int i = PAIRS - 1; i >= 0; i--)
			send_all(tls[i]->fd, out[i], length[i]);
		for (int i = 0; i < PAIRS; i++)
			if (!SSL_is_init_finished(tls[i]->session))
				receive_some(tls[i]->session, tls[i]->fd);
	}
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < PAIRS; i++) {
			struct tls_call blank = {.method = "GET"};
			char head[512];

			call[i] = blank;
			snprintf(call[i].path, sizeof(call[i].path), "/memory/%d/%d", i, round);
			random_hex(call[i].id, 24);
			SSL_write(tls[i]->session, head,
				  snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\nHost: localhost\r\nX-Trace-Id: %s\r\n\r\n", call[i].path,
					   call[i].id));
			sha256_hex("", 0, call[i].request_sha);
			length[i] = take_out(tls[i]->session, out[i], sizeof(out[i]));
		}
		for (int i = PAIRS - 1; i >= 0; i--)
			send_all(tls[i]->fd, out[i], length[i]);
		for (int k = 0; k < PAIRS; k++) {
			int i = (k * 3) % PAIRS, got;
			char *end;

			for (tls[i]->end = 0;;) {
				got = SSL_read(tls[i]->session, tls[i]->buffer + tls[i]->end, 4000);
				if (got > 0)
					tls[i]->end += (size_t)got;
				else
					receive_some(tls[i]->session, tls[i]->fd);
				tls[i]->buffer[tls[i]->end] = 0;
				end = strstr(tls[i]->buffer, "\r\n\r\n");
				if (end)
					break;
			}
			call[i].status = atoi(tls[i]->buffer + 9);
			snprintf(call[i].answer, sizeof(call[i].answer), "%.16s", strstr(tls[i]->buffer, "X-Answer: ") + 10);
			sha256_hex("", 0, call[i].response_sha);
			report_call("client", tls[i], &call[i]);
		}
	}
	for (int i = 0; i < PAIRS; i++) {
		/* It closes when it has said what it did. */
		shutdown(tls[i]->fd, SHUT_WR);
		while (read(tls[i]->fd, out[i], sizeof(out[i])) > 0)
			;
		end_server(server[i]);
	}
}

static struct tls *other;

static void on_handshake(const SSL *ssl, int where, int result)
{
	(void)ssl;
	(void)result;
	if (where & SSL_CB_HANDSHAKE_DONE && other) {
		struct tls *inner = other;

		other = NULL;
		exchange(inner, "nested/inner", 5000);
	}
}

/* Inside a call of the library for one connection a callback makes a whole exchange on another. */
static void run_nested(const char *folder, const char *version)
{
	unsigned port, port_inner;
	SSL_CTX *client = new_context(folder, version, false, false), *with = new_context(folder, version, true, false);
	pid_t server = fork_server(with, &port, false), server_inner = fork_server(with, &port_inner, false);
	struct tls *inner = open_session(client, port_inner, NULL), *outer;

	connect_session(inner);
	other = inner;
	SSL_CTX_set_info_callback(client, on_handshake);
	outer = open_session(client, port, NULL);
	connect_session(outer);
	need(other == NULL, "the callback was not called");
	exchange(outer, "nested/outer", 7000);
	exchange(inner, "nested/again", 300);
	library_stop(outer);
	library_stop(inner);
	end_server(server);
	end_server(server_inner);
}

/* For a debugger: a write that is deep in functions with names. */
__attribute__((noinline)) static void innermost_caller(struct tls *tls)
{
	exchange(tls, "stack/deep", 2000);
	__asm__ volatile("");
}

__attribute__((noinline)) static void middle_caller(struct tls *tls)
{
	innermost_caller(tls);
	__asm__ volatile("");
}

__attribute__((noinline)) static void outermost_caller(struct tls *tls)
{
	middle_caller(tls);
	__asm__ volatile("");
}

static void run_stack(const char *folder, const char *version)
{
	unsigned port;
	SSL_CTX *client = new_context(folder, version, false, false), *with = new_context(folder, version, true, false);
	pid_t server = fork_server(with, &port, false);
	struct tls *tls = open_session(client, port, NULL);

	printf("pid %d\n", getpid());
	fflush(stdout);
	wait_line();
	connect_session(tls);
	for (int i = 0; i < 5; i++)
		outermost_caller(tls);
	library_stop(tls);
	end_server(server);
}

bool library_program(const char *name, char **arguments)
{
	static const struct {
		const char *name;
		void (*run)(const char *folder, const char *version);
	} programs[] = {
		{"resume", run_resume},   {"renegotiate", run_renegotiate}, {"shutdown", run_shutdown},
		{"memory", run_memory},   {"nested", run_nested},           {"stack", run_stack},
		{"reuse", run_reuse},     {"successive", run_successive},
	};

	if (strcmp(name, "early") == 0) {
		run_early(arguments[0]);
		return true;
	}
	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++) {
		if (strcmp(name, programs[i].name) == 0) {
			programs[i].run(arguments[0], arguments[1]);
			return true;
		}
	}
	return false;
}
