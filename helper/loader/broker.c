// SPDX-License-Identifier: MIT
/*
 * For kernels without uprobe_multi: a process that stays elevated after the
 * helper has dropped, with one verb. It attaches the programs to functions of
 * a file that a process of the requester has mapped. It opens no path that
 * was sent; the kernel names the file. In a file that belongs to somebody
 * else only the beginnings of known functions of TLS libraries are taken, as
 * a breakpoint in the middle of an instruction would harm everyone who runs
 * it.
 */
#define _GNU_SOURCE
#include "broker.h"
#include "loader.h"
#include "trace_http.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* All that may be probed in a file that is not the requester's. */
static const char *const functions[] = {
	"SSL_read", "SSL_read_ex", "SSL_read_early_data", "SSL_write", "SSL_write_ex", "SSL_write_ex2",
	"SSL_write_early_data", "SSL_sendfile", "SSL_peek", "SSL_peek_ex", "SSL_do_handshake", "SSL_connect",
	"SSL_accept", "SSL_shutdown", "SSL_free", "SSL_clear", "SSL_get0_alpn_selected", "BIO_write",
	"gnutls_record_recv", "gnutls_record_recv_seq", "gnutls_record_recv_early_data", "gnutls_record_send",
	"gnutls_record_send2", "gnutls_record_send_early_data", "gnutls_handshake", "gnutls_bye", "gnutls_deinit",
	"gnutls_alpn_get_selected_protocol", "__libc_start_main", "dlopen",
};

struct broker {
	int channel;
	int programs[2];
	uid_t requester;
	uint32_t pmu;        /* number of the kernel's uprobe events */
	uint64_t return_bit; /* what makes one fire at the return */
};

static bool is_known(const char *symbol)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
		if (strcmp(functions[i], symbol) == 0)
			return true;
	}
	return false;
}

/* First number of a small file of the kernel. */
static int read_kernel_number(const char *path, const char *format, unsigned int *value)
{
	FILE *file = fopen(path, "re");
	int found;

	if (!file)
		return -1;
	found = fscanf(file, format, value);
	fclose(file);
	return found == 1 ? 0 : -1;
}

static pid_t pid_of(int pidfd)
{
	char path[64], line[128];
	long pid = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	file = fopen(path, "re");
	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file) && sscanf(line, "Pid: %ld", &pid) != 1)
		;
	fclose(file);
	return (pid_t)pid;
}

/* Real, effective and saved: a setuid program's process is not its user's. */
static bool belongs_to(pid_t pid, uid_t requester)
{
	unsigned int real, effective, saved;
	char path[64], line[256];
	bool own = false;
	FILE *file;

	if (requester == 0)
		return true;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Uid: %u %u %u", &real, &effective, &saved) == 3) {
			own = real == requester && effective == requester && saved == requester;
			break;
		}
	}
	fclose(file);
	return own;
}

/* Offset in the file of what is at an address; all ones when no segment holds it. */
static uint64_t file_offset(Elf *elf, uint64_t address)
{
	size_t count = 0;

	if (elf_getphdrnum(elf, &count))
		return ~0ull;
	for (size_t i = 0; i < count && i < 128; i++) {
		GElf_Phdr header;

		if (gelf_getphdr(elf, (int)i, &header) && header.p_type == PT_LOAD && address >= header.p_vaddr &&
		    address - header.p_vaddr < header.p_filesz)
			return address - header.p_vaddr + header.p_offset;
	}
	return ~0ull;
}

/* Whether a function of this name begins at this offset. */
static bool begins_function(Elf *elf, const char *name, uint64_t offset)
{
	Elf_Scn *section = NULL;

	while ((section = elf_nextscn(elf, section))) {
		Elf_Data *data;
		GElf_Shdr header;
		size_t count;

		if (!gelf_getshdr(section, &header) || (header.sh_type != SHT_DYNSYM && header.sh_type != SHT_SYMTAB) ||
		    header.sh_entsize == 0)
			continue;
		data = elf_getdata(section, NULL);
		count = data ? header.sh_size / header.sh_entsize : 0;
		for (size_t i = 0; i < count; i++) {
			const char *found;
			GElf_Sym symbol;

			if (!gelf_getsym(data, (int)i, &symbol) || GELF_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_shndx == SHN_UNDEF)
				continue;
			found = elf_strptr(elf, header.sh_link, symbol.st_name);
			if (found && strcmp(found, name) == 0 && file_offset(elf, symbol.st_value) == offset)
				return true;
		}
	}
	return false;
}

