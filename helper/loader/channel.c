// SPDX-License-Identifier: MIT
/*
 * The connection to the requester. Nothing privileged ever listens: the loader connects back. It does so with
 * the requester's own rights (rights.c), so that no path reaches a socket that the requester could not reach.
 */
#define _GNU_SOURCE
#include "loader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* The folder that holds the socket; it must be the requester's, and closed to everybody else. */
static int open_folder(const char *path, const char *name, const struct requester *requester)
{
	char directory[sizeof(((struct sockaddr_un *)0)->sun_path)];
	size_t length = (size_t)(name - path);
	struct stat status;
	int folder;

	/* With a slash at its end, a link would be followed in spite of O_NOFOLLOW. */
	while (length > 1 && path[length - 1] == '/')
		length--;
	memcpy(directory, path, length);
	directory[length] = 0;
	folder = open(directory, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0 || fstat(folder, &status))
		fail("socket", "The socket's folder cannot be opened: %s.", strerror(errno));
	if (status.st_uid != requester->uid || status.st_mode & 077)
		fail("socket", "The socket's folder does not belong to the requester alone.");
	return folder;
}

/*
 * The socket's inode. Checked and used through this descriptor, so it does not matter if the name points to
 * another file a moment later.
 */
static int open_socket(int folder, const char *name, const struct requester *requester)
{
	struct stat status;
	int socket = openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (socket < 0 || fstat(socket, &status))
		fail("socket", "The requester's socket cannot be opened: %s.", strerror(errno));
	if (!S_ISSOCK(status.st_mode) || status.st_uid != requester->uid)
		fail("socket", "What is at the socket's path is not a socket of the requester.");
	return socket;
}

/*
 * The supplementary groups of the process that listens. Not its effective group, which a setgid program gives. The
 * kernel allows more than are kept: processes with one of the excess groups cannot be traced.
 */
static void read_groups(int channel, struct requester *requester)
{
	static gid_t groups[65536];
	socklen_t size = sizeof(groups);

	if (getsockopt(channel, SOL_SOCKET, SO_PEERGROUPS, groups, &size))
		return;
	for (size_t i = 0; i < size / sizeof(*groups); i++)
		add_group(requester, groups[i]);
}

int connect_to_requester(const char *path, struct requester *requester)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *name = strrchr(path, '/') + 1;
	socklen_t size = sizeof(struct ucred);
	struct ucred peer;
	int folder, file, channel;

	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		fail("socket", "The socket's path names no file.");
	folder = open_folder(path, name, requester);
	file = open_socket(folder, name, requester);
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d", file);
	channel = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (channel < 0 || connect(channel, (struct sockaddr *)&address, sizeof(address)))
		fail("socket", "The requester's socket does not answer: %s.", strerror(errno));
	if (getsockopt(channel, SOL_SOCKET, SO_PEERCRED, &peer, &size) || peer.uid != requester->uid)
		fail("socket", "The socket's other end belongs to somebody else.");
	read_groups(channel, requester);
	close(file);
	close(folder);
	return channel;
}
