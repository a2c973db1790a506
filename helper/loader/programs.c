// SPDX-License-Identifier: MIT
/* The eBPF programs: opened from the loader's own memory, given their constants, loaded, attached. */
#include "loader.h"
#include "trace_http.h"
#include "uprobes.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

extern const unsigned char programs_start[], programs_end[];

static bool verbose;

static int print(enum libbpf_print_level level, const char *format, va_list arguments)
{
	/* The verifier's log is a warning; the rest is libbpf's own debugging output. */
	return verbose && level != LIBBPF_DEBUG ? vfprintf(stderr, format, arguments) : 0;
}

/* A variable of the programs with at least that many bytes: in the section to be loaded, or as mapped after loading. */
static void *variable(const struct bpf_object *object, const char *section_name, const char *name, size_t least)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, section_name);
	const struct btf *btf = bpf_object__btf(object);
	const struct btf_type *section;
	unsigned char *values;
	size_t size;
	int id;

	values = map ? (unsigned char *)bpf_map__initial_value(map, &size) : NULL;
	id = btf ? btf__find_by_name_kind(btf, section_name, BTF_KIND_DATASEC) : -1;
	if (!values || id < 0)
		fail("programs", "The programs have no %s; this build is damaged.", section_name);
	section = btf__type_by_id(btf, id);
	for (int i = 0; i < btf_vlen(section); i++) {
		const struct btf_var_secinfo *found = btf_var_secinfos(section) + i;
		const struct btf_type *type = btf__type_by_id(btf, found->type);

		if (strcmp(btf__name_by_offset(btf, type->name_off), name) == 0 && found->size >= least &&
		    found->offset + found->size <= size)
			return values + found->offset;
	}
	fail("programs", "The programs have no variable %s; this build is damaged.", name);
}

/* Sets a constant of .rodata by its name: numbers of 4 bytes, the rest of an array stays as it is. */
static void set_constants(struct bpf_object *object, const char *name, const uint32_t *numbers, size_t count)
{
	memcpy(variable(object, ".rodata", name, count * sizeof(*numbers)), numbers, count * sizeof(*numbers));
}

static void set_constant(struct bpf_object *object, const char *name, uint32_t value)
{
	set_constants(object, name, &value, 1);
}

static int map_descriptor(const struct bpf_object *object, const char *name)
{
	int descriptor = bpf_object__find_map_fd_by_name(object, name);

	if (descriptor < 0)
		fail("programs", "The programs have no map %s; this build is damaged.", name);
	return descriptor;
}

/* For a program that was left out, a descriptor of /dev/null. */
static int program_descriptor(const struct bpf_object *object, const char *name)
{
	const struct bpf_program *program = bpf_object__find_program_by_name(object, name);

	if (!program)
		fail("programs", "There is no program %s; this build is damaged.", name);
	return bpf_program__autoload(program) ? bpf_program__fd(program) : open("/dev/null", O_RDONLY | O_CLOEXEC);
}

const char *const tls_attach_names[] = {"none", "multi", "perf"};
const char *const backend_names[BACKENDS] = {"fentry", "kprobe", "tracepoint"};
/* As helper/protocol.ts has them. */
const char *const part_names[PARTS] = {"waiting", "begun", "tls", "hooks", "callers", "stacks"};

#define PART_BIT(part) (1u << (part))
#define ALL_PARTS (PART_BIT(PARTS) - 1)

