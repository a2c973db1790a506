// SPDX-License-Identifier: MIT
/*
 * Runs a command in a system whose kernel refuses some kinds of eBPF with
 * EPERM, as lockdown, a security module or a vendor's kernel does: for tests of traces without them. The refusal is
 * made outside of the program under test, by seccomp's user notification (Linux 5.5), which the command's descendants
 * inherit.
 *
 *   refuse WHAT[,WHAT…] COMMAND [ARGUMENT…]
 *
 * WHAT is one of: load:NAME (programs with this name prefix), map:NAME (maps
 * with this name prefix and more than one entry: an unused map has one),
 * iterator (creating one), kprobe:FUNCTION (attaching to a kernel function).
 * With log, each program to be loaded is named on standard error.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *refusals;
static pid_t child;

static void die(const char *what)
{
	perror(what);
	exit(126);
}

/* Whether KIND is to be refused, or KIND:PREFIX with a prefix of the name. */
static int is_refused(const char *kind, const char *name)
{
	size_t length = strlen(kind);

	for (const char *at = refusals; *at; at += strcspn(at, ",") + (at[strcspn(at, ",")] == ',')) {
		size_t whole = strcspn(at, ",");

		if (whole < length || strncmp(at, kind, length) != 0)
			continue;
		if (whole == length)
			return 1;
		if (at[length] == ':' && strncmp(at + length + 1, name, whole - length - 1) == 0)
			return 1;
	}
	return 0;
}

static void read_memory(pid_t pid, uint64_t address, void *to, size_t size)
{
	char path[64];
	int memory;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	memory = open(path, O_RDONLY | O_CLOEXEC);
	memset(to, 0, size);
	if (memory >= 0) {
		/* A short read leaves zeros, which match no name. */
		(void)!pread(memory, to, size, (off_t)address);
		close(memory);
	}
}

static int judge(const struct seccomp_notif *request)
{
	const struct seccomp_data *call = &request->data;
	char name[64];

	if (call->nr == SYS_bpf && call->args[0] == BPF_PROG_LOAD) {
		read_memory((pid_t)request->pid, call->args[1] + offsetof(union bpf_attr, prog_name), name, BPF_OBJ_NAME_LEN);
		name[BPF_OBJ_NAME_LEN - 1] = 0;
		if (is_refused("log", ""))
			fprintf(stderr, "loads %s\n", name);
		return is_refused("load", name);
	}
	if (call->nr == SYS_bpf && call->args[0] == BPF_MAP_CREATE) {
		uint32_t entries;

		read_memory((pid_t)request->pid, call->args[1] + offsetof(union bpf_attr, max_entries), &entries, sizeof(entries));
		read_memory((pid_t)request->pid, call->args[1] + offsetof(union bpf_attr, map_name), name, BPF_OBJ_NAME_LEN);
		name[BPF_OBJ_NAME_LEN - 1] = 0;
		return entries > 1 && is_refused("map", name);
	}
	if (call->nr == SYS_bpf && call->args[0] == BPF_ITER_CREATE)
		return is_refused("iterator", "");
	if (call->nr == SYS_perf_event_open) {
		struct perf_event_attr attributes;

		read_memory((pid_t)request->pid, call->args[0], &attributes, PERF_ATTR_SIZE_VER5);
		if (attributes.type < PERF_TYPE_MAX || !attributes.config1) /* types from there up are dynamic, as kprobe */
			return 0;
		read_memory((pid_t)request->pid, attributes.config1, name, sizeof(name));
		name[sizeof(name) - 1] = 0;
		return is_refused("kprobe", name);
	}
	return 0;
}

static void serve(int listener)
{
	struct seccomp_notif request = {0};
	struct seccomp_notif_resp response = {0};

	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request))
		return; /* it was killed meanwhile */
	response.id = request.id;
	if (judge(&request))
		response.error = -EPERM;
	else
		response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

static int install_filter(void)
{
	struct sock_filter instructions[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bpf, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_perf_event_open, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
	};
	struct sock_fprog program = {sizeof(instructions) / sizeof(*instructions), instructions};

	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

/* The listener goes to the parent: a filtered process cannot answer its own calls. */
static void send_descriptor(int channel, int descriptor)
{
	char control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec part = {"", 1};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
	if (sendmsg(channel, &message, 0) != 1)
		die("sendmsg");
}

static int receive_descriptor(int channel)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	int descriptor;

	if (recvmsg(channel, &message, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&message)) {
		fputs("refuse: no filter could be installed\n", stderr);
		exit(126);
	}
	memcpy(&descriptor, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
	return descriptor;
}

/* Forwards termination signals to the command. */
static void pass_on(int signal)
{
	kill(child, signal);
}

int main(int argc, char **argv)
{
	int channel[2], listener, status;

	if (argc < 3) {
		fputs("usage: refuse WHAT[,WHAT...] COMMAND [ARGUMENT...]\n", stderr);
		return 2;
	}
	refusals = argv[1];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel))
		die("socketpair");
	child = fork();
	if (child < 0)
		die("fork");
	if (child == 0) {
		listener = install_filter();
		if (listener < 0)
			die("seccomp");
		send_descriptor(channel[1], listener);
		close(listener);
		execvp(argv[2], argv + 2);
		die(argv[2]);
	}
	close(channel[1]);
	signal(SIGINT, pass_on);
	signal(SIGTERM, pass_on);
	listener = receive_descriptor(channel[0]);
	for (;;) {
		struct pollfd poll_for = {.fd = listener, .events = POLLIN};

		if (poll(&poll_for, 1, 100) > 0 && poll_for.revents & POLLIN)
			serve(listener);
		if (waitpid(child, &status, WNOHANG) == child)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
}
