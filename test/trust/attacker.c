// SPDX-License-Identifier: MIT
/*
 * A program that a hostile user runs instead of the helper (--node takes any program), or beside it. Its first
 * argument holds its steps, separated by semicolons; each prints its result on standard error:
 *   close             becomes non-dumpable
 *   traced main|thread  has one of its threads traced by another process
 *   untraced          ends that other process
 *   take              asks the broker for the helper's descriptors
 *   map PATH r|x      maps a file, and names it in the requests that follow
 *   file PATH         names another file
 *   of PID            names that process in the requests that follow, not this one
 *   attach SYMBOL KIND OFFSET
 *   pause, resume     asks the broker to detach or attach the trace's own programs
 *   odd               requests of odd lengths, verbs and numbers
 *   outlive           stops until it is continued, sends a request and ends; a child of its own waits for the answer
 *   programs          tries to get a program from each descriptor that it holds
 *   target PID        writes a process into the map of targets
 *   race FIFO         the same for every process that FIFO names
 *   wait MS
 *   sees TEXT         looks for bytes in the ring of what was captured
 *   reach PID         tries to inspect another process of the same user
 *   hold              waits to be killed
 */
#define _GNU_SOURCE
#include "../../bpf/trace_http.h"
#include "../../helper/loader/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define BROKER 4

static struct broker_request request;
static pid_t named;
static int mapped = -1; /* what goes with the requests as the file */

static const char *name_of(long result)
{
	return result >= 0 ? "done" : strerrorname_np(errno);
}

/* Length of the answer; -1 when the broker is gone. */
static ssize_t ask(size_t size, struct broker_answer *answer, int *descriptors)
{
	char control[CMSG_SPACE(sizeof(int) * BROKER_DESCRIPTORS_MAX)] = {0};
	struct iovec part = {&request, size};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(2 * sizeof(int))};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	const int given[BROKER_GIVEN] = {(int)syscall(SYS_pidfd_open, named, 0), mapped};
	ssize_t length;

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(given));
	memcpy(CMSG_DATA(header), given, sizeof(given));
	if (given[0] < 0 || given[1] < 0)
		message.msg_controllen = 0;
	if (sendmsg(BROKER, &message, MSG_NOSIGNAL) < 0)
		return -1;
	close(given[0]);
	part = (struct iovec){answer, sizeof(*answer)};
	message.msg_control = control;
	message.msg_controllen = sizeof(control);
	memset(answer, 0, sizeof(*answer));
	length = recvmsg(BROKER, &message, 0);
	header = length > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	if (header && descriptors)
		memcpy(descriptors, CMSG_DATA(header), header->cmsg_len - CMSG_LEN(0));
	return length > 0 ? length : -1;
}

/* As helper/facts.ts has them. */
static int taken[BROKER_DESCRIPTORS_MAX];
#define DATA_RING taken[0]
#define TARGETS taken[2]

static void take(void)
{
	struct broker_answer answer;

	memset(&request, 0, sizeof(request));
	request.verb = BROKER_HAND_OVER;
	if (ask(BROKER_REQUEST_SIZE(0), &answer, taken) < 0)
		fprintf(stderr, "take: gone\n");
	else
		fprintf(stderr, "take: %s %u\n", answer.error ? strerrorname_np(answer.error) : "done", answer.descriptors);
}

/* What was taken: as long as its links are open, fentry programs cannot be attached again. */
static void drop(void)
{
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		if (taken[i] > 0)
			close(taken[i]);
		taken[i] = -1;
	}
}

static pid_t tracer;

static int sleep_on(void *argument)
{
	(void)argument;
	while (pause() < 0)
		;
	return 0;
}

/* A second thread that never ends, and a process that traces it or the first one. */
static void have_traced(const char *which)
{
	static char stack[16384] __attribute__((aligned(16)));
	const int shared = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
	static int second;
	int ready[2];
	char result = 0;

	if (!second)
		second = clone(sleep_on, stack + sizeof(stack), shared, NULL);
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	if (pipe(ready))
		return;
	tracer = fork();
	if (tracer == 0) {
		result = ptrace(PTRACE_SEIZE, strcmp(which, "main") == 0 ? getppid() : second, 0, 0) == 0;
		if (write(ready[1], &result, 1) == 1)
			pause();
		_exit(0);
	}
	if (second < 0 || read(ready[0], &result, 1) != 1 || !result)
		fprintf(stderr, "traced: no\n");
	close(ready[0]);
	close(ready[1]);
}