static bool has_prefix(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Programs on functions of TLS libraries and of net/http: not attached here, but by the broker at the helper's request. */
static bool is_tls_program(const struct bpf_program *program)
{
	return strcmp(bpf_program__section_name(program), "uprobe") == 0;
}

/* The backend of a program, by its section; BACKENDS for those that all share. */
static enum backend backend_of(const struct bpf_program *program)
{
	const char *section = bpf_program__section_name(program);

	if (has_prefix(section, "fentry/") || has_prefix(section, "fexit/"))
		return BACKEND_FENTRY;
	if (has_prefix(section, "kprobe/") || has_prefix(section, "kretprobe"))
		return BACKEND_KPROBE;
	if (has_prefix(section, "tp_btf/sys_"))
		return BACKEND_TRACEPOINT;
	return BACKENDS;
}

/* Sees calls that began before the trace, for the backends below the system calls (bpf/begun.h). */
static bool is_backstop(const struct bpf_program *program)
{
	return strcmp(bpf_program__name(program), "trace_http_begun") == 0;
}

/* Checks each connection when the trace ends; needed only with a latency filter (bpf/waiting.h). */
static bool reports_waiting(const struct bpf_program *program)
{
	return strcmp(bpf_program__name(program), "trace_http_waiting") == 0;
}

/* On the return of several functions: it is loaded once and attached to each. */
static bool is_common_return(const struct bpf_program *program)
{
	return strcmp(bpf_program__section_name(program), "kretprobe") == 0;
}

static const char *const moving_functions[] = {"tcp_sendmsg",	     "tcp_recvmsg",	    "tcp_sendpage",
					       "tcp_splice_read",    "unix_stream_sendmsg", "unix_stream_recvmsg",
					       "unix_stream_sendpage", "unix_stream_splice_read", "mptcp_sendmsg",
					       "mptcp_recvmsg"};

/* The optional part that a program is, or PARTS when the backend needs it. */
static enum part part_of(const struct bpf_program *program)
{
	if (reports_waiting(program))
		return PART_WAITING;
	if (is_backstop(program))
		return PART_BEGUN;
	if (strcmp(bpf_program__name(program), "trace_http_go_caller") == 0)
		return PART_CALLERS;
	if (is_tls_program(program))
		return PART_TLS;
	return PARTS;
}

/* The part of a program's section name after the slash. */
static const char *function_of(const struct bpf_program *program)
{
	const char *slash = strchr(bpf_program__section_name(program), '/');

	return slash ? slash + 1 : "";
}

/* These functions are required; the others exist only in some kernel versions. */
static bool is_required(const char *function)
{
	return strcmp(function, "tcp_sendmsg") == 0 || strcmp(function, "tcp_recvmsg") == 0;
}

/* Parsed once, which takes long; NULL when it cannot be read. */
static const struct btf *kernel_types(void)
{
	static struct btf *types;

	if (!types)
		types = btf__load_vmlinux_btf();
	return types;
}

/*
 * 0, or the errno with which this kernel refuses a minimal fentry program: this avoids preparing the whole backend to
 * find that out.
 */
static int refuses_fentry(void)
{
	const struct bpf_insn instructions[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int function = btf__find_by_name_kind(kernel_types(), "tcp_sendmsg", BTF_KIND_FUNC);
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_FENTRY, .attach_btf_id = (uint32_t)function);
	int descriptor;

	if (function < 0)
		return 0; /* select_programs says so */
	descriptor = bpf_prog_load(BPF_PROG_TYPE_TRACING, "trace_http_try", "GPL", instructions,
				   sizeof(instructions) / sizeof(*instructions), &options);
	if (descriptor < 0)
		return errno;
	close(descriptor);
	return 0;
}

/* Selects the backend's programs, without these parts. False, with a reason, when this kernel lacks a function. */
static bool select_programs(struct bpf_object *object, enum backend backend, unsigned int without, char *reason)
{
	const struct btf *kernel = kernel_types();
	struct bpf_program *program;
	bool complete = true;

	bpf_object__for_each_program(program, object) {
		enum backend own = backend_of(program);
		const char *function = function_of(program);
		bool hooks_function = (own == BACKEND_FENTRY || own == BACKEND_KPROBE) && !is_common_return(program);
		bool wanted = is_backstop(program) ? backend != BACKEND_TRACEPOINT : own == backend || own == BACKENDS;

		if (wanted && hooks_function && btf__find_by_name_kind(kernel, function, BTF_KIND_FUNC) < 0) {
			wanted = false;
			if (is_required(function)) {
				snprintf(reason, REASON_SIZE, "this kernel has no function %s", function);
				complete = false;
			}
		}
		if (is_list_of_rings(program) || (part_of(program) != PARTS && without & PART_BIT(part_of(program))))
			wanted = false;
		bpf_program__set_autoload(program, wanted);
	}
	return complete;
}

/* Inode of the pid namespace in which processes are named here; 0 for the initial one. */
static uint32_t foreign_pid_namespace(void)
{
	const ino_t initial = 0xEFFFFFFCu; /* PROC_PID_INIT_INO, include/linux/proc_ns.h */
	struct stat status;

	if (stat("/proc/self/ns/pid", &status))
		fail("kernel", "The pid namespace cannot be determined: %s.", strerror(errno));
	return status.st_ino == initial ? 0 : (uint32_t)status.st_ino;
}

/*
 * The part of the data ring that is reserved for heads: a quarter, and in a small ring most of it. Bodies are copied only
 * while less than the rest is in use. On a busy machine some milliseconds pass until the reader runs, in which the heads of a
 * burst alone are some 100 KiB.
 */
#define HEADS_MIN (240u << 10)
#define BODIES_SHARE 16 /* the part of a smaller ring that bodies may fill */

static void set_ring_steps(struct bpf_object *object, uint32_t size)
{
	uint32_t bodies = size / 4 * 3;

	if (size - bodies < HEADS_MIN)
		bodies = size > HEADS_MIN + size / BODIES_SHARE ? size - HEADS_MIN : size / BODIES_SHARE;
	set_constant(object, "heads_only_bytes", bodies);
	set_constant(object, "half_bytes", bodies / 3 * 2);
	set_constant(object, "wakeup_bytes", bodies / 3);
}

/* Created once, for all load attempts. */
static int data_ring;

static struct bpf_object *open_programs(const struct options *options, const struct requester *requester)
{
	LIBBPF_OPTS(bpf_object_open_opts, open_options, .object_name = "trace_http");
	static int types = -2; /* not made yet; -1: cannot be made, and libbpf searches all of the kernel's */
	struct bpf_object *object;
	char path[32];

	if (types == -2)
		types = core_types(kernel_types());
	if (types >= 0) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", types);
		open_options.btf_custom_path = path;
	}
	object = bpf_object__open_mem(programs_start, (size_t)(programs_end - programs_start), &open_options);
	if (!object)
		fail("programs", "The programs cannot be read (%s); this build is damaged.", strerror(errno));
	set_constant(object, "owner_uid", requester->uid);
	set_constants(object, "owner_groups", requester->groups, requester->group_count);
	set_constant(object, "owner_group_count", requester->group_count);
	set_constant(object, "request_copy_limit", options->request_copy_limit);
	set_constant(object, "response_copy_limit", options->response_copy_limit);
	set_constant(object, "min_latency_us", options->min_latency);
	set_constant(object, "pid_namespace", foreign_pid_namespace());
	set_ring_steps(object, options->ring_size);
	if (bpf_map__reuse_fd(bpf_object__find_map_by_name(object, "data_ring"), data_ring))
		fail("programs", "The programs do not take their ring: %s.", strerror(errno));
	if (!options->min_latency) /* its memory is preallocated */
		bpf_map__set_max_entries(bpf_object__find_map_by_name(object, "http_events"), 1);
	return object;
}