static int attach(const struct broker *broker, int file, const struct broker_probe *probe)
{
	LIBBPF_OPTS(bpf_link_create_opts, options);
	struct perf_event_attr attributes;
	char path[64];
	int event, link;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	memset(&attributes, 0, sizeof(attributes));
	attributes.size = sizeof(attributes);
	attributes.type = broker->pmu;
	attributes.config = probe->at_return ? broker->return_bit : 0;
	attributes.config1 = (uintptr_t)path; /* uprobe_path */
	attributes.config2 = probe->offset;   /* probe_offset */
	event = (int)syscall(SYS_perf_event_open, &attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (event < 0)
		return -1;
	options.perf_event.bpf_cookie = probe->cookie;
	link = bpf_link_create(broker->programs[probe->program], event, BPF_PERF_EVENT, &options);
	close(event); /* the link holds it */
	if (link < 0) {
		errno = -link;
		return -1;
	}
	return link;
}

static void __attribute__((format(printf, 3, 4))) refuse(struct broker_answer *answer, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(answer->reason, sizeof(answer->reason), format, arguments);
	va_end(arguments);
	answer->error = error ? error : EINVAL;
}

/* Fills in the answer; the links go to `links`, answer->count of them. */
static void serve(const struct broker *broker, struct broker_request *request, int pidfd, int *links, struct broker_answer *answer)
{
	char path[80];
	struct stat status;
	pid_t pid = pid_of(pidfd);
	Elf *elf = NULL;
	int file;

	if (pid <= 0 || !belongs_to(pid, broker->requester)) {
		refuse(answer, EPERM, "the process is not yours, or has ended");
		return;
	}
	/* The kernel's own name of what is mapped there; it needs no path. */
	snprintf(path, sizeof(path), "/proc/%d/map_files/%llx-%llx", (int)pid, (unsigned long long)request->start,
		 (unsigned long long)request->end);
	file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (file < 0 || fstat(file, &status) || !S_ISREG(status.st_mode)) {
		refuse(answer, errno, "the mapping cannot be opened: %s", strerror(errno));
		goto out;
	}
	for (uint32_t i = 0; i < request->count; i++) {
		struct broker_probe *probe = &request->probes[i];

		probe->symbol[BROKER_SYMBOL_SIZE - 1] = 0;
		if (probe->program > 1) {
			refuse(answer, EINVAL, "there is no such program");
			goto out;
		}
		if (broker->requester != 0 && status.st_uid != broker->requester) {
			if (!elf)
				elf = elf_begin(file, ELF_C_READ_MMAP, NULL);
			if (!elf || !is_known(probe->symbol) || !begins_function(elf, probe->symbol, probe->offset)) {
				refuse(answer, EPERM, "the file belongs to another user, and %s is not where it was said to be",
				       is_known(probe->symbol) ? probe->symbol : "a function");
				goto out;
			}
		}
		links[i] = attach(broker, file, probe);
		if (links[i] < 0) {
			refuse(answer, errno, "the kernel does not attach to %s: %s", is_known(probe->symbol) ? probe->symbol : "a function",
			       strerror(errno));
			goto out;
		}
		answer->count = i + 1;
	}
out:
	if (answer->error) {
		for (uint32_t i = 0; i < answer->count; i++)
			close(links[i]);
		answer->count = 0;
	}
	if (elf)
		elf_end(elf);
	if (file >= 0)
		close(file);
}

/* One request and the pidfd that came with it. False when the helper is gone. */
static bool receive(int channel, struct broker_request *request, ssize_t *size, int *pidfd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr aligned;
	} control;
	struct iovec part = {request, sizeof(*request)};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *header;

	*pidfd = -1;
	do {
		*size = recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
	} while (*size < 0 && errno == EINTR);
	if (*size <= 0)
		return false;
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(pidfd, CMSG_DATA(header), sizeof(int));
	return true;
}

