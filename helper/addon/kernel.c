// SPDX-License-Identifier: MIT
/* Maps by their descriptors, processes by pidfd, clocks. */
#define _GNU_SOURCE
#include "addon.h"
#include "trace_http.h"

#include <errno.h>
#include <linux/bpf.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

napi_value throw_errno(napi_env env, const char *what)
{
	char message[128];
	const char *code = errno == ESRCH    ? "ESRCH"
			   : errno == EPERM  ? "EPERM"
			   : errno == E2BIG  ? "E2BIG"
			   : errno == EEXIST ? "EEXIST"
			   : errno == ENOENT ? "ENOENT"
					     : "EKERNEL";

	snprintf(message, sizeof(message), "%s: %s", what, strerror(errno));
	napi_throw_error(env, code, message);
	return NULL;
}

#define MOST_NUMBERS 5

static bool read_numbers(napi_env env, napi_callback_info info, uint32_t *numbers, size_t wanted)
{
	napi_value arguments[MOST_NUMBERS];
	size_t count = MOST_NUMBERS;

	if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count < wanted)
		goto refuse;
	for (size_t i = 0; i < wanted; i++) {
		if (napi_get_value_uint32(env, arguments[i], &numbers[i]) != napi_ok)
			goto refuse;
	}
	return true;
refuse:
	napi_throw_type_error(env, NULL, "numbers are expected");
	return false;
}

static long map_operation(enum bpf_cmd command, int descriptor, const void *key, const void *value, uint64_t flags)
{
	union bpf_attr attributes;

	memset(&attributes, 0, sizeof(attributes));
	attributes.map_fd = (uint32_t)descriptor;
	attributes.key = (uint64_t)(uintptr_t)key;
	attributes.value = (uint64_t)(uintptr_t)value;
	attributes.flags = flags;
	return syscall(SYS_bpf, command, &attributes, sizeof(attributes));
}

/* setTarget(map, pid, flags, startTime, when): when is BPF_ANY, BPF_NOEXIST or BPF_EXIST */
static napi_value set_target(napi_env env, napi_callback_info info)
{
	struct target target = {0};
	uint32_t numbers[5];

	if (!read_numbers(env, info, numbers, 5))
		return NULL;
	target.flags = numbers[2];
	target.start_time = numbers[3];
	if (map_operation(BPF_MAP_UPDATE_ELEM, (int)numbers[0], &numbers[1], &target, numbers[4]))
		return throw_errno(env, "target");
	return NULL;
}

/* deleteTarget(map, pid): whether it was one */
static napi_value delete_target(napi_env env, napi_callback_info info)
{
	uint32_t numbers[2];
	napi_value result;

	if (!read_numbers(env, info, numbers, 2))
		return NULL;
	napi_get_boolean(env, map_operation(BPF_MAP_DELETE_ELEM, (int)numbers[0], &numbers[1], NULL, 0) == 0, &result);
	return result;
}

/* listTargets(map): [pid, flags, …] */
static napi_value list_targets(napi_env env, napi_callback_info info)
{
	uint32_t map, key = 0, next, count = 0;
	bool first = true;
	napi_value result, number;

	if (!read_numbers(env, info, &map, 1))
		return NULL;
	napi_create_array(env, &result);
	/* If a key is deleted meanwhile, the walk restarts; the bound ends it. */
	while (count < 2 * 65536) {
		struct target target = {0};

		if (map_operation(BPF_MAP_GET_NEXT_KEY, (int)map, first ? NULL : &key, &next, 0))
			break;
		first = false;
		key = next;
		if (map_operation(BPF_MAP_LOOKUP_ELEM, (int)map, &key, &target, 0))
			continue;
		napi_create_uint32(env, key, &number);
		napi_set_element(env, result, count++, number);
		napi_create_uint32(env, target.flags, &number);
		napi_set_element(env, result, count++, number);
	}
	return result;
}

