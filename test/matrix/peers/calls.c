/* Each way to move bytes through a socket, one call at a time. */
#include "peer.h"
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/errqueue.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#define MESSAGES 3 /* of one sendmmsg or recvmmsg */
#define GAP 24     /* bytes between two segments: reading beyond a segment gives garbage */

/* Segments in scattered memory. */
struct scattered {
	struct iovec segments[MAX_SEGMENTS];
	unsigned count;
	uint8_t *memory;
};

static struct scattered scatter(const void *bytes, size_t length, unsigned count)
{
	struct scattered s = {.count = count};
	size_t at = 0;
	uint8_t *to;

	s.memory = to = malloc(length + (size_t)count * GAP);
	if (!to)
		fail("malloc");
	memset(to, '#', length + (size_t)count * GAP);
	for (unsigned i = 0; i < count; i++) {
		size_t size = i + 1 == count ? length - at : length / count;

		s.segments[i] = (struct iovec){to, size};
		if (bytes)
			memcpy(to, (const uint8_t *)bytes + at, size);
		at += size;
		to += size + GAP;
	}
	return s;
}

/* What a call has put into the segments; frees them. */
static void gather(struct scattered *s, void *bytes, ssize_t moved)
{
	size_t left = bytes && moved > 0 ? (size_t)moved : 0;
	uint8_t *to = bytes;

	for (unsigned i = 0; i < s->count && left; i++) {
		size_t size = s->segments[i].iov_len < left ? s->segments[i].iov_len : left;

		memcpy(to, s->segments[i].iov_base, size);
		to += size;
		left -= size;
	}
	free(s->memory);
}

static ssize_t by_uring(int fd, void *bytes, size_t length, bool out)
{
	struct io_uring ring;
	struct io_uring_sqe *entry;
	struct io_uring_cqe *done;
	int error = io_uring_queue_init(4, &ring, 0);
	ssize_t moved;

	if (error) {
		errno = -error;
		fail("io_uring");
	}
	entry = io_uring_get_sqe(&ring);
	if (out)
		io_uring_prep_send(entry, fd, bytes, length, 0);
	else
		io_uring_prep_recv(entry, fd, bytes, length, 0);
	error = io_uring_submit_and_wait(&ring, 1);
	if (error < 0 || io_uring_wait_cqe(&ring, &done)) {
		errno = -error;
		fail("io_uring");
	}
	moved = done->res;
	io_uring_cqe_seen(&ring, done);
	io_uring_queue_exit(&ring);
	if (moved < 0) {
		errno = (int)-moved;
		return -1;
	}
	return moved;
}

/* Divides `length` bytes into MESSAGES messages of `count` segments each. */
static ssize_t by_messages(int fd, void *bytes, size_t length, unsigned count, bool out)
{
	struct scattered parts[MESSAGES];
	struct mmsghdr messages[MESSAGES] = {};
	unsigned number = length < MESSAGES ? 1 : MESSAGES;
	size_t at = 0, moved = 0;
	int done;

	for (unsigned i = 0; i < number; i++) {
		size_t size = i + 1 == number ? length - at : length / number;

		parts[i] = scatter(out ? (uint8_t *)bytes + at : 0, size, count);
		messages[i].msg_hdr.msg_iov = parts[i].segments;
		messages[i].msg_hdr.msg_iovlen = count;
		at += size;
	}
	done = out ? sendmmsg(fd, messages, number, MSG_NOSIGNAL) : recvmmsg(fd, messages, number, MSG_WAITFORONE, 0);
	for (unsigned i = 0; i < number; i++) {
		ssize_t size = (int)i < done ? messages[i].msg_len : 0;

		gather(&parts[i], out ? 0 : (uint8_t *)bytes + moved, size);
		moved += (size_t)size;
	}
	return done < 0 ? -1 : (ssize_t)moved;
}

static ssize_t put_once(int fd, const void *bytes, size_t length, struct how *how)
{
	struct scattered s;
	struct msghdr message = {};
	int flags = MSG_NOSIGNAL | (how->zerocopy ? MSG_ZEROCOPY : 0);
	ssize_t moved;

	if (how->connect) {
		const struct sockaddr *to = (const struct sockaddr *)how->connect;

		how->connect = 0;
		return sendto(fd, bytes, length, MSG_FASTOPEN, to, how->connect_length);
	}
	switch (how->out) {
	case CALL_READ_WRITE:
		return write(fd, bytes, length);
	case CALL_SENDTO_RECVFROM:
		return sendto(fd, bytes, length, flags, 0, 0);
	case CALL_SENDMMSG_RECVMMSG:
		return by_messages(fd, (void *)bytes, length, how->segments, true);
	case CALL_URING:
		return by_uring(fd, (void *)bytes, length, true);
	case CALL_READV_WRITEV:
	case CALL_SENDMSG_RECVMSG:
		s = scatter(bytes, length, how->segments);
		message.msg_iov = s.segments;
		message.msg_iovlen = s.count;
		moved = how->out == CALL_READV_WRITEV ? writev(fd, s.segments, (int)s.count) : sendmsg(fd, &message, flags);
		gather(&s, 0, 0);
		return moved;
	default:
		return send(fd, bytes, length, flags);
	}
}