static bool answer_with(int channel, struct broker_answer *answer, const int *links)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * BROKER_PROBES_MAX)];
		struct cmsghdr aligned;
	} control;
	struct iovec part = {answer, sizeof(*answer)};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	if (answer->count) {
		struct cmsghdr *header;

		memset(&control, 0, sizeof(control));
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * answer->count);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int) * answer->count);
		memcpy(CMSG_DATA(header), links, sizeof(int) * answer->count);
	}
	return sendmsg(channel, &message, MSG_NOSIGNAL) == (ssize_t)sizeof(*answer);
}

/* CAP_SYS_ADMIN for perf's uprobes and map_files, CAP_SYS_PTRACE to see whose process it is; nothing else. */
static void keep_little(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
	const int kept[] = {CAP_SYS_ADMIN, CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH, CAP_PERFMON, CAP_BPF};

	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
		data[kept[i] / 32].permitted |= 1u << (kept[i] % 32);
		data[kept[i] / 32].effective |= 1u << (kept[i] % 32);
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(SYS_capset, &header, data))
		_exit(1);
}

static _Noreturn void run(struct broker *broker)
{
	static struct broker_request request;
	static int links[BROKER_PROBES_MAX];
	ssize_t size;
	int pidfd;

	while (receive(broker->channel, &request, &size, &pidfd)) {
		struct broker_answer answer = {0};

		if (size != (ssize_t)sizeof(request) || pidfd < 0 || request.count == 0 || request.count > BROKER_PROBES_MAX)
			refuse(&answer, EINVAL, "the request is malformed");
		else
			serve(broker, &request, pidfd, links, &answer);
		if (pidfd >= 0)
			close(pidfd);
		if (!answer_with(broker->channel, &answer, links))
			break;
		for (uint32_t i = 0; i < answer.count; i++)
			close(links[i]);
	}
	_exit(0);
}

int start_broker(const struct programs *programs, const struct requester *requester)
{
	struct broker broker = {.requester = requester->uid};
	int ends[2], kept[3];
	unsigned int number, bit;
	pid_t child;

	if (read_kernel_number("/sys/bus/event_source/devices/uprobe/type", "%u", &number) ||
	    read_kernel_number("/sys/bus/event_source/devices/uprobe/format/retprobe", "config:%u", &bit) || bit > 63)
		return -1;
	broker.pmu = number;
	broker.return_bit = 1ull << bit;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		fail("helper", "The broker's socket cannot be made: %s.", strerror(errno));
	child = fork();
	if (child < 0)
		fail("helper", "The broker cannot be started: %s.", strerror(errno));
	if (child > 0) {
		close(ends[1]);
		return ends[0];
	}
	/* Ctrl+C reaches the whole group; the broker ends when the helper's end of the socket closes. */
	for (int i = 1; i < NSIG; i++) {
		if (i == SIGINT || i == SIGHUP || i == SIGQUIT || i == SIGTSTP || i == SIGPIPE)
			signal(i, SIG_IGN);
	}
	if (elf_version(EV_CURRENT) == EV_NONE)
		_exit(1);
	kept[0] = fcntl(ends[1], F_DUPFD_CLOEXEC, 200);
	kept[1] = fcntl(programs->tls_enter, F_DUPFD_CLOEXEC, 200);
	kept[2] = fcntl(programs->tls_leave, F_DUPFD_CLOEXEC, 200);
	if (kept[0] < 0 || kept[1] < 0 || kept[2] < 0)
		_exit(1);
	for (int i = 0; i < 3; i++) {
		if (dup2(kept[i], 3 + i) != 3 + i)
			_exit(1);
	}
	broker.channel = 3;
	broker.programs[0] = 4;
	broker.programs[1] = 5;
	if (syscall(SYS_close_range, 6, ~0u, 0))
		_exit(1);
	/* Without a terminal's or a pipe's end: whoever waits for it to close waits for the helper only. */
	for (int i = 0, null = open("/dev/null", O_RDWR); null >= 0 && i < 3; i++)
		dup2(null, i);
	if (setgroups(0, NULL) && errno != EPERM)
		_exit(1);
	keep_little();
	run(&broker);
}
