// SPDX-License-Identifier: MIT
/*
 * The data ring, and a limit on the memory of all rings of one user. It counts the rings that exist in the kernel, each
 * with its owner in its name, not processes, files or locks, which their user could end, remove or hold. A ring exists
 * as long as anyone has a descriptor or a mapping of it.
 */
#include "loader.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MIB (1u << 20)
#define RINGS_MAX (1024ull * MIB) /* of one user */
#define REST_OF_TRACE (32u * MIB) /* the other maps of a trace: 29 MiB; more with a latency filter (http_events) */

extern const unsigned char programs_start[], programs_end[];

bool is_list_of_rings(const struct bpf_program *program)
{
	return strcmp(bpf_program__name(program), "trace_http_rings") == 0;
}

/* The program alone, without its maps; NULL with errno. */
static struct bpf_object *load_list(void)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "trace_http");
	struct bpf_object *object = bpf_object__open_mem(programs_start, (size_t)(programs_end - programs_start), &options);
	struct bpf_program *program;
	struct bpf_map *map;
	int error;

	if (!object)
		return NULL;
	bpf_object__for_each_program(program, object)
		bpf_program__set_autoload(program, is_list_of_rings(program));
	bpf_object__for_each_map(map, object)
		bpf_map__set_autocreate(map, false);
	error = -bpf_object__load(object);
	if (!error)
		return object;
	bpf_object__close(object);
	errno = error;
	return NULL;
}

/* Bytes that rings with this name take, including announced ones; -1 with errno. */
static int64_t sum_rings(const char *name)
{
	struct bpf_object *object = load_list();
	struct bpf_link *link = NULL;
	struct named_ring ring;
	int64_t sum = 0;
	ssize_t length;
	int list, error;

	if (!object)
		return -1;
	link = bpf_program__attach_iter(bpf_object__find_program_by_name(object, "trace_http_rings"), NULL);
	list = link ? bpf_iter_create(bpf_link__fd(link)) : -1;
	error = list < 0 ? errno : 0;
	/* The kernel gives whole records, as many as fit. */
	while (list >= 0 && (length = read(list, &ring, sizeof(ring))) != 0) {
		unsigned int power;

		if (length != sizeof(ring)) {
			error = length < 0 ? errno : EIO;
			break;
		}
		if (strncmp(ring.name, name, strlen(name)) != 0)
			continue;
		/* An announcement has the size in its name. */
		sum += sscanf(ring.name + strlen(name), "_%2u", &power) == 1 && power < 32 ? 1u << power : ring.size;
		sum += REST_OF_TRACE;
	}
	if (list >= 0)
		close(list);
	bpf_link__destroy(link);
	bpf_object__close(object);
	errno = error;
	return error ? -1 : sum;
}

/*
 * Before it counts, a loader announces its ring by a small one with the size in its name, and removes it once the real
 * one exists. So loaders that start at the same time see each other. The announcement counts, too.
 */
int make_data_ring(const struct options *options, const struct requester *requester)
{
	char name[16], announced[16];
	int announcement, ring, error;
	int64_t sum;

	snprintf(name, sizeof(name), RING_NAME_PREFIX "%08x", (unsigned int)requester->uid);
	if (requester->uid == 0)
		return bpf_map_create(BPF_MAP_TYPE_RINGBUF, name, 0, 0, options->ring_size, NULL);
	snprintf(announced, sizeof(announced), "%.12s_%02d", name, __builtin_ctz(options->ring_size));
	announcement = bpf_map_create(BPF_MAP_TYPE_RINGBUF, announced, 0, 0, (uint32_t)getpagesize(), NULL);
	if (announcement < 0)
		return -1;
	sum = sum_rings(name);
	/* No limit if the kernel has no such list, or refuses it; a lack of descriptors or memory is an error. */
	if (sum < 0 && errno != EPERM && errno != EACCES && errno != EINVAL && errno != ENOENT && errno != EOPNOTSUPP)
		fail("kernel", "What your other traces take cannot be determined: %s.", strerror(errno));
	if (sum > (int64_t)RINGS_MAX)
		fail("limit",
		     "Your traces would take more than %llu MiB of the kernel's memory together: end another trace, or choose a smaller ring (--ring-size) than %u MiB.",
		     RINGS_MAX / MIB, options->ring_size / MIB);
	ring = bpf_map_create(BPF_MAP_TYPE_RINGBUF, name, 0, 0, options->ring_size, NULL);
	error = errno;
	close(announcement);
	errno = error;
	return ring;
}
