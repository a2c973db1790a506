/* Calls from many lines of C: by the C library, by OpenSSL, by libcurl. Arguments: ports of HTTP, HTTPS and HTTP/2. */
#define _GNU_SOURCE
#include "lines.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <sys/wait.h>

/* libcurl's headers are not needed for this. */
void *curl_easy_init(void);
int curl_easy_setopt(void *, int, ...);
int curl_easy_perform(void *);
void curl_easy_cleanup(void *);
#define CURLOPT_URL 10002
#define CURLOPT_SSL_VERIFYPEER 64
#define CURLOPT_SSL_VERIFYHOST 81
#define CURLOPT_NOBODY 44
#define CURLOPT_HTTP_VERSION 84

#define LENGTH(kind) request(text, kind, __LINE__)

static __attribute__((noinline)) void plain(int descriptor)
{
	char text[300];

	send(descriptor, text, LENGTH("send"), 0);
	answer(descriptor);
	write(descriptor, text, LENGTH("write"));
	answer(descriptor);
}

static inline __attribute__((always_inline)) void inlined(int descriptor)
{
	char text[300];

	write(descriptor, text, LENGTH("inlined"));
	answer(descriptor);
}

static __attribute__((noinline)) void vectors(int descriptor)
{
	char text[300];
	struct iovec parts[2] = {{text, 3}, {text + 3, 0}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

	parts[1].iov_len = LENGTH("writev") - 3; writev(descriptor, parts, 2);
	answer(descriptor);
	parts[1].iov_len = LENGTH("sendmsg") - 3; sendmsg(descriptor, &message, 0);
	answer(descriptor);
}

static __attribute__((noinline)) void buffered(int descriptor)
{
	FILE *file = fdopen(dup(descriptor), "w");
	char text[300];

	fwrite(text, 1, request(text, "fflush", __LINE__ + 1), file);
	fflush(file);
	answer(descriptor);
	fclose(file);
}

static void *thread(void *port)
{
	int descriptor = connect_to(*(int *)port);
	char text[300];

	send(descriptor, text, LENGTH("thread"), 0);
	answer(descriptor);
	close(descriptor);
	return NULL;
}

/* In a stack frame that is larger than what is copied of a stack. */
static __attribute__((noinline)) void large(int descriptor, int depth)
{
	volatile char filled[20000];
	char text[300];

	memset((char *)filled, depth, sizeof(filled));
	send(descriptor, text, LENGTH("large"), 0);
	answer(descriptor);
}

static __attribute__((noinline)) void by_openssl(int port)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL *session = SSL_new(context);
	char text[4096];

	SSL_set_fd(session, connect_to(port));
	if (SSL_connect(session) != 1)
		exit(5);
	for (int round = 0; round < 2; round++) {
		SSL_write(session, text, LENGTH("openssl"));
		SSL_read(session, text, sizeof(text));
		SSL_write(session, text, LENGTH("openssl"));
		SSL_read(session, text, sizeof(text));
	}
	SSL_free(session);
	SSL_CTX_free(context);
}

static char url[200];

static int aim(void *curl, const char *scheme, int port, const char *kind, int line)
{
	calls++;
	sprintf(url, "%s://localhost:%d/%s/%d", scheme, port, kind, line);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	return 0;
}

#define PERFORM(scheme, port, kind) (aim(curl, scheme, port, kind, __LINE__), curl_easy_perform(curl))

static __attribute__((noinline)) int by_curl_deeper(void *curl, int http, int https)
{
	int failed = PERFORM("http", http, "curl");

	failed |= PERFORM("http", http, "curl");
	return failed | PERFORM("https", https, "curls");
}

static __attribute__((noinline)) void by_curl(int http, int https, int http2)
{
	void *curl = curl_easy_init();

	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
	if (by_curl_deeper(curl, http, https))
		exit(6);
	if (PERFORM("https", https, "curls"))
		exit(6);
	if (PERFORM("https", http2, "curl2"))
		exit(6);
	if (PERFORM("https", http2, "curl2"))
		exit(6);
	curl_easy_cleanup(curl);
}

static __attribute__((noinline)) void by_child(int port)
{
	pid_t child = fork();

	if (child == 0) {
		int descriptor = connect_to(port);
		char text[300];

		send(descriptor, text, LENGTH("child"), 0);
		answer(descriptor);
		_exit(0);
	}
	calls++;
	waitpid(child, NULL, 0);
}

int main(int argc, char **argv)
{
	int http = atoi(argv[1]), https = atoi(argv[2]), http2 = atoi(argv[3]);
	int descriptor;
	pthread_t other;

	if (argc > 4) { /* it is attached now */
		puts("ready");
		fflush(stdout);
		getchar();
	}
	descriptor = connect_to(http);
	plain(descriptor);
	inlined(descriptor);
	vectors(descriptor);
	buffered(descriptor);
	large(descriptor, argc);
	pthread_create(&other, NULL, thread, &http);
	pthread_join(other, NULL);
	by_openssl(https);
	by_curl(http, https, http2);
	by_child(http);
	close(descriptor);
	printf("%d\n", calls);
	usleep(REST_US);
	return 0;
}
