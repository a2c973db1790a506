/* Client and server in the shapes that the options ask for. */
#include "peer.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct options *options; /* of this process */
static struct sockaddr_storage address;
static socklen_t address_length;
static int listener = -1;
static int gate[2] = {-1, -1};

static bool pauses(const char *where)
{
	return strcmp(options->pause, where) == 0;
}

static void pause_at(const char *where)
{
	if (!pauses(where))
		return;
	say_line("{\"at\":\"%s\"}", where);
	wait_line();
}

static void open_gate(void)
{
	if (write(gate[1], "", 1) != 1)
		fail("gate");
}

static void at_half(void)
{
	pause_at("half");
	open_gate();
}

static void *open_when_signalled(void *unused)
{
	(void)unused;
	pause_at("blocked");
	open_gate();
	return 0;
}

/* ── Server ── */

static void *serve_requests(void *argument)
{
	int fd = (int)(intptr_t)argument;
	bool first = true;

	for (;;) {
		struct how how = options->server_how;
		struct exchange exchange;

		if (!serve(fd, options, &how, &exchange, first ? gate[0] : -1))
			break;
		first = false;
		say("server", fd, &how, &exchange);
	}
	return 0;
}

/* `waiters`: this many threads wait in recv at once; the one that gets a request answers it. */
static void *serve_connection(void *argument)
{
	pthread_t threads[MAX_THREADS];

	if (!options->waiters)
		serve_requests(argument);
	for (unsigned i = 0; i < options->waiters; i++)
		if (pthread_create(&threads[i], 0, serve_requests, argument))
			fail("thread");
	for (unsigned i = 0; i < options->waiters; i++)
		pthread_join(threads[i], 0);
	close((int)(intptr_t)argument);
	return 0;
}

static void *serve_all(void *unused)
{
	unsigned total = options->connections * options->threads;
	pthread_t threads[MAX_THREADS];

	(void)unused;
	for (unsigned i = 0; i < total; i++) {
		int fd = accept_from(listener, options);

		if (options->threads == 1)
			serve_connection((void *)(intptr_t)fd);
		else if (pthread_create(&threads[i % MAX_THREADS], 0, serve_connection, (void *)(intptr_t)fd))
			fail("thread");
	}
	for (unsigned i = 0; options->threads > 1 && i < total && i < MAX_THREADS; i++)
		pthread_join(threads[i], 0);
	return 0;
}

/* ── Client ── */

struct turn {
	int fd;
	struct how *how;
	struct exchange *exchange;
	const char *id;
	void (*half)(void);
	bool asks, hears;
};

static void *take_turn(void *argument)
{
	struct turn *turn = argument;

	if (turn->asks)
		ask(turn->fd, options, turn->how, turn->exchange, turn->id);
	if (turn->hears)
		hear(turn->fd, options, turn->how, turn->exchange, turn->half);
	return 0;
}

static void elsewhere(struct turn *turn)
{
	pthread_t thread;

	if (pthread_create(&thread, 0, take_turn, turn))
		fail("thread");
	pthread_join(thread, 0);
}

static void talk(int fd, unsigned connection)
{
	pthread_t opener;

	for (unsigned i = 0; i < options->exchanges; i++) {
		unsigned number = connection * options->exchanges + i;
		struct how how = options->client_how;
		struct exchange exchange;
		char id[64];
		struct turn turn = {fd, &how, &exchange, id, i == 0 && pauses("half") ? at_half : 0, true, true};

		if (number)
			snprintf(id, sizeof(id), "%s-%u", options->id, number);
		else
			snprintf(id, sizeof(id), "%s", options->id);
		if (options->fastopen == 2 && i == 0) {
			how.connect = &address;
			how.connect_length = address_length;
		}
		if (i == 0 && pauses("blocked") && pthread_create(&opener, 0, open_when_signalled, 0))
			fail("thread");
		if (options->reader) {
			turn.hears = false;
			take_turn(&turn);
			turn.asks = false;
			turn.hears = true;
			elsewhere(&turn);
		} else if (options->turns && i % 2) {
			elsewhere(&turn);
		} else {
			take_turn(&turn);
		}
		if (i == 0 && pauses("blocked"))
			pthread_join(opener, 0);
		say("client", fd, &how, &exchange);
		if (i == 0)
			pause_at("answered");
	}
	close(fd);
}

static void send_descriptor(int through, int fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {};
	struct iovec byte = {"", 1};
	struct msghdr message = {.msg_iov = &byte, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};

	control.header = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	if (sendmsg(through, &message, 0) != 1)
		fail("SCM_RIGHTS");
}

