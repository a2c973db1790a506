// SPDX-License-Identifier: MIT
/* What the broker reads about processes in /proc, to decide what it may do for them. */
#define _GNU_SOURCE
#include "inspect.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STATUS_SIZE 8192
#define MAPS_SIZE (64u << 10) /* read at once */
#define THREADS_MAX 512 /* of the helper, which has some 40; so many fit into the list of has_no_tracer */

/* The beginning of a small file, with a NUL. */
static bool read_file(const char *path, char *text, size_t size)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	ssize_t count = 0;

	if (file < 0)
		return false;
	while (length < size - 1 && (count = read(file, text + length, size - 1 - length)) > 0)
		length += (size_t)count;
	close(file);
	text[length] = 0;
	return count >= 0 && length > 0;
}

static const char *field(const char *text, const char *name)
{
	const char *found = strstr(text, name); /* after a line break: those in a process's name are escaped */

	return found ? found + strlen(name) : "";
}

pid_t pid_of(int pidfd)
{
	char path[64], text[STATUS_SIZE];
	int pid;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	if (!read_file(path, text, sizeof(text)) || sscanf(field(text, "\nPid:"), "%d", &pid) != 1)
		return -1;
	return pid;
}

bool is_alive(int pidfd)
{
	struct pollfd watched = {.fd = pidfd, .events = POLLIN};

	return poll(&watched, 1, 0) == 0;
}

/*
 * Checks the real, effective, saved and file system uid: a setuid program's process is not its user's. Nor is one that
 * the kernel closes to its user (its files in /proc are root's), such as one that root started and that became the
 * user. The helper is closed, too, but names itself for libraries that it maps.
 */
bool belongs_to(pid_t pid, uid_t requester, pid_t helper)
{
	unsigned int real, effective, saved, file_system;
	char path[64], text[STATUS_SIZE];
	struct stat status;

	if (requester == 0)
		return true;
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	if (pid != helper && (stat(path, &status) || status.st_uid != requester))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	return read_file(path, text, sizeof(text)) &&
	       sscanf(field(text, "\nUid:"), "%u %u %u %u", &real, &effective, &saved, &file_system) == 4 && real == requester &&
	       effective == requester && saved == requester && file_system == requester;
}

static int tracer_of(const char *status)
{
	char text[STATUS_SIZE];
	int tracer;

	return read_file(status, text, sizeof(text)) && sscanf(field(text, "\nTracerPid:"), "%d", &tracer) == 1 ? tracer : -1;
}

/*
 * Whether no thread of a process has a tracer: a debugger attaches to threads, and whoever has attached to one can
 * read the memory and the descriptors of all. False also if a thread has ended meanwhile or there are too many, as
 * then the list may not be complete: it is made while the process runs.
 *
 * True is reliable for a process that nobody can attach to any more. All threads that were listed were alive until
 * their status was read, so the list had no gaps; a thread that began later was made by one of them, and a new thread
 * has a tracer only if its maker has one.
 */
static bool has_no_tracer(pid_t pid)
{
	/* struct linux_dirent64 of getdents64(2) */
	static union {
		char bytes[32768];
		uint64_t aligned;
	} entries;
	const size_t length_at = 16, name_at = 19;
	char path[64], status[128];
	unsigned int threads = 0;
	bool untraced = true;
	long count = 0;
	int folder;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return false;
	/* One call lists all: between calls, a thread that ends could make the kernel skip others. */
	count = syscall(SYS_getdents64, folder, entries.bytes, sizeof(entries.bytes));
	close(folder);
	for (long at = 0; untraced && at < count;) {
		const char *name = entries.bytes + at + name_at;
		uint16_t length;

		memcpy(&length, entries.bytes + at + length_at, sizeof(length));
		at += length;
		if (name[0] == '.')
			continue;
		snprintf(status, sizeof(status), "%s/%.20s/status", path, name);
		untraced = ++threads <= THREADS_MAX && tracer_of(status) == 0;
	}
	return untraced && threads > 0;
}

/* Whether other processes of its user, and debuggers, have no access to the helper (its files in /proc belong to root then). */
bool is_closed_to_others(pid_t helper, int pidfd)
{
	struct stat status;
	bool untraced = false;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)helper);
	if (stat(path, &status) || status.st_uid != 0)
		return false;
	for (int tries = 0; tries < 5 && !untraced; tries++)
		untraced = has_no_tracer(helper);
	return untraced && is_alive(pidfd);
}

/* The file of a process's executable mapping, as the kernel names it: "major:minor inode". */
static bool read_mapping(const char *maps, uint64_t start, uint64_t end, bool executable, char *identity, size_t size)
{
	static char text[MAPS_SIZE + 1];
	char wanted[64], access[8], device[32], inode[32];
	const char *line = NULL;
	size_t wanted_length;
	ssize_t count;
	int file;

	wanted_length = (size_t)snprintf(wanted, sizeof(wanted), "\n%08llx-%08llx ", (unsigned long long)start, (unsigned long long)end);
	file = open(maps, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return false;
	text[0] = '\n';
	/* Each read returns whole lines. */
	while (!line && (count = read(file, text + 1, MAPS_SIZE - 1)) > 0) {
		text[1 + count] = 0;
		line = strstr(text, wanted);
	}
	close(file);
	if (!line || sscanf(line + wanted_length, "%7s %*s %31s %31s", access, device, inode) != 3 || (executable && access[2] != 'x'))
		return false;
	return snprintf(identity, size, "%s %s", device, inode) < (int)size;
}

/* Whether the process has mapped the request's file there: compares both as the kernel names them. */
bool is_mapped_executable(pid_t pid, uint64_t first, uint64_t end, int file)
{
	char maps[64], there[72], here[72];
	const size_t page = 4096;
	uint64_t start;
	void *mapping;
	bool same;

	snprintf(maps, sizeof(maps), "/proc/%d/maps", (int)pid);
	if (!read_mapping(maps, first, end, true, there, sizeof(there)))
		return false;
	mapping = mmap(NULL, page, PROT_READ, MAP_PRIVATE, file, 0);
	if (mapping == MAP_FAILED)
		return false;
	start = (uintptr_t)mapping;
	same = read_mapping("/proc/self/maps", start, start + page, false, here, sizeof(here)) && strcmp(here, there) == 0;
	munmap(mapping, page);
	return same;
}
