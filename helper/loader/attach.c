// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "attach.h"
#include "parallel.h"
#include "probe_places.h"
#include "uprobes.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define UPROBE_EVENTS "/sys/bus/event_source/devices/uprobe/"

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

bool prepare_attacher(struct attacher *attacher)
{
	unsigned int number, bit;

	attacher->type_file = -1;
	if (attacher->way != TLS_ATTACH_PERF)
		return true;
	if (read_kernel_number(UPROBE_EVENTS "type", "%u", &number) ||
	    read_kernel_number(UPROBE_EVENTS "format/retprobe", "config:%u", &bit) || bit > 63)
		return false;
	attacher->pmu = number;
	attacher->return_bit = 1ull << bit;
	attacher->type_file = open(UPROBE_EVENTS "type", O_RDONLY | O_CLOEXEC);
	return true;
}

/* From bit 0: function (8 bits), library (8), how much deeper the stack is there (16), file (32): bpf/tls_session.h. */
static uint64_t cookie_of(const struct broker_request *request, const struct broker_probe *probe)
{
	return function_of_symbol(probe->symbol) | (uint64_t)(request->library & 0xff) << 8 |
	       (uint64_t)(probe->stack & 0xffff) << 16 | (uint64_t)request->file << 32;
}

static int program_of(const struct attacher *attacher, const struct broker_probe *probe)
{
	if (function_of_symbol(probe->symbol) >= FIRST_CALLER_FUNCTION)
		return attacher->caller;
	return probe->kind == BROKER_ENTRY ? attacher->enter : attacher->leave;
}

/* Groups of probes, each with its own link: the values of broker_kind, then the entries that show callers. */
static uint32_t group_of(const struct attacher *attacher, const struct broker_probe *probe)
{
	return program_of(attacher, probe) == attacher->caller ? BROKER_URETPROBE + 1 : probe->kind;
}

static int attach_multi(const struct attacher *attacher, const char *path, const struct broker_request *request,
			struct attachment *attachment)
{
	uint64_t offsets[BROKER_PROBES_MAX], cookies[BROKER_PROBES_MAX];

	for (uint32_t group = 0; group < BROKER_LINKS_MAX; group++) {
		struct uprobe_multi_attributes attributes = {0};
		long link;

		for (uint32_t i = 0; i < request->count; i++) {
			if (group_of(attacher, &request->probes[i]) != group)
				continue;
			attributes.program = (uint32_t)program_of(attacher, &request->probes[i]);
			offsets[attributes.count] = request->probes[i].offset;
			cookies[attributes.count++] = cookie_of(request, &request->probes[i]);
		}
		if (attributes.count == 0)
			continue;
		attributes.attach_type = BPF_TRACE_UPROBE_MULTI_TYPE;
		attributes.path = (uintptr_t)path;
		attributes.offsets = (uintptr_t)offsets;
		attributes.cookies = (uintptr_t)cookies;
		attributes.pid = request->only;
		attributes.uprobe_flags = group == BROKER_URETPROBE ? BPF_UPROBE_MULTI_RETURN : 0;
		link = syscall(SYS_bpf, BPF_LINK_CREATE, &attributes, sizeof(attributes));
		if (link < 0)
			return errno;
		attachment->descriptors[attachment->links++] = (int)link;
		attachment->count = attachment->links;
	}
	return 0;
}

static int attach_event(const struct attacher *attacher, const char *path, const struct broker_request *request,
			const struct broker_probe *probe, int *event)
{
	LIBBPF_OPTS(bpf_link_create_opts, options);
	struct perf_event_attr attributes;

	memset(&attributes, 0, sizeof(attributes));
	attributes.size = sizeof(attributes);
	attributes.type = attacher->pmu;
	attributes.config = probe->kind == BROKER_URETPROBE ? attacher->return_bit : 0;
	attributes.config1 = (uintptr_t)path; /* uprobe_path */
	attributes.config2 = probe->offset;   /* probe_offset */
	*event = (int)syscall(SYS_perf_event_open, &attributes, request->only ? (int)request->only : -1, request->only ? -1 : 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (*event < 0)
		return -errno;
	options.perf_event.bpf_cookie = cookie_of(request, probe);
	return bpf_link_create(program_of(attacher, probe), *event, BPF_PERF_EVENT, &options);
}

/* Shared by the attaching threads. */
struct attaching {
	const struct attacher *attacher;
	const char *path;
	const struct broker_request *request;
	int *links, *events; /* of each probe; negative: none */
	int error;	     /* of one that failed */
};

static void attach_one(void *argument, uint32_t index)
{
	struct attaching *all = argument;

	if (__atomic_load_n(&all->error, __ATOMIC_RELAXED))
		return;
	all->links[index] = attach_event(all->attacher, all->path, all->request, &all->request->probes[index], &all->events[index]);
	if (all->links[index] < 0)
		__atomic_store_n(&all->error, -all->links[index], __ATOMIC_RELAXED);
}

/* Moves non-negative entries to `to`, at or before `from`. */
static uint32_t pack(int *to, const int *from, uint32_t count)
{
	uint32_t packed = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (from[i] >= 0)
			to[packed++] = from[i];
	}
	return packed;
}

/*
 * Each probe needs a kernel lock that any removal holds for a tenth of a second: by the broker of an ended trace, or by
 * another program. The threads wait for it together, so that they wait once, not once each.
 */
static int attach_perf(const struct attacher *attacher, const char *path, const struct broker_request *request,
		       struct attachment *attachment)
{
	int *all = attachment->descriptors;
	struct attaching attaching = {attacher, path, request, all, all + request->count, 0};

	memset(all, 0xff, 2 * request->count * sizeof(*all)); /* -1 */
	in_parallel(attach_one, &attaching, request->count);
	attachment->links = pack(all, attaching.links, request->count);
	attachment->count = attachment->links + pack(all + attachment->links, attaching.events, request->count);
	return attaching.error;
}

int attach_probes(const struct attacher *attacher, int file, const struct broker_request *request, struct attachment *attachment)
{
	char path[64];

	*attachment = (struct attachment){0};
	attachment->descriptors = calloc(2 * request->count, sizeof(int));
	if (!attachment->descriptors)
		return ENOMEM;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	return attacher->way == TLS_ATTACH_PERF ? attach_perf(attacher, path, request, attachment) :
						  attach_multi(attacher, path, request, attachment);
}
