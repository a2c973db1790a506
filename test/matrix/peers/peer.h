/*
 * Small programs that talk HTTP by a chosen system call and report, in one
 * JSON line for each exchange and side, what they sent and received. One
 * process is client and server, in the shape that its options select.
 */
#ifndef PEER_H
#define PEER_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#define MAX_SEGMENTS 64
#define MAX_HEAD 4096
#define MAX_THREADS 128

/* sha256.c: FIPS 180-4; 64 hexadecimal digits and a NUL. */
void sha256_hex(const void *bytes, size_t length, char *hex);

/* calls.c: the ways to move bytes through a socket. */
enum call {
	CALL_READ_WRITE,
	CALL_READV_WRITEV,
	CALL_SEND_RECV,
	CALL_SENDTO_RECVFROM,
	CALL_SENDMSG_RECVMSG,
	CALL_SENDMMSG_RECVMMSG,
	CALL_SENDFILE, /* out only, the body; the head by send */
	CALL_SPLICE,   /* the body; the head by send or recv */
	CALL_URING,
};

/* How one end moves its bytes, and the results. */
struct how {
	enum call out, in;
	unsigned segments;
	size_t chunk; /* bytes of one call at most, 0 = all at once */
	bool peek, trunc, waitall, zerocopy;
	const char *file; /* beginning of the names of the files from which bodies are sent; NULL = they have none */
	const struct sockaddr_storage *connect; /* the first send connects there (MSG_FASTOPEN); NULL = connected */
	socklen_t connect_length;
	unsigned again, shorts, calls; /* results EAGAIN, calls that moved less than requested, calls that moved bytes */
};

/* Sends all of it, with as many calls as needed; ends the process on failure. */
void put_all(int fd, const void *bytes, size_t length, struct how *how);
/* What one call brings; 0 at the end of the stream, -1 when the connection was reset. */
ssize_t get_some(int fd, void *bytes, size_t length, struct how *how);
/* A body by the call of choice: sendfile and splice never have it in user memory. */
void put_body(int fd, const void *bytes, size_t length, struct how *how);
/* Up to `length` bytes of a body that are due. */
ssize_t get_body(int fd, void *bytes, size_t length, struct how *how);

/* options.c */
struct options {
	const char *id, *scenario, *net, *path, *role, *client, *server, *pause, *accept, *progress;
	struct how client_how, server_how;
	size_t request_body, response_body;
	size_t exact;                  /* bytes of each whole message, 0 = whatever they are */
	unsigned exchanges;            /* on each connection */
	unsigned connections;          /* one after the other */
	unsigned threads;              /* each with connections of its own */
	unsigned waiters;              /* threads of the server that receive on each connection at once; 0 = one */
	unsigned delay_ms;             /* the server waits before it answers */
	unsigned port, client_port;    /* 0 = any */
	unsigned send_buffer;
	unsigned seed;
	unsigned fastopen; /* 1 = TCP_FASTOPEN_CONNECT, 2 = MSG_FASTOPEN */
	int fd;
	bool nonblock, reader, turns, die;
};
struct options read_options(char **arguments);
enum call read_call(const char *name);

/* http.c */
struct exchange {
	char id[64], asked[64] /* as the answer says */, path[128], answer[40], request_sha[65], response_sha[65];
	int status; /* 0 = no response */
	size_t request_size, response_size;
	size_t request_wire, response_wire; /* head and body, as far as moved */
	bool whole; /* the response came to its end and was read */
	double ms;
	int fd;
};
/* The two halves of the client's side; `half` may be NULL, else is called when half of the body was read. */
void ask(int fd, const struct options *options, struct how *how, struct exchange *exchange, const char *id);
void hear(int fd, const struct options *options, struct how *how, struct exchange *exchange, void (*half)(void));
/* The server's side; false at the end of the connection. `gate` >= 0: waits there in the middle of the body. */
bool serve(int fd, const struct options *options, struct how *how, struct exchange *exchange, int gate);
void say(const char *side, int fd, const struct how *how, const struct exchange *exchange);

/* network.c */
socklen_t address_of(const struct options *options, unsigned port, struct sockaddr_storage *address);
int listen_at(const struct options *options, struct sockaddr_storage *address, socklen_t *length);
int connect_to(const struct options *options, const struct sockaddr_storage *address, socklen_t length);
int accept_from(int listener, const struct options *options);
void name_ends(int fd, char *local, char *remote, size_t size);

/* The programs. */
int run_exchange(const struct options *options);
int run_resumed(const struct options *options);
int run_shared(const struct options *options);
int run_equal_ports(const struct options *options);
int run_refused(const struct options *options);
int run_names(const struct options *options);
int run_quiet(const struct options *options);
int run_other(const struct options *options);
int run_burst(const struct options *options);
int run_crowd(const struct options *options);
int run_spawn(const char *way, char **arguments);

/* util.c */
_Noreturn void fail(const char *what);
/*
 * fork(2) of a child that ends with the calling thread: a server without its
 * client would wait forever, and hold the pipes of its starter.
 */
pid_t fork_bound(void);
double now_ms(void);
void fill_random(void *bytes, size_t length);
void random_hex(char *text, size_t digits);
void say_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A line of standard input has come. */
void wait_line(void);
/* The process id as seen from outside, also in a pid namespace. */
int outer_pid(void);

#endif