static void keep_link(struct programs *programs, const struct bpf_link *link)
{
	if (programs->link_count == MAX_LINKS)
		fail("programs", "There are more programs than links; this build is damaged.");
	programs->links[programs->link_count++] = bpf_link__fd(link);
}

/*
 * 0, or an errno and the reason. A part that the kernel does not attach is
 * left out, and the effect is reported.
 */
static int attach(struct programs *programs, const struct bpf_program *program, const char *function, char *reason)
{
	struct bpf_link *link = is_common_return(program) ? bpf_program__attach_kprobe(program, true, function) :
							    bpf_program__attach(program);
	enum part part = part_of(program);
	int error = errno;

	if (link) {
		keep_link(programs, link);
		return 0;
	}
	if (backend_of(program) == BACKEND_KPROBE && !is_required(function)) {
		/* Functions that this kernel lacks were not selected; for returns, this is only known here. */
		if (error == ENOENT)
			return 0;
		part = PART_HOOKS;
	}
	if (part != PARTS)
		reason = programs->missing[part];
	snprintf(reason, REASON_SIZE, "the kernel does not attach to %s: %s", function, strerror(error));
	return part != PARTS ? 0 : error ? error : EINVAL;
}

/* A variable of .bss as the programs have it at run time; NULL when the kernel does not show it. */
static volatile uint32_t *shared_variable(const struct bpf_object *object, const char *name)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, ".bss");
	const unsigned char *here = variable(object, ".bss", name, sizeof(uint32_t)); /* libbpf's copy */
	size_t size, offset = (size_t)(here - (const unsigned char *)bpf_map__initial_value(map, &size));
	void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	return shared == MAP_FAILED ? NULL : (volatile uint32_t *)((unsigned char *)shared + offset);
}

/*
 * What a further trace needs (broker.c). Kernel probes need a privilege that the broker does not keep, and a
 * latency filter ends with its trace (bpf/waiting.h).
 */
