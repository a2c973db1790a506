// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "attach.h"
#include "probe_places.h"
#include "uprobes.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DETACHERS 32

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

	if (attacher->way != TLS_ATTACH_PERF)
		return true;
	if (read_kernel_number("/sys/bus/event_source/devices/uprobe/type", "%u", &number) ||
	    read_kernel_number("/sys/bus/event_source/devices/uprobe/format/retprobe", "config:%u", &bit) || bit > 63)
		return false;
	attacher->pmu = number;
	attacher->return_bit = 1ull << bit;
	return true;
}

/* From 0 up: the function (8 bits), the library (8), how much deeper the stack is there (16), the file (32): bpf/tls.h. */
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

/* The kinds of probes of which each has a link of its own: those of broker_kind, then the entries that show callers. */
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

static int attach_perf(const struct attacher *attacher, const char *path, const struct broker_request *request,
		       struct attachment *attachment)
{
	int *events = attachment->descriptors + request->count;

	for (uint32_t i = 0; i < request->count; i++) {
		int link = attach_event(attacher, path, request, &request->probes[i], &events[i]);

		if (link < 0) {
			if (events[i] >= 0)
				close(events[i]);
			memmove(attachment->descriptors + i, events, i * sizeof(*events));
			attachment->count = 2 * i;
			return -link;
		}
		attachment->descriptors[i] = link;
		attachment->links = i + 1;
	}
	attachment->count = 2 * request->count;
	return 0;
}

int attach_probes(const struct attacher *attacher, int file, const struct broker_request *request, struct attachment *attachment)
{
	char path[64];
	int error;

	*attachment = (struct attachment){0};
	attachment->descriptors = calloc(2 * request->count, sizeof(int));
	if (!attachment->descriptors)
		return ENOMEM;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	error = attacher->way == TLS_ATTACH_PERF ? attach_perf(attacher, path, request, attachment) :
						   attach_multi(attacher, path, request, attachment);
	if (error)
		detach_probes(attachment, 1);
	return error;
}

struct closing {
	const int *descriptors;
	uint32_t count;
	uint32_t next; /* shared by the threads */
};

static void *close_some(void *argument)
{
	struct closing *closing = argument;

	for (;;) {
		uint32_t index = __atomic_fetch_add(&closing->next, 1, __ATOMIC_RELAXED);

		if (index >= closing->count)
			return NULL;
		close(closing->descriptors[index]);
	}
}

static void close_all(const int *descriptors, uint32_t count, uint32_t most)
{
	struct closing closing = {descriptors, count, 0};
	pthread_t threads[DETACHERS];
	uint32_t started = 0;

	while (started + 1 < count && started < most && started < DETACHERS && pthread_create(&threads[started], NULL, close_some, &closing) == 0)
		started++;
	close_some(&closing);
	while (started > 0)
		pthread_join(threads[--started], NULL);
}

void detach_probes(struct attachment *attachments, size_t count)
{
	/* Links first: with perf this stops the programs, so the breakpoints, which are removed one by one, have no effect. */
	for (int events = 0; events < 2; events++) {
		uint32_t total = 0;
		int *all;

		for (size_t i = 0; i < count; i++)
			total += events ? attachments[i].count - attachments[i].links : attachments[i].links;
		all = total ? malloc(total * sizeof(*all)) : NULL;
		total = 0;
		for (size_t i = 0; i < count && all; i++) {
			uint32_t from = events ? attachments[i].links : 0, to = events ? attachments[i].count : attachments[i].links;

			if (from < to)
				memcpy(all + total, attachments[i].descriptors + from, (to - from) * sizeof(*all));
			total += to - from;
		}
		/* Perf takes one mutex for each close, and attaching waits for it too: many threads would only hold it longer. */
		if (all)
			close_all(all, total, events ? 0 : DETACHERS);
		free(all);
	}
	for (size_t i = 0; i < count; i++) {
		free(attachments[i].descriptors);
		attachments[i] = (struct attachment){0};
	}
}