/* reportWaiting(map): renames this thread to its own name, as the eBPF program runs when a thread is renamed (bpf/waiting.h) */
static napi_value report_waiting(napi_env env, napi_callback_info info)
{
	uint32_t map, key = 0, wanted = 1;
	char name[16]; /* TASK_COMM_LEN */

	if (!read_numbers(env, info, &map, 1))
		return NULL;
	if (map_operation(BPF_MAP_UPDATE_ELEM, (int)map, &key, &wanted, BPF_ANY) || prctl(PR_GET_NAME, name) ||
	    prctl(PR_SET_NAME, name))
		return throw_errno(env, "waiting requests");
	return NULL;
}

/* clearTargets(map) */
static napi_value clear_targets(napi_env env, napi_callback_info info)
{
	uint32_t map, key;

	if (!read_numbers(env, info, &map, 1))
		return NULL;
	/* A followed process may add a key meanwhile; the bound ends the walk. */
	for (uint32_t count = 0; count < 131072; count++) {
		union bpf_attr attributes;

		memset(&attributes, 0, sizeof(attributes));
		attributes.map_fd = map;
		attributes.next_key = (uint64_t)(uintptr_t)&key;
		if (syscall(SYS_bpf, BPF_MAP_GET_NEXT_KEY, &attributes, sizeof(attributes)))
			break;
		map_operation(BPF_MAP_DELETE_ELEM, (int)map, &key, NULL, 0);
	}
	return NULL;
}

/* setAutomaton(map, bytes): a struct break_automaton */
static napi_value set_automaton(napi_env env, napi_callback_info info)
{
	napi_value arguments[2];
	size_t count = 2, size;
	uint32_t map, zero = 0;
	void *bytes;

	if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count < 2 ||
	    napi_get_value_uint32(env, arguments[0], &map) != napi_ok ||
	    napi_get_buffer_info(env, arguments[1], &bytes, &size) != napi_ok || size != sizeof(struct break_automaton)) {
		napi_throw_type_error(env, NULL, "a map and an automaton are expected");
		return NULL;
	}
	if (map_operation(BPF_MAP_UPDATE_ELEM, (int)map, &zero, bytes, BPF_ANY))
		return throw_errno(env, "automaton");
	return NULL;
}

/* armBreak(map, pid) */
static napi_value arm_break(napi_env env, napi_callback_info info)
{
	struct call_break armed = {.state = BREAK_ARMED};
	uint32_t numbers[2];

	if (!read_numbers(env, info, numbers, 2))
		return NULL;
	if (map_operation(BPF_MAP_UPDATE_ELEM, (int)numbers[0], &numbers[1], &armed, BPF_ANY))
		return throw_errno(env, "break");
	return NULL;
}

/* setStacks(map, pid, state): enum stack_state */
static napi_value set_stacks(napi_env env, napi_callback_info info)
{
	struct stack_policy policy = {0};
	uint32_t numbers[3];

	if (!read_numbers(env, info, numbers, 3))
		return NULL;
	policy.state = numbers[2];
	if (map_operation(BPF_MAP_UPDATE_ELEM, (int)numbers[0], &numbers[1], &policy, BPF_ANY))
		return throw_errno(env, "stacks");
	return NULL;
}

/* readBreak(map, pid): the hit, [thread, whether it was to be encrypted, head]; null: none */
static napi_value read_break(napi_env env, napi_callback_info info)
{
	struct call_break hit = {0};
	napi_value result, value;
	uint32_t numbers[2];

	if (!read_numbers(env, info, numbers, 2))
		return NULL;
	if (map_operation(BPF_MAP_LOOKUP_ELEM, (int)numbers[0], &numbers[1], &hit, 0) || hit.state != BREAK_HIT ||
	    hit.length > BREAK_HEAD) {
		napi_get_null(env, &result);
		return result;
	}
	napi_create_array_with_length(env, 3, &result);
	napi_create_uint32(env, hit.thread, &value);
	napi_set_element(env, result, 0, value);
	napi_get_boolean(env, hit.encrypted != 0, &value);
	napi_set_element(env, result, 1, value);
	napi_create_buffer_copy(env, hit.length, hit.head, NULL, &value);
	napi_set_element(env, result, 2, value);
	return result;
}

