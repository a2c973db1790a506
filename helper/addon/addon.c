// SPDX-License-Identifier: MIT
/*
 * The rings' interface to JavaScript: a callback when there is something to
 * read, and drain(). One thread waits for a wake-up from the kernel, or for
 * the timer that makes the row of a quiet program appear in time.
 */
#define _GNU_SOURCE
#include "addon.h"
#include "trace_http.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

/* A row is to appear within 50 ms of the system call; this is the reader's part of it. */
#define POLL_MS 20
/* One batch, which is one frame on the socket. Above the largest record (16 KiB and its header). */
#define BATCH_SIZE (512u << 10)
/* Room before the records for the frame's header, so that the batch is written without another copy. */
#define BATCH_HEADROOM 6

static struct {
	struct ring data, structure, process;
	unsigned char *batch;
	int epoll;
	pthread_t thread;
	napi_threadsafe_function notify, notify_processes;
	bool open, thread_runs;
	volatile bool closing;
	volatile bool notified, notified_processes;
} rings;

static void notify_javascript(napi_env env, napi_value callback, void *context, void *argument)
{
	napi_value undefined;

	(void)context;
	(void)argument;
	__atomic_store_n(&rings.notified, false, __ATOMIC_RELEASE);
	if (!env || !callback)
		return;
	napi_get_undefined(env, &undefined);
	napi_call_function(env, undefined, callback, 0, NULL, NULL);
}

static void notify_of_processes(napi_env env, napi_value callback, void *context, void *argument)
{
	static struct process_event events[MAX_EVENTS]; /* on the one thread of JavaScript */
	napi_value undefined, changes, values[4];
	size_t count;

	(void)context;
	(void)argument;
	__atomic_store_n(&rings.notified_processes, false, __ATOMIC_RELEASE);
	if (!env || !callback || !rings.open)
		return;
	/* The ring holds no more than that many times the room here. */
	while ((count = ring_take_events(&rings.process, events, MAX_EVENTS)) > 0) {
		napi_create_array_with_length(env, 4 * count, &changes);
		for (size_t i = 0; i < count; i++) {
			napi_create_uint32(env, events[i].change, &values[0]);
			napi_create_uint32(env, events[i].pid, &values[1]);
			napi_create_bigint_uint64(env, events[i].inode, &values[2]);
			napi_create_string_utf8(env, events[i].path, NAPI_AUTO_LENGTH, &values[3]);
			for (uint32_t part = 0; part < 4; part++)
				napi_set_element(env, changes, (uint32_t)i * 4 + part, values[part]);
		}
		napi_get_undefined(env, &undefined);
		napi_call_function(env, undefined, callback, 1, &changes, NULL);
	}
}

static void *wait_for_records(void *argument)
{
	(void)argument;
	while (!__atomic_load_n(&rings.closing, __ATOMIC_ACQUIRE)) {
		struct epoll_event events[3];
		int woken = epoll_wait(rings.epoll, events, 3, POLL_MS);

		if (__atomic_load_n(&rings.closing, __ATOMIC_ACQUIRE))
			break;
		if ((ring_has_data(&rings.data) || ring_has_data(&rings.structure)) &&
		    !__atomic_exchange_n(&rings.notified, true, __ATOMIC_ACQ_REL))
			napi_call_threadsafe_function(rings.notify, NULL, napi_tsfn_nonblocking);
		if (ring_has_data(&rings.process) && !__atomic_exchange_n(&rings.notified_processes, true, __ATOMIC_ACQ_REL))
			napi_call_threadsafe_function(rings.notify_processes, NULL, napi_tsfn_nonblocking);
		/* A ring with data stays readable: without this the thread would spin until it is drained. */
		if (woken > 0) {
			struct timespec pause = {0, 2000000};

			nanosleep(&pause, NULL);
		}
	}
	return NULL;
}

static int watch(int descriptor)
{
	struct epoll_event event = {.events = EPOLLIN};

	return epoll_ctl(rings.epoll, EPOLL_CTL_ADD, descriptor, &event);
}