static int receive_descriptor(int through)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {};
	char byte;
	struct iovec one = {&byte, 1};
	struct msghdr message = {.msg_iov = &one, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	int fd;

	if (recvmsg(through, &message, 0) != 1)
		fail("SCM_RIGHTS");
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}

static void wait_for_child(pid_t child, bool may_die)
{
	int status;

	if (waitpid(child, &status, 0) != child)
		fail("wait");
	if (status && !may_die)
		fail("a child failed");
}

/* Connects, and passes the descriptor to the child (SCM_RIGHTS). */
static void hand_over(int ends[2], pid_t child, unsigned connection)
{
	int fd;

	(void)connection;
	fd = connect_to(options, &address, address_length);
	send_descriptor(ends[0], fd);
	close(fd);
	wait_for_child(child, false);
}

static void resume_in_exec(int fd)
{
	char id[80], descriptor[32], scenario[80];
	char *arguments[] = {"peer", "resume", id, descriptor, scenario, 0};

	snprintf(id, sizeof(id), "id=%s", options->id);
	snprintf(descriptor, sizeof(descriptor), "fd=%d", fd);
	snprintf(scenario, sizeof(scenario), "scenario=%s", options->scenario);
	fcntl(fd, F_SETFD, 0);
	execv("/proc/self/exe", arguments);
	fail("exec");
}

static void connect_and_talk(unsigned connection)
{
	int ends[2];
	pid_t child;

	pause_at("idle");
	if (strcmp(options->client, "scm") == 0) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
			fail("socketpair");
		child = fork();
		if (child == 0) {
			talk(receive_descriptor(ends[1]), connection);
			_exit(0);
		}
		hand_over(ends, child, connection);
		return;
	}
	int fd = connect_to(options, &address, address_length);

	pause_at("connected");
	if (strcmp(options->client, "inherit") == 0) {
		child = fork();
		if (child == 0) {
			talk(fd, connection);
			_exit(0);
		}
		close(fd);
		wait_for_child(child, false);
	} else if (strcmp(options->client, "exec") == 0) {
		child = fork();
		if (child == 0)
			resume_in_exec(fd);
		close(fd);
		wait_for_child(child, false);
	} else {
		talk(fd, connection);
	}
}

static void *client_thread(void *argument)
{
	unsigned thread = (unsigned)(uintptr_t)argument;

	for (unsigned i = 0; i < options->connections; i++)
		connect_and_talk(thread * options->connections + i);
	return 0;
}

static void run_clients(void)
{
	pthread_t threads[MAX_THREADS];

	if (options->threads == 1) {
		client_thread(0);
		return;
	}
	for (unsigned i = 0; i < options->threads && i < MAX_THREADS; i++)
		if (pthread_create(&threads[i], 0, client_thread, (void *)(uintptr_t)i))
			fail("thread");
	for (unsigned i = 0; i < options->threads && i < MAX_THREADS; i++)
		pthread_join(threads[i], 0);
}

int run_exchange(const struct options *given)
{
	pthread_t thread;
	pid_t child = 0;

	options = given;
	signal(SIGPIPE, SIG_IGN);
	if ((pauses("half") || pauses("blocked")) && pipe(gate))
		fail("pipe");
	if (strcmp(options->role, "client") == 0) {
		address_length = address_of(options, options->port, &address);
		run_clients();
		return 0;
	}
	listener = listen_at(options, &address, &address_length);
	if (strcmp(options->role, "server") == 0) {
		say_line("{\"port\":%u}", ntohs(((struct sockaddr_in *)&address)->sin_port));
		serve_all(0);
		return 0;
	}
	if (strcmp(options->server, "fork") == 0) {
		child = fork_bound();
		if (child == 0) {
			serve_all(0);
			_exit(0);
		}
		close(listener);
	} else if (pthread_create(&thread, 0, serve_all, 0)) {
		fail("thread");
	}
	run_clients();
	if (child)
		wait_for_child(child, options->die);
	else
		pthread_join(thread, 0);
	return 0;
}

/* ── One connection, many threads ── */

struct asked {
	struct exchange exchange;
	bool sent;
};

static struct asked *all_asked;
static pthread_barrier_t together;

/* Each sends whole requests independently: one call for each request. */
static void *ask_all(void *argument)
{
	unsigned thread = (unsigned)(uintptr_t)argument;
	int fd = options->fd;

	pthread_barrier_wait(&together);
	for (unsigned i = 0; i < options->exchanges; i++) {
		unsigned number = thread * options->exchanges + i;
		struct how how = options->client_how;
		char id[64];

		snprintf(id, sizeof(id), "%s-%u", options->id, number);
		ask(fd, options, &how, &all_asked[number].exchange, id);
	}
	return 0;
}