static int possible_cpus(void)
{
	/* "0-7", "0,2-3": there is a value for each possible CPU, so the last number gives the count. */
	FILE *file = fopen("/sys/devices/system/cpu/possible", "re");
	int first, last = 0, most = 0;
	char separator;

	if (!file)
		return -1;
	while (fscanf(file, "%d", &first) == 1) {
		last = first;
		if (fscanf(file, "%c", &separator) == 1 && separator == '-' && fscanf(file, "%d", &last) != 1)
			last = first;
		if (last > most)
			most = last;
		if (separator == '-' && fscanf(file, "%c", &separator) != 1)
			break;
	}
	fclose(file);
	return most + 1;
}

/* readCounters(map): sums over CPUs, in the order of struct counters */
static napi_value read_counters(napi_env env, napi_callback_info info)
{
	const size_t fields = sizeof(struct counters) / sizeof(unsigned long long);
	unsigned long long *values;
	uint32_t map, zero = 0;
	napi_value result;
	int cpus = possible_cpus();

	if (!read_numbers(env, info, &map, 1))
		return NULL;
	if (cpus < 1)
		return throw_errno(env, "CPUs");
	values = calloc((size_t)cpus, sizeof(struct counters));
	if (!values)
		return throw_errno(env, "counters");
	if (map_operation(BPF_MAP_LOOKUP_ELEM, (int)map, &zero, values, 0)) {
		free(values);
		return throw_errno(env, "counters");
	}
	napi_create_array_with_length(env, fields, &result);
	for (size_t field = 0; field < fields; field++) {
		unsigned long long sum = 0;
		napi_value number;

		for (int cpu = 0; cpu < cpus; cpu++)
			sum += values[(size_t)cpu * fields + field];
		napi_create_double(env, (double)sum, &number);
		napi_set_element(env, result, (uint32_t)field, number);
	}
	free(values);
	return result;
}

/* openPidfd(pid) */
static napi_value open_pidfd(napi_env env, napi_callback_info info)
{
	napi_value result;
	uint32_t pid;
	long descriptor;

	if (!read_numbers(env, info, &pid, 1))
		return NULL;
	descriptor = syscall(SYS_pidfd_open, pid, 0);
	if (descriptor < 0)
		return throw_errno(env, "process");
	napi_create_int32(env, (int)descriptor, &result);
	return result;
}

/* isAlive(pidfd) */
static napi_value is_alive(napi_env env, napi_callback_info info)
{
	struct pollfd poll_descriptor = {.events = POLLIN};
	napi_value result;
	uint32_t descriptor;

	if (!read_numbers(env, info, &descriptor, 1))
		return NULL;
	poll_descriptor.fd = (int)descriptor;
	napi_get_boolean(env, poll(&poll_descriptor, 1, 0) == 0, &result);
	return result;
}

/* readClocks(): [boot time, wall time minus boot time, boot time minus monotonic time], nanoseconds */
static napi_value read_clocks(napi_env env, napi_callback_info info)
{
	napi_value result, element;
	struct timespec wall, monotonic;
	uint64_t before, after, middle;

	(void)info;
	before = boot_time();
	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	after = boot_time();
	middle = before + (after - before) / 2;
	napi_create_array_with_length(env, 3, &result);
	napi_create_bigint_uint64(env, middle, &element);
	napi_set_element(env, result, 0, element);
	napi_create_bigint_int64(env, (int64_t)wall.tv_sec * 1000000000 + wall.tv_nsec - (int64_t)middle, &element);
	napi_set_element(env, result, 1, element);
	napi_create_bigint_int64(
	    env, (int64_t)middle - ((int64_t)monotonic.tv_sec * 1000000000 + monotonic.tv_nsec), &element);
	napi_set_element(env, result, 2, element);
	return result;
}

void define_kernel_functions(napi_env env, napi_value exports)
{
	static const struct function functions[] = {
		{"setTarget", set_target},       {"deleteTarget", delete_target}, {"listTargets", list_targets},
		{"clearTargets", clear_targets}, {"reportWaiting", report_waiting}, {"readCounters", read_counters}, {"openPidfd", open_pidfd},
		{"isAlive", is_alive},		 {"readClocks", read_clocks},	   {"setAutomaton", set_automaton},
		{"armBreak", arm_break},	 {"readBreak", read_break},	   {"setStacks", set_stacks},
	};

	define_functions(env, exports, functions, sizeof(functions) / sizeof(*functions));
}