static ssize_t get_once(int fd, void *bytes, size_t length, struct how *how)
{
	struct scattered s;
	struct msghdr message = {};
	ssize_t moved;

	switch (how->in) {
	case CALL_READ_WRITE:
		return read(fd, bytes, length);
	case CALL_SENDTO_RECVFROM: {
		struct sockaddr_storage from;
		socklen_t size = sizeof(from);

		return recvfrom(fd, bytes, length, 0, (struct sockaddr *)&from, &size);
	}
	case CALL_SENDMMSG_RECVMMSG:
		return by_messages(fd, bytes, length, how->segments, false);
	case CALL_URING:
		return by_uring(fd, bytes, length, false);
	case CALL_READV_WRITEV:
	case CALL_SENDMSG_RECVMSG:
		s = scatter(0, length, how->segments);
		message.msg_iov = s.segments;
		message.msg_iovlen = s.count;
		moved = how->in == CALL_READV_WRITEV ? readv(fd, s.segments, (int)s.count) : recvmsg(fd, &message, 0);
		gather(&s, bytes, moved);
		return moved;
	default:
		return recv(fd, bytes, length, 0);
	}
}

static void wait_for(int fd, short events)
{
	struct pollfd ready = {fd, events, 0};

	if (poll(&ready, 1, -1) < 0 && errno != EINTR)
		fail("poll");
}

/* The kernel's notification that it no longer needs the pages (Documentation/networking/msg_zerocopy.rst). */
static void reap_zerocopy(int fd)
{
	char control[128];
	struct msghdr message = {.msg_control = control, .msg_controllen = sizeof(control)};

	wait_for(fd, 0);
	if (recvmsg(fd, &message, MSG_ERRQUEUE) < 0 && errno != EAGAIN)
		fail("error queue");
}

void put_all(int fd, const void *bytes, size_t length, struct how *how)
{
	size_t at = 0;

	while (at < length) {
		size_t wanted = how->chunk && length - at > how->chunk ? how->chunk : length - at;
		ssize_t moved = put_once(fd, (const uint8_t *)bytes + at, wanted, how);

		if (moved < 0 && errno == EAGAIN) {
			how->again++;
			wait_for(fd, POLLOUT);
			continue;
		}
		if (moved < 0)
			fail("send");
		if ((size_t)moved < wanted)
			how->shorts++;
		how->calls++;
		at += (size_t)moved;
		if (how->zerocopy)
			reap_zerocopy(fd);
	}
}

ssize_t get_some(int fd, void *bytes, size_t length, struct how *how)
{
	if (how->chunk && length > how->chunk)
		length = how->chunk;
	if (how->peek) {
		char some[10];
		struct iovec segment = {some, sizeof(some)};
		struct msghdr message = {.msg_iov = &segment, .msg_iovlen = 1};

		for (int i = 0; i < 2; i++)
			if (recv(fd, some, sizeof(some), MSG_PEEK) < 0 || recvmsg(fd, &message, MSG_PEEK) < 0)
				fail("peek");
	}
	for (;;) {
		ssize_t moved = get_once(fd, bytes, length, how);

		if (moved >= 0) {
			how->calls++;
			return moved;
		}
		if (errno == ECONNRESET)
			return -1;
		if (errno != EAGAIN)
			fail("receive");
		how->again++;
		wait_for(fd, POLLIN);
	}
}

#define SETTLE_US 50000 /* two changes of a file have different times if there is so much between them */

/* A file with a name is written once and was not changed lately when it is sent, as those of a server are. */
static int file_of(const void *bytes, size_t length, const char *names)
{
	static unsigned number;
	char name[512];
	size_t at = 0;
	int file;

	if (names) {
		snprintf(name, sizeof(name), "%s-%u", names, __sync_fetch_and_add(&number, 1));
		file = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	} else {
		file = memfd_create("body", 0);
	}
	while (at < length) {
		ssize_t written = write(file, (const uint8_t *)bytes + at, length - at);

		if (written < 0)
			fail("write to the file");
		at += (size_t)written;
	}
	if (names)
		usleep(SETTLE_US);
	return file;
}

void put_body(int fd, const void *bytes, size_t length, struct how *how)
{
	int file, ends[2] = {-1, -1};
	off_t at = 0;
	loff_t from = 0;

	if (how->out != CALL_SENDFILE && how->out != CALL_SPLICE) {
		put_all(fd, bytes, length, how);
		return;
	}
	file = file_of(bytes, length, how->file);
	if (how->out == CALL_SENDFILE) {
		while ((size_t)at < length)
			if (sendfile(fd, file, &at, length - (size_t)at) <= 0)
				fail("sendfile");
	} else {
		if (pipe(ends))
			fail("pipe");
		while ((size_t)from < length) {
			ssize_t inside = splice(file, &from, ends[1], 0, length - (size_t)from, 0);

			if (inside <= 0)
				fail("splice from a file");
			while (inside > 0) {
				ssize_t moved = splice(ends[0], 0, fd, 0, (size_t)inside, 0);

				if (moved <= 0)
					fail("splice to a socket");
				inside -= moved;
			}
		}
		close(ends[0]);
		close(ends[1]);
	}
	close(file);
}

ssize_t get_body(int fd, void *bytes, size_t length, struct how *how)
{
	int ends[2];
	ssize_t moved, at = 0;

	if (how->trunc) {
		moved = recv(fd, 0, length, MSG_TRUNC);
		if (moved > 0)
			memset(bytes, 0, (size_t)moved);
		return moved;
	}
	if (how->waitall)
		return recv(fd, bytes, length, MSG_WAITALL);
	if (how->in != CALL_SPLICE)
		return get_some(fd, bytes, length, how);
	if (pipe(ends))
		fail("pipe");
	moved = splice(fd, 0, ends[1], 0, length < 65536 ? length : 65536, 0);
	if (moved < 0)
		fail("splice from a socket");
	while (at < moved) {
		ssize_t got = read(ends[0], (uint8_t *)bytes + at, (size_t)(moved - at));

		if (got <= 0)
			fail("read from a pipe");
		at += got;
	}
	close(ends[0]);
	close(ends[1]);
	return moved;
}
