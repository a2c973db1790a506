/* What the peers in C ask of a TLS library, and the HTTP that they speak over it. */
#ifndef TLS_H
#define TLS_H

#include "../../matrix/peers/peer.h"

struct tls {
	void *session;
	int fd;
	size_t begin, end; /* of what was read and not yet used */
	char buffer[20000];
};

/* openssl.c, gnutls.c: they end the process when something fails. */
void library_prepare(const char *folder, const char *version, bool server, bool mutual);
void library_start(struct tls *tls, bool server);
/* Bytes read, 0 at the end. */
size_t library_read(struct tls *tls, void *bytes, size_t length);
void library_write(struct tls *tls, const void *bytes, size_t length);
void library_stop(struct tls *tls);
/* Programs of its own; false when it has none of that name. */
bool library_program(const char *name, char **arguments);

/* http1.c */
struct tls_call {
	char method[8], path[160], id[64], answer[20], request_sha[65], response_sha[65];
	char framing[12]; /* of the body that this end sends */
	int status;
	size_t request_size, response_size;
};

/* Sends a request with this body (NULL = none) and reads the answer. */
void ask_tls(struct tls *tls, struct tls_call *call, const void *body, size_t size);
void send_request(struct tls *tls, struct tls_call *call, const void *body, size_t size);
void read_answer(struct tls *tls, struct tls_call *call);
/* Answers one request; false at the end. */
bool serve_tls(struct tls *tls, struct tls_call *call);
void report_call(const char *side, struct tls *tls, const struct tls_call *call);
int tcp_listen(unsigned *port);
int tcp_connect(unsigned port);
void *read_file(const char *path, size_t *size);

#endif
