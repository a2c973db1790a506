#include "peer.h"
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

_Noreturn void fail(const char *what)
{
	fprintf(stderr, "peer %d: %s: %s\n", getpid(), what, strerror(errno));
	_exit(1);
}

double now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_BOOTTIME, &time);
	return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

void fill_random(void *bytes, size_t length)
{
	uint64_t state;
	uint8_t *to = bytes;

	if (getrandom(&state, sizeof(state), 0) != sizeof(state))
		fail("getrandom");
	for (size_t i = 0; i < length; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		to[i] = (uint8_t)(state >> 32);
	}
}

void random_hex(char *text, size_t digits)
{
	uint8_t bytes[32];

	if (digits > sizeof(bytes) || getrandom(bytes, digits, 0) != (ssize_t)digits)
		fail("getrandom");
	for (size_t i = 0; i < digits; i++)
		text[i] = "0123456789abcdef"[bytes[i] & 15];
	text[digits] = 0;
}

/* One write a line, so that lines of several processes do not mix. */
void say_line(const char *format, ...)
{
	char line[2048];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(line, sizeof(line) - 1, format, arguments);
	va_end(arguments);
	line[length++] = '\n';
	if (write(STDOUT_FILENO, line, (size_t)length) != length)
		fail("standard output");
}

void wait_line(void)
{
	char byte;

	while (read(STDIN_FILENO, &byte, 1) == 1)
		if (byte == '\n')
			return;
	fail("standard input has ended");
}

pid_t fork_bound(void)
{
	pid_t child = fork();

	if (child < 0)
		fail("fork");
	if (child == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return child;
}

int outer_pid(void)
{
	char text[32];
	ssize_t length = readlink("/proc/self", text, sizeof(text) - 1);

	if (length <= 0)
		fail("/proc/self");
	text[length] = 0;
	return atoi(text);
}