static void end_tracer(void)
{
	kill(tracer, SIGKILL);
	waitpid(tracer, NULL, 0);
}

static uint64_t start, end;

static void map(const char *path, bool executable)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;

	if (file < 0 || fstat(file, &status)) {
		fprintf(stderr, "map: %s\n", name_of(-1));
		return;
	}
	start = (uintptr_t)mmap(NULL, (size_t)status.st_size, PROT_READ | (executable ? PROT_EXEC : 0), MAP_PRIVATE, file, 0);
	end = (start + (uint64_t)status.st_size + 4095) & ~4095ull;
	mapped = file;
}

static void prepare(const char *symbol, unsigned int kind, unsigned long long offset, unsigned int count)
{
	memset(&request, 0, sizeof(request));
	request.verb = BROKER_ATTACH;
	request.start = start;
	request.end = end;
	request.file = 1;
	request.library = 1;
	request.count = count;
	for (unsigned int i = 0; i < count; i++) {
		request.probes[i].offset = offset;
		request.probes[i].kind = kind;
		strncpy(request.probes[i].symbol, symbol, BROKER_SYMBOL_SIZE - 1);
	}
}

/* The same place more than once in one request. */
static void attach_twice(const char *symbol, unsigned long long offset)
{
	struct broker_answer answer;

	prepare(symbol, BROKER_ENTRY, offset, 2);
	if (ask(BROKER_REQUEST_SIZE(2), &answer, NULL) < 0)
		fprintf(stderr, "twice: gone\n");
	else
		fprintf(stderr, "twice: %s %s\n", answer.error ? strerrorname_np(answer.error) : "done", answer.reason);
}

/* Attaches and detaches so often, or until it is refused. */
static void attach_again(const char *symbol, unsigned long long offset, unsigned int times)
{
	int descriptors[BROKER_DESCRIPTORS_MAX];
	struct broker_answer answer;
	unsigned int done = 0;

	for (; done < times; done++) {
		prepare(symbol, BROKER_ENTRY, offset, 1);
		if (ask(BROKER_REQUEST_SIZE(1), &answer, descriptors) < 0 || answer.error)
			break;
		for (uint32_t i = 0; i < answer.descriptors; i++)
			close(descriptors[i]);
		memset(&request, 0, BROKER_REQUEST_SIZE(0));
		request.verb = BROKER_DETACH;
		request.set = answer.set;
		if (ask(BROKER_REQUEST_SIZE(0), &answer, NULL) < 0)
			break;
	}
	fprintf(stderr, "again: %u %s\n", done, answer.reason);
}

static void attach(const char *symbol, unsigned int kind, unsigned long long offset)
{
	int descriptors[BROKER_DESCRIPTORS_MAX];
	struct broker_answer answer;

	prepare(symbol, kind, offset, 1);
	if (ask(BROKER_REQUEST_SIZE(1), &answer, descriptors) < 0)
		fprintf(stderr, "attach: gone\n");
	else
		fprintf(stderr, "attach: %s %s\n", answer.error ? strerrorname_np(answer.error) : "done", answer.reason);
}

/* As often as the answer says that something is left, at most `most` times. */
static void ask_for(const char *name, uint32_t verb, unsigned int most)
{
	struct broker_answer answer;
	int asked;

	memset(&request, 0, BROKER_REQUEST_SIZE(0));
	request.verb = verb;
	do {
		asked = ask(BROKER_REQUEST_SIZE(0), &answer, NULL);
	} while (asked >= 0 && !answer.error && answer.left > 0 && --most > 0);
	if (asked < 0)
		fprintf(stderr, "%s: gone\n", name);
	else if (answer.left > 0)
		fprintf(stderr, "%s: some are left\n", name);
	else
		fprintf(stderr, "%s: %s %s\n", name, answer.error ? strerrorname_np(answer.error) : "done", answer.reason);
}