/* openRings(dataDescriptor, structureDescriptor, processDescriptor, onRecords, onProcesses([change, pid, inode, path, …])) */
static napi_value open_rings(napi_env env, napi_callback_info info)
{
	napi_value arguments[5], name;
	uint32_t data, structure, process;
	size_t count = 5;

	if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count < 5 ||
	    napi_get_value_uint32(env, arguments[0], &data) != napi_ok ||
	    napi_get_value_uint32(env, arguments[1], &structure) != napi_ok ||
	    napi_get_value_uint32(env, arguments[2], &process) != napi_ok || rings.open) {
		napi_throw_type_error(env, NULL, "three descriptors and two functions are expected, once");
		return NULL;
	}
	if (ring_open(&rings.data, (int)data))
		return throw_errno(env, "data ring");
	if (ring_open(&rings.structure, (int)structure))
		return throw_errno(env, "structure ring");
	if (ring_open(&rings.process, (int)process))
		return throw_errno(env, "process ring");
	rings.batch = malloc(BATCH_HEADROOM + BATCH_SIZE);
	rings.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!rings.batch || rings.epoll < 0 || watch((int)data) || watch((int)structure) || watch((int)process))
		return throw_errno(env, "rings");
	napi_create_string_utf8(env, "http-trace records", NAPI_AUTO_LENGTH, &name);
	if (napi_create_threadsafe_function(env, arguments[3], NULL, name, 0, 1, NULL, NULL, NULL, notify_javascript,
					    &rings.notify) != napi_ok ||
	    napi_create_threadsafe_function(env, arguments[4], NULL, name, 0, 1, NULL, NULL, NULL, notify_of_processes,
					    &rings.notify_processes) != napi_ok)
		return throw_errno(env, "rings");
	rings.open = true;
	if (pthread_create(&rings.thread, NULL, wait_for_records, NULL))
		return throw_errno(env, "thread");
	rings.thread_runs = true;
	return NULL;
}

/*
 * drain(): {batch, records, upTo}. batch: Buffer with BATCH_HEADROOM free
 * bytes in front, or null when there was nothing; upTo: boot time (bigint),
 * 0n when unknown.
 */
static napi_value drain(napi_env env, napi_callback_info info)
{
	napi_value result, value;
	uint32_t records = 0;
	uint64_t up_to = 0;
	size_t length;

	(void)info;
	if (!rings.open) {
		napi_throw_error(env, NULL, "the rings are not open");
		return NULL;
	}
	length = rings_drain(&rings.data, &rings.structure, rings.batch + BATCH_HEADROOM, BATCH_SIZE, &up_to, &records);
	napi_create_object(env, &result);
	if (length > 0)
		napi_create_buffer_copy(env, BATCH_HEADROOM + length, rings.batch, NULL, &value);
	else
		napi_get_null(env, &value);
	napi_set_named_property(env, result, "batch", value);
	napi_create_uint32(env, records, &value);
	napi_set_named_property(env, result, "records", value);
	napi_create_bigint_uint64(env, up_to, &value);
	napi_set_named_property(env, result, "upTo", value);
	return result;
}

/* closeRings(): ends the thread and unmaps; what is still in the rings is lost. */
static napi_value close_rings(napi_env env, napi_callback_info info)
{
	(void)env;
	(void)info;
	if (!rings.open)
		return NULL;
	__atomic_store_n(&rings.closing, true, __ATOMIC_RELEASE);
	if (rings.thread_runs)
		pthread_join(rings.thread, NULL);
	napi_release_threadsafe_function(rings.notify, napi_tsfn_abort);
	napi_release_threadsafe_function(rings.notify_processes, napi_tsfn_abort);
	close(rings.epoll);
	ring_close(&rings.data);
	ring_close(&rings.structure);
	ring_close(&rings.process);
	free(rings.batch);
	memset(&rings, 0, sizeof(rings));
	return NULL;
}

void define_functions(napi_env env, napi_value exports, const struct function *functions, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		napi_value function;

		napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].callback, NULL, &function);
		napi_set_named_property(env, exports, functions[i].name, function);
	}
}

NAPI_MODULE_INIT()
{
	static const struct function functions[] = {{"openRings", open_rings}, {"drain", drain}, {"closeRings", close_rings}};

	define_functions(env, exports, functions, sizeof(functions) / sizeof(*functions));
	define_broker_functions(env, exports);
	define_guard_functions(env, exports);
	define_kernel_functions(env, exports);
	return exports;
}