/* The answers come in the order in which the requests were sent, which no thread knows: each names its request. */
static void hear_all(int fd)
{
	unsigned total = options->threads * options->exchanges;

	for (unsigned i = 0; i < total; i++) {
		struct how how = options->client_how;
		struct exchange heard = {.fd = fd}, *asked;
		unsigned number;

		hear(fd, options, &how, &heard, 0);
		number = (unsigned)strtoul(heard.asked + strlen(options->id) + 1, 0, 10);
		if (strncmp(heard.asked, options->id, strlen(options->id)) != 0 || number >= total) {
			errno = EPROTO;
			fail("an answer to nobody");
		}
		asked = &all_asked[number].exchange;
		memcpy(asked->answer, heard.answer, sizeof(asked->answer));
		memcpy(asked->response_sha, heard.response_sha, sizeof(asked->response_sha));
		asked->status = heard.status;
		asked->response_size = heard.response_size;
		asked->response_wire = heard.response_wire;
		asked->whole = heard.whole;
		asked->ms += now_ms();
		say("client", fd, &how, asked);
	}
}

int run_shared(const struct options *given)
{
	pthread_t threads[MAX_THREADS];
	struct options own = *given;
	pid_t child;

	options = &own;
	signal(SIGPIPE, SIG_IGN);
	listener = listen_at(options, &address, &address_length);
	child = fork_bound();
	if (child == 0) {
		serve_connection((void *)(intptr_t)accept_from(listener, options));
		_exit(0);
	}
	close(listener);
	all_asked = calloc(own.threads * own.exchanges, sizeof(*all_asked));
	if (!all_asked || pthread_barrier_init(&together, 0, own.threads))
		fail("threads");
	own.fd = connect_to(options, &address, address_length);
	for (unsigned i = 0; i < own.threads; i++)
		if (pthread_create(&threads[i], 0, ask_all, (void *)(uintptr_t)i))
			fail("thread");
	hear_all(own.fd);
	for (unsigned i = 0; i < own.threads; i++)
		pthread_join(threads[i], 0);
	close(own.fd);
	wait_for_child(child, false);
	return 0;
}

int run_resumed(const struct options *given)
{
	options = given;
	talk(options->fd, 0);
	return 0;
}

/* Two connections with the same pair of ports and different server addresses. */
int run_equal_ports(const struct options *given)
{
	struct options first = *given, second = *given;
	struct exchange exchanges[2];
	struct how hows[2];
	char id[64];
	int fds[2];
	pid_t child;
	struct sockaddr_storage other;
	socklen_t other_length;

	options = given;
	first.path = "127.0.0.1";
	second.path = "127.0.0.2";
	listener = listen_at(&first, &address, &address_length);
	second.port = ntohs(((struct sockaddr_in *)&address)->sin_port);
	int second_listener = listen_at(&second, &other, &other_length);

	child = fork_bound();
	if (child == 0) {
		int a = accept_from(listener, given), b = accept_from(second_listener, given);

		serve_connection((void *)(intptr_t)a);
		serve_connection((void *)(intptr_t)b);
		_exit(0);
	}
	fds[0] = connect_to(&first, &address, address_length);
	struct sockaddr_in own;
	socklen_t own_length = sizeof(own);

	if (getsockname(fds[0], (struct sockaddr *)&own, &own_length))
		fail("getsockname");
	second.client_port = ntohs(own.sin_port);
	fds[1] = connect_to(&second, &other, other_length);
	snprintf(id, sizeof(id), "%s-1", given->id);
	for (int i = 0; i < 2; i++) {
		hows[i] = given->client_how;
		ask(fds[i], given, &hows[i], &exchanges[i], i ? id : given->id);
	}
	/* The server serves the first connection until the client closes it, then the second. */
	hear(fds[0], given, &hows[0], &exchanges[0], 0);
	say("client", fds[0], &hows[0], &exchanges[0]);
	close(fds[0]);
	hear(fds[1], given, &hows[1], &exchanges[1], 0);
	say("client", fds[1], &hows[1], &exchanges[1]);
	close(fds[1]);
	wait_for_child(child, false);
	return 0;
}

int run_refused(const struct options *given)
{
	/* Bound and not listening: no other process can take the port. The address is used by nothing else in the trace. */
	struct sockaddr_in nobody = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f00004d)};
	socklen_t length = sizeof(nobody);
	int holder = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)given;
	if (bind(holder, (struct sockaddr *)&nobody, length) || getsockname(holder, (struct sockaddr *)&nobody, &length))
		fail("bind");
	if (connect(fd, (struct sockaddr *)&nobody, length) == 0 || errno != ECONNREFUSED)
		fail("not refused");
	close(fd);
	close(holder);
	say_line("{\"remote\":\"127.0.0.77:%u\"}", ntohs(nobody.sin_port));
	return 0;
}
