// SPDX-License-Identifier: MIT
/* The connection to the requester. Nothing privileged ever listens: the loader connects back. */
#define _GNU_SOURCE
#include "loader.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int connect_to_requester(const char *path, const struct requester *requester)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char directory[sizeof(address.sun_path)];
	struct ucred peer;
	socklen_t size = sizeof(peer);
	const char *name = strrchr(path, '/') + 1;
	struct stat status;
	int folder, channel;

	memcpy(directory, path, (size_t)(name - path));
	directory[name - path] = 0;
	if (!*name || !*directory)
		fail("socket", "The socket's path names no file.");
	/* Held open and used through the descriptor: swapping the folder afterwards changes nothing. */
	folder = open(directory, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0 || fstat(folder, &status))
		fail("socket", "The socket's folder cannot be opened: %s.", strerror(errno));
	if (status.st_uid != requester->uid || status.st_mode & 077)
		fail("socket", "The socket's folder does not belong to the requester alone.");
	if (snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", folder, name) >=
	    (int)sizeof(address.sun_path))
		fail("socket", "The socket's name is too long.");
	channel = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (channel < 0 || connect(channel, (struct sockaddr *)&address, sizeof(address)))
		fail("socket", "The requester's socket does not answer: %s.", strerror(errno));
	if (getsockopt(channel, SOL_SOCKET, SO_PEERCRED, &peer, &size) || peer.uid != requester->uid)
		fail("socket", "The socket's other end belongs to somebody else.");
	close(folder);
	return channel;
}