static void send_odd(void)
{
	const size_t sizes[] = {0, 1, 4, BROKER_REQUEST_SIZE(0) - 1, BROKER_REQUEST_SIZE(1) - 1, sizeof(request)};
	const uint32_t numbers[] = {0, 1, 2, 3, 4, 255, 256, 257, 0x7fffffff, 0xffffffff};
	unsigned int refused = 0, other = 0;
	struct broker_answer answer;

	for (size_t size = 1; size < sizeof(sizes) / sizeof(*sizes); size++) {
		for (size_t verb = 0; verb < sizeof(numbers) / sizeof(*numbers); verb++) {
			for (size_t number = 0; number < sizeof(numbers) / sizeof(*numbers); number++) {
				memset(&request, 0xa5, sizeof(request));
				request.verb = numbers[verb];
				request.count = numbers[number];
				request.set = numbers[number];
				request.start = 0;
				if (request.verb == BROKER_HAND_OVER)
					continue; /* "take" does that */
				if (ask(sizes[size], &answer, NULL) == sizeof(answer) && answer.error != 0)
					refused++;
				else
					other++;
			}
		}
	}
	fprintf(stderr, "odd: %u refused, %u not\n", refused, other);
}

static void outlive(void)
{
	struct broker_answer answer;
	int waiting;

	fprintf(stderr, "outlive: %d\n", (int)getpid());
	raise(SIGSTOP);
	memset(&request, 0, BROKER_REQUEST_SIZE(0));
	request.verb = BROKER_DETACH;
	request.set = ~0u;
	if (send(BROKER, &request, BROKER_REQUEST_SIZE(0), MSG_NOSIGNAL) < 0)
		fprintf(stderr, "outlive: %s\n", name_of(-1));
	waiting = fork();
	if (waiting == 0)
		fprintf(stderr, "outlive: %s\n", recv(BROKER, &answer, sizeof(answer), 0) > 0 ? "answered" : "gone");
	else
		usleep(300000); /* so that the broker has seen the request alone */
	_exit(0);
}

static long bpf(int command, const union bpf_attr *attributes)
{
	return syscall(SYS_bpf, command, attributes, sizeof(*attributes));
}

static void add_target(pid_t pid)
{
	struct target target = {0};
	union bpf_attr attributes;
	uint32_t key = (uint32_t)pid;

	memset(&attributes, 0, sizeof(attributes));
	attributes.map_fd = (uint32_t)TARGETS;
	attributes.key = (uintptr_t)&key;
	attributes.value = (uintptr_t)&target;
	if (bpf(BPF_MAP_UPDATE_ELEM, &attributes))
		fprintf(stderr, "target: %s\n", name_of(-1));
}

static void race(const char *path)
{
	FILE *names = fopen(path, "re");
	unsigned int count = 0;
	int pid;

	while (names && fscanf(names, "%d", &pid) == 1) {
		add_target(pid);
		count++;
	}
	fprintf(stderr, "race: %u\n", count);
}

static void look_for(const char *text)
{
	struct bpf_map_info info = {0};
	union bpf_attr attributes;
	unsigned char *ring;

	memset(&attributes, 0, sizeof(attributes));
	attributes.info.bpf_fd = (uint32_t)DATA_RING;
	attributes.info.info_len = sizeof(info);
	attributes.info.info = (uintptr_t)&info;
	if (bpf(BPF_OBJ_GET_INFO_BY_FD, &attributes)) {
		fprintf(stderr, "sees: %s\n", name_of(-1));
		return;
	}
	ring = mmap(NULL, 4096 + info.max_entries, PROT_READ, MAP_SHARED, DATA_RING, 4096);
	if (ring == MAP_FAILED)
		fprintf(stderr, "sees: %s\n", name_of(-1));
	else
		fprintf(stderr, "sees: %s\n", memmem(ring + 4096, info.max_entries, text, strlen(text)) ? "yes" : "no");
}

/* By the link, by its number, and by what its information says. */
static void look_for_programs(void)
{
	unsigned int links = 0, programs = 0, gained = 0;
	char last[32] = "none";

	for (int descriptor = 0; descriptor < 256; descriptor++) {
		struct bpf_link_info info = {0};
		union bpf_attr attributes;
		char path[64], text[2048];
		ssize_t length;
		int file;

		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", descriptor);
		file = open(path, O_RDONLY | O_CLOEXEC);
		length = file < 0 ? -1 : read(file, text, sizeof(text) - 1);
		close(file);
		if (length < 0)
			continue;
		text[length] = 0;
		programs += strstr(text, "prog_jited") != NULL;
		if (!strstr(text, "link_type"))
			continue;
		links++;
		memset(&attributes, 0, sizeof(attributes));
		attributes.info.bpf_fd = (uint32_t)descriptor;
		attributes.info.info_len = sizeof(info);
		attributes.info.info = (uintptr_t)&info;
		if (bpf(BPF_OBJ_GET_INFO_BY_FD, &attributes))
			continue;
		memset(&attributes, 0, sizeof(attributes));
		attributes.prog_id = info.prog_id;
		gained += bpf(BPF_PROG_GET_FD_BY_ID, &attributes) >= 0;
		snprintf(last, sizeof(last), "%s", strerrorname_np(errno));
		memset(&attributes, 0, sizeof(attributes));
		attributes.link_id = info.id;
		gained += bpf(BPF_LINK_GET_FD_BY_ID, &attributes) >= 0;
		memset(&attributes, 0, sizeof(attributes));
		attributes.link_update.link_fd = (uint32_t)descriptor;
		attributes.link_update.new_prog_fd = (uint32_t)descriptor;
		gained += bpf(BPF_LINK_UPDATE, &attributes) >= 0;
	}
	fprintf(stderr, "programs: %u held, %u gained of %u links (%s)\n", programs, gained, links, last);
}