static void note_trace_programs(const struct bpf_object *object, const struct options *options, struct programs *programs)
{
	struct bpf_program *program;
	struct bpf_map *map;

	programs->trace_program_count = programs->state_count = 0;
	if (programs->backend == BACKEND_KPROBE || programs->tls_attach == TLS_ATTACH_NONE || options->min_latency)
		return;
	bpf_object__for_each_map(map, object) {
		enum bpf_map_type type = bpf_map__type(map);

		if (type != BPF_MAP_TYPE_HASH && type != BPF_MAP_TYPE_LRU_HASH)
			continue;
		if (programs->state_count == MAX_STATES || bpf_map__key_size(map) > MAP_KEY_MAX)
			fail("programs", "There are more maps than expected; this build is damaged.");
		programs->states[programs->state_count++] = bpf_map__fd(map);
	}
	programs->this_trace = shared_variable(object, "this_trace");
	if (!programs->this_trace)
		return;
	bpf_object__for_each_program(program, object) {
		if (!bpf_program__autoload(program) || is_tls_program(program))
			continue;
		programs->trace_programs[programs->trace_program_count++] =
			(struct trace_program){bpf_program__fd(program), (uint32_t)bpf_program__expected_attach_type(program)};
	}
}

/* The backend's programs, loaded, without these parts; NULL with an errno and the reason. */
static struct bpf_object *load_object(const struct options *options, const struct requester *requester, enum backend backend,
				      enum tls_attach tls_attach, unsigned int without, char *reason)
{
	struct bpf_object *object = open_programs(options, requester);
	struct bpf_program *program;
	int error = ENOENT;

	set_constant(object, "takes_stacks", !(without & PART_BIT(PART_STACKS)));
	if (without & PART_BIT(PART_STACKS)) /* its memory is preallocated */
		bpf_map__set_max_entries(bpf_object__find_map_by_name(object, "stack_policies"), 1);
	if (select_programs(object, backend, without, reason)) {
		bpf_object__for_each_program(program, object) {
			if (is_tls_program(program) && tls_attach == TLS_ATTACH_MULTI)
				bpf_program__set_expected_attach_type(program, (enum bpf_attach_type)BPF_TRACE_UPROBE_MULTI_TYPE);
		}
		error = -bpf_object__load(object);
		if (!error)
			return object;
		snprintf(reason, REASON_SIZE, "the kernel does not load its programs: %s", strerror(error));
	}
	bpf_object__close(object);
	errno = error;
	return NULL;
}

/* The parts that are programs or options of this backend, except those that are left out anyway. */
static unsigned int parts_to_load(enum backend backend, unsigned int without)
{
	/* No program is loaded for PART_HOOKS alone: only attaching shows whether the kernel accepts the hooks. */
	without |= PART_BIT(PART_HOOKS);
	if (backend == BACKEND_TRACEPOINT)
		without |= PART_BIT(PART_BEGUN);
	return ALL_PARTS & ~without;
}

/*
 * Loads as much of the backend as the kernel accepts. libbpf loads all programs
 * or none, and does not say which was refused. So if loading all fails, it
 * tries without any part, and then each one alone. If all parts are accepted,
 * this costs nothing.
 */
static struct bpf_object *load_what_is_taken(const struct options *options, const struct requester *requester, enum backend backend,
					     struct programs *programs)
{
	/* Needed only with a filter. */
	unsigned int without = options->min_latency ? 0 : PART_BIT(PART_WAITING);
	char *reason = programs->refusals[backend];
	unsigned int refused = parts_to_load(backend, without);
	struct bpf_object *object;

	object = load_object(options, requester, backend, programs->tls_attach, without, reason);
	if (object || errno == ENOENT || errno == ENOMEM)
		return object;
	object = load_object(options, requester, backend, programs->tls_attach, ALL_PARTS, reason);
	if (!object)
		return NULL;
	bpf_object__close(object);
	for (int part = 0; part < PARTS; part++) {
		if (!(refused & PART_BIT(part)))
			continue;
		object = load_object(options, requester, backend, programs->tls_attach, ALL_PARTS & ~PART_BIT(part), programs->missing[part]);
		if (!object)
			continue;
		refused &= ~PART_BIT(part);
		bpf_object__close(object);
	}
	reason[0] = 0;
	return load_object(options, requester, backend, programs->tls_attach, without | refused, reason);
}

/* 0 and the descriptors, or an errno and the reason. The object stays open: its descriptors are the helper's. */
static int try_backend(const struct options *options, const struct requester *requester, enum backend backend,
		       struct programs *programs)
{
	char *reason = programs->refusals[backend];
	struct bpf_program *program;
	struct bpf_object *object;
	int error = 0;

