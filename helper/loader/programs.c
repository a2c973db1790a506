// SPDX-License-Identifier: MIT
/* The eBPF programs: opened from the loader's own memory, given their constants, loaded, attached. */
#include "loader.h"
#include "trace_http.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern const unsigned char programs_start[], programs_end[];

static bool verbose;

static int print(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	return verbose ? vfprintf(stderr, format, arguments) : 0;
}

/* Sets a constant of .rodata by its name; 4 bytes each. */
static void set_constant(struct bpf_object *object, const char *name, uint32_t value)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, ".rodata");
	const struct btf *btf = bpf_object__btf(object);
	const struct btf_type *section;
	unsigned char *values;
	size_t size;
	int id;

	values = map ? (unsigned char *)bpf_map__initial_value(map, &size) : NULL;
	id = btf ? btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC) : -1;
	if (!values || id < 0)
		fail("programs", "The programs hold no constants; this build is damaged.");
	section = btf__type_by_id(btf, id);
	for (int i = 0; i < btf_vlen(section); i++) {
		const struct btf_var_secinfo *variable = btf_var_secinfos(section) + i;
		const struct btf_type *type = btf__type_by_id(btf, variable->type);

		if (strcmp(btf__name_by_offset(btf, type->name_off), name) == 0 && variable->size == sizeof(value) &&
		    variable->offset + sizeof(value) <= size) {
			memcpy(values + variable->offset, &value, sizeof(value));
			return;
		}
	}
	fail("programs", "The programs have no constant %s; this build is damaged.", name);
}

static int map_descriptor(const struct bpf_object *object, const char *name)
{
	int descriptor = bpf_object__find_map_fd_by_name(object, name);

	if (descriptor < 0)
		fail("programs", "The programs have no map %s; this build is damaged.", name);
	return descriptor;
}

static _Noreturn void explain_refusal(int error)
{
	if (error == EPERM || error == EACCES)
		fail("no-permission",
		     "The kernel refused to load the programs: run as root, or check that lockdown and the container allow eBPF.");
	if (error == ENOMEM)
		fail("kernel", "The kernel has no memory for the programs' maps: choose a smaller ring.");
	fail("kernel", "This kernel does not accept the programs (%s); run with --verbose for the verifier's words.",
	     strerror(error));
}

void load_programs(const struct options *options, const struct requester *requester, struct programs *programs)
{
	LIBBPF_OPTS(bpf_object_open_opts, open_options, .object_name = "trace_http");
	struct bpf_object *object;
	struct bpf_program *program;
	int error;

	verbose = options->verbose;
	libbpf_set_print(print);
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		fail("kernel", "This kernel has no type information (/sys/kernel/btf/vmlinux): it must be built with CONFIG_DEBUG_INFO_BTF.");
	object = bpf_object__open_mem(programs_start, (size_t)(programs_end - programs_start), &open_options);
	if (!object)
		fail("programs", "The programs cannot be read (%s); this build is damaged.", strerror(errno));
	set_constant(object, "owner_uid", requester->uid);
	set_constant(object, "copy_limit", options->copy_limit);
	set_constant(object, "wakeup_bytes", options->ring_size / 4);
	bpf_map__set_max_entries(bpf_object__find_map_by_name(object, "data_ring"), options->ring_size);
	error = bpf_object__load(object);
	if (error)
		explain_refusal(-error);
	programs->data_ring = map_descriptor(object, "data_ring");
	programs->structure_ring = map_descriptor(object, "structure_ring");
	programs->targets = map_descriptor(object, "targets");
	programs->counters = map_descriptor(object, "counters_map");
	programs->link_count = 0;
	bpf_object__for_each_program(program, object) {
		struct bpf_link *link = bpf_program__attach(program);

		if (!link || programs->link_count == MAX_LINKS)
			explain_refusal(errno);
		programs->links[programs->link_count++] = bpf_link__fd(link);
	}
	/* The object is kept open until exec: its descriptors are what the helper inherits. */
}