static void reach(pid_t pid)
{
	char path[64], bytes[16];
	struct iovec local = {bytes, sizeof(bytes)}, remote = {(void *)0x400000, sizeof(bytes)};
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	long result;

	result = syscall(SYS_pidfd_getfd, pidfd, 3, 0);
	fprintf(stderr, "pidfd_getfd: %s\n", name_of(result));
	result = ptrace(PTRACE_SEIZE, pid, 0, 0);
	fprintf(stderr, "ptrace: %s\n", name_of(result));
	result = process_vm_readv(pid, &local, 1, &remote, 1, 0);
	fprintf(stderr, "process_vm_readv: %s\n", name_of(result));
	for (const char *const *name = (const char *const[]){"mem", "maps", "fd/3", "environ", "exe", NULL}; *name; name++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, *name);
		result = open(path, O_RDONLY | O_NONBLOCK);
		fprintf(stderr, "%s: %s\n", *name, name_of(result));
	}
}

int main(int argc, char **argv)
{
	char *steps = argc > 1 ? argv[1] + (argv[1][0] == '/') : "", *step;

	named = getpid();
	setvbuf(stderr, NULL, _IONBF, 0);
	while ((step = strsep(&steps, ";"))) {
		char word[16] = "", text[512] = "", rest[64] = "";
		unsigned long long offset = 0;

		sscanf(step, "%15s %511s %63s %lli", word, text, rest, (long long *)&offset);
		if (strcmp(word, "close") == 0)
			prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
		else if (strcmp(word, "traced") == 0)
			have_traced(text);
		else if (strcmp(word, "untraced") == 0)
			end_tracer();
		else if (strcmp(word, "take") == 0)
			take();
		else if (strcmp(word, "drop") == 0)
			drop();
		else if (strcmp(word, "map") == 0)
			map(text, rest[0] == 'x');
		else if (strcmp(word, "file") == 0)
			mapped = open(text, O_RDONLY | O_CLOEXEC);
		else if (strcmp(word, "of") == 0)
			named = (pid_t)atoi(text);
		else if (strcmp(word, "attach") == 0)
			attach(text, (unsigned int)atoi(rest), offset);
		else if (strcmp(word, "twice") == 0)
			attach_twice(text, strtoull(rest, NULL, 0));
		else if (strcmp(word, "again") == 0)
			attach_again(text, strtoull(rest, NULL, 0), (unsigned int)offset);
		else if (strcmp(word, "pause") == 0)
			ask_for(word, BROKER_PAUSE, ~0u);
		else if (strcmp(word, "part") == 0)
			ask_for(word, BROKER_PAUSE, 1);
		else if (strcmp(word, "resume") == 0)
			ask_for(word, BROKER_RESUME, 1);
		else if (strcmp(word, "odd") == 0)
			send_odd();
		else if (strcmp(word, "outlive") == 0)
			outlive();
		else if (strcmp(word, "programs") == 0)
			look_for_programs();
		else if (strcmp(word, "reach") == 0)
			reach((pid_t)atoi(text));
		else if (strcmp(word, "target") == 0)
			add_target((pid_t)atoi(text));
		else if (strcmp(word, "race") == 0)
			race(text);
		else if (strcmp(word, "wait") == 0)
			usleep((unsigned int)atoi(text) * 1000u);
		else if (strcmp(word, "sees") == 0)
			look_for(text);
		else if (strcmp(word, "hold") == 0)
			pause();
	}
	return 0;
}