	memset(programs->missing, 0, sizeof(programs->missing));
	/* Checked first: else all programs would be verified before the first one fails to attach. */
	if (backend == BACKEND_KPROBE && access("/sys/bus/event_source/devices/kprobe/type", F_OK) &&
	    access("/sys/kernel/tracing/kprobe_events", F_OK)) {
		snprintf(reason, REASON_SIZE, "this kernel was built without kprobes");
		return ENOENT;
	}
	/* Not if the user has chosen this backend: then the verifier's log of its programs is wanted (--verbose). */
	if (backend == BACKEND_FENTRY && options->backend < 0) {
		error = refuses_fentry();
		if (error) {
			snprintf(reason, REASON_SIZE, "the kernel does not load its programs: %s", strerror(error));
			return error;
		}
	}
	programs->tls_attach = options->tls_attach >= 0 ? (enum tls_attach)options->tls_attach :
			       has_uprobe_multi()	? TLS_ATTACH_MULTI :
							  TLS_ATTACH_PERF;
	object = load_what_is_taken(options, requester, backend, programs);
	if (!object)
		return errno;
	programs->link_count = 0;
	bpf_object__for_each_program(program, object) {
		if (!bpf_program__autoload(program) || is_tls_program(program))
			continue;
		if (!is_common_return(program)) {
			error = attach(programs, program, function_of(program), reason);
		} else {
			for (size_t i = 0; i < sizeof(moving_functions) / sizeof(*moving_functions) && !error; i++)
				error = attach(programs, program, moving_functions[i], reason);
		}
		if (error) {
			bpf_object__close(object); /* and with it the links */
			return error;
		}
	}
	if (programs->missing[PART_TLS][0])
		programs->tls_attach = TLS_ATTACH_NONE;
	programs->data_ring = data_ring;
	programs->structure_ring = map_descriptor(object, "structure_ring");
	programs->targets = map_descriptor(object, "targets");
	programs->counters = map_descriptor(object, "counters_map");
	programs->named_targets = map_descriptor(object, "named_targets");
	programs->waiting = map_descriptor(object, "waiting_wanted");
	programs->process_ring = map_descriptor(object, "process_ring");
	programs->breaks = map_descriptor(object, "call_breaks");
	programs->automaton = map_descriptor(object, "break_automaton");
	programs->stacks = map_descriptor(object, "stack_policies");
	programs->tls_enter = program_descriptor(object, "trace_http_tls_enter");
	programs->tls_leave = program_descriptor(object, "trace_http_tls_leave");
	programs->go_caller = program_descriptor(object, "trace_http_go_caller");
	programs->foreign_pids = foreign_pid_namespace() != 0;
	programs->backend = backend;
	note_trace_programs(object, options, programs);
	reason[0] = 0;
	return 0;
}

static _Noreturn void explain_refusal(int error, enum backend backend, const struct programs *programs)
{
	/* Some kernels refuse one kind of program even to those who may load others. */
	bool may_load = libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_RAW_TRACEPOINT, NULL) == 1;

	if ((error == EPERM || error == EACCES) && !may_load)
		fail("no-permission",
		     "The kernel refused to load the programs: run as root, or check that lockdown and the container allow eBPF.");
	if (error == ENOMEM)
		fail("kernel", "The kernel has no memory for the programs' maps: choose a smaller ring.");
	/* ENOENT: it was not even tried. */
	fail("kernel", "This kernel does not accept the %s backend: %s.%s", backend_names[backend],
	     programs->refusals[backend], error == ENOENT ? "" : " Run with --verbose to see the kernel's messages.");
}

void load_programs(const struct options *options, const struct requester *requester, struct programs *programs)
{
	int error = 0, backend;

	verbose = options->verbose;
	libbpf_set_print(print);
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		fail("kernel", "This kernel has no type information (/sys/kernel/btf/vmlinux): it must be built with CONFIG_DEBUG_INFO_BTF.");
	data_ring = make_data_ring(options, requester);
	if (data_ring < 0) {
		error = errno;
		if (verbose)
			fprintf(stderr, "bpf(BPF_MAP_CREATE) of the data ring failed: %s\n", strerror(error));
		backend = options->backend >= 0 ? options->backend : BACKEND_TRACEPOINT;
		snprintf(programs->refusals[backend], REASON_SIZE, "the kernel cannot create the ring buffer: %s", strerror(error));
		explain_refusal(error, (enum backend)backend, programs);
	}
	if (options->backend >= 0) {
		error = try_backend(options, requester, options->backend, programs);
		if (error)
			explain_refusal(error, options->backend, programs);
		return;
	}
	for (backend = 0; backend < BACKENDS; backend++) {
		error = try_backend(options, requester, backend, programs);
		if (!error)
			return;
	}
	explain_refusal(error, BACKEND_TRACEPOINT, programs);
}
