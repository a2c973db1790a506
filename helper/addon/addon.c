// SPDX-License-Identifier: MIT
/*
 * The rings' interface to JavaScript. A separate thread empties them into the backlog, even while JavaScript is busy. The
 * kernel wakes it when much is waiting; otherwise a timer does, so that the row of a quiet program appears in time.
 * JavaScript takes batches from the backlog as fast as its client takes them.
 */
#define _GNU_SOURCE
#include "addon.h"
#include "backlog.h"
#include "trace_http.h"
#include "turns.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* A row is to appear within 50 ms of the system call; this is the reader's part of it. */
#define POLL_MS 20
/* Events that JavaScript has not taken yet; more wait in the ring. */
#define MAX_NOTICES 4096
/* Bytes of /proc/PID/maps; a longer one is discarded. */
#define MAX_MAPS (512u << 10)
#define EVENT_PARTS 5
/* The thread that empties the rings needs less than this for the records since its last turn. */
#define TURN_NS 200000
/* Room before the records for the frame's header, so that the batch is written without another copy. */
#define BATCH_HEADROOM 6

static struct {
	struct ring data, structure, process;
	int epoll;
	pthread_t thread;
	pthread_mutex_t draining;
	napi_threadsafe_function notify, notify_processes;
	napi_ref on_processes;
	bool open, thread_runs;
	volatile bool closing;
	volatile bool notified, notified_processes;
} rings = {.draining = PTHREAD_MUTEX_INITIALIZER};

/* An event of the process ring, with the process's memory map at that time: the process may be gone when JavaScript runs. */
struct noticed {
	struct noticed *next;
	struct process_event event;
	char *maps; /* NULL: not read, or gone */
};

static struct {
	pthread_mutex_t lock;
	struct noticed *first, **last;
	uint32_t count;
} notices = {.lock = PTHREAD_MUTEX_INITIALIZER, .last = &notices.first};

/*
 * /proc/PID/maps as a string, which the caller frees; NULL if it cannot be read or is too long. The kernel returns a page
 * at a time, and stops early if the process ends. If the process still has memory afterwards, the text is complete.
 */
static char *read_maps(uint32_t pid)
{
	char path[32], *text, more;
	size_t used = 0;
	bool whole;
	int file;

	snprintf(path, sizeof(path), "/proc/%u/maps", pid);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return NULL;
	text = malloc(MAX_MAPS);
	while (text && used < MAX_MAPS - 1) {
		ssize_t count = read(file, text + used, MAX_MAPS - 1 - used);

		if (count <= 0)
			break;
		used += (size_t)count;
	}
	whole = used < MAX_MAPS - 1 && pread(file, &more, 1, 0) == 1;
	close(file);
	if (!text || !whole) {
		free(text);
		return NULL;
	}
	text[used] = 0;
	return text;
}

/* Takes events from the process ring as far as there is room. Returns whether there is something to report. */
static bool notice_processes(void)
{
	struct process_event event;
	bool some;

	while (__atomic_load_n(&notices.count, __ATOMIC_RELAXED) < MAX_NOTICES && ring_take_events(&rings.process, &event, 1) > 0) {
		struct noticed *noticed = calloc(1, sizeof(*noticed));

		if (!noticed)
			break;
		noticed->event = event;
		if (event.change == PROCESS_EXECUTED || event.change == PROCESS_MAPPED)
			noticed->maps = read_maps(event.pid);
		pthread_mutex_lock(&notices.lock);
		*notices.last = noticed;
		notices.last = &noticed->next;
		notices.count++;
		pthread_mutex_unlock(&notices.lock);
	}
	pthread_mutex_lock(&notices.lock);
	some = notices.first != NULL;
	pthread_mutex_unlock(&notices.lock);
	return some;
}

static struct noticed *take_notices(uint32_t *count)
{
	struct noticed *first;

	pthread_mutex_lock(&notices.lock);
	first = notices.first;
	*count = notices.count;
	notices.first = NULL;
	notices.last = &notices.first;
	notices.count = 0;
	pthread_mutex_unlock(&notices.lock);
	return first;
}

static void free_notices(void)
{
	uint32_t count;
	struct noticed *noticed = take_notices(&count);

	while (noticed) {
		struct noticed *next = noticed->next;

		free(noticed->maps);
		free(noticed);
		noticed = next;
	}
}

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

/* Runs on the JavaScript thread: reports what the reading thread has noticed. */
static void report_notices(napi_env env)
{
	napi_value undefined, callback, changes, values[EVENT_PARTS];
	struct noticed *noticed;
	uint32_t count;

	noticed = take_notices(&count);
	if (!noticed)
		return;
	napi_get_reference_value(env, rings.on_processes, &callback);
	napi_create_array_with_length(env, EVENT_PARTS * count, &changes);
	for (uint32_t i = 0; noticed; i++) {
		struct noticed *next = noticed->next;

		napi_create_uint32(env, noticed->event.change, &values[0]);
		napi_create_uint32(env, noticed->event.pid, &values[1]);
		napi_create_bigint_uint64(env, noticed->event.inode, &values[2]);
		napi_create_string_utf8(env, noticed->event.path, NAPI_AUTO_LENGTH, &values[3]);
		napi_create_string_utf8(env, noticed->maps ? noticed->maps : "", NAPI_AUTO_LENGTH, &values[4]);
		for (uint32_t part = 0; part < EVENT_PARTS; part++)
			napi_set_element(env, changes, i * EVENT_PARTS + part, values[part]);
		free(noticed->maps);
		free(noticed);
		noticed = next;
	}
	napi_get_undefined(env, &undefined);
	napi_call_function(env, undefined, callback, 1, &changes, NULL);
}

static void notify_of_processes(napi_env env, napi_value callback, void *context, void *argument)
{
	(void)callback;
	(void)context;
	(void)argument;
	__atomic_store_n(&rings.notified_processes, false, __ATOMIC_RELEASE);
	if (env && rings.open)
		report_notices(env);
}

/* reportProcesses(): all that happened before the records in the backlog */
static napi_value report_processes(napi_env env, napi_callback_info info)
{
	(void)info;
	if (rings.open)
		report_notices(env);
	return NULL;
}

/* `processes`: set to whether there are process events to report. */
static bool drain_rings(bool *processes)
{
	struct drain_limit limit;
	bool dry;

	pthread_mutex_lock(&rings.draining);
	/* In this order: what happened to processes before these records is known when the first of them is in the backlog. */
	rings_limit(&rings.data, &rings.structure, &limit);
	*processes = notice_processes();
	dry = rings_drain(&rings.data, &rings.structure, &limit);
	pthread_mutex_unlock(&rings.draining);
	return dry;
}

static bool backlog_waits(void)
{
	bool waits;

	backlog_lock();
	waits = !backlog_is_empty();
	backlog_unlock();
	return waits;
}

static void *empty_rings(void *argument)
{
	(void)argument;
	ask_for_short_turns(TURN_NS);
	while (!__atomic_load_n(&rings.closing, __ATOMIC_ACQUIRE)) {
		struct epoll_event events[3];
		bool processes;

		epoll_wait(rings.epoll, events, 3, POLL_MS);
		if (__atomic_load_n(&rings.closing, __ATOMIC_ACQUIRE))
			break;
		/* Also if the rings are empty: then all records up to now have been taken. */
		drain_rings(&processes);
		if (backlog_waits() && !__atomic_exchange_n(&rings.notified, true, __ATOMIC_ACQ_REL))
			napi_call_threadsafe_function(rings.notify, NULL, napi_tsfn_nonblocking);
		if (processes && !__atomic_exchange_n(&rings.notified_processes, true, __ATOMIC_ACQ_REL))
			napi_call_threadsafe_function(rings.notify_processes, NULL, napi_tsfn_nonblocking);
	}
	return NULL;
}

/* Only wake-ups by the kernel count: a ring with only a few records is readable, too, but waits for the timer. */
static int watch(int descriptor)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET};

	return epoll_ctl(rings.epoll, EPOLL_CTL_ADD, descriptor, &event);
}

/* openRings(dataDescriptor, structureDescriptor, processDescriptor, onRecords, onProcesses([change, pid, inode, path, maps, …])) */
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
	rings.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (backlog_open() || rings.epoll < 0 || watch((int)data) || watch((int)structure) || watch((int)process))
		return throw_errno(env, "rings");
	napi_create_string_utf8(env, "http-trace records", NAPI_AUTO_LENGTH, &name);
	if (napi_create_threadsafe_function(env, arguments[3], NULL, name, 0, 1, NULL, NULL, NULL, notify_javascript,
					    &rings.notify) != napi_ok ||
	    napi_create_threadsafe_function(env, arguments[4], NULL, name, 0, 1, NULL, NULL, NULL, notify_of_processes,
					    &rings.notify_processes) != napi_ok ||
	    napi_create_reference(env, arguments[4], 1, &rings.on_processes) != napi_ok)
		return throw_errno(env, "rings");
	rings.open = true;
	if (pthread_create(&rings.thread, NULL, empty_rings, NULL))
		return throw_errno(env, "thread");
	rings.thread_runs = true;
	return NULL;
}

static void set_number(napi_env env, napi_value object, const char *name, uint64_t number)
{
	napi_value value;

	napi_create_double(env, (double)number, &value);
	napi_set_named_property(env, object, name, value);
}

static void set_time(napi_env env, napi_value object, const char *name, uint64_t time)
{
	napi_value value;

	napi_create_bigint_uint64(env, time, &value);
	napi_set_named_property(env, object, name, value);
}

static bool refuse_closed(napi_env env)
{
	if (!rings.open)
		napi_throw_error(env, NULL, "the rings are not open");
	return !rings.open;
}

/* takeBatch(buffer): {length, records, upTo}; the records follow BATCH_HEADROOM bytes */
static napi_value take_batch(napi_env env, napi_callback_info info)
{
	napi_value result, buffer;
	uint32_t records = 0;
	uint64_t up_to = 0;
	size_t count = 1, size;
	void *bytes;

	if (refuse_closed(env))
		return NULL;
	if (napi_get_cb_info(env, info, &count, &buffer, NULL, NULL) != napi_ok || count < 1 ||
	    napi_get_buffer_info(env, buffer, &bytes, &size) != napi_ok || size < BATCH_HEADROOM + BACKLOG_BATCH) {
		napi_throw_type_error(env, NULL, "a buffer for a whole batch is expected");
		return NULL;
	}
	size = backlog_take((unsigned char *)bytes + BATCH_HEADROOM, &records, &up_to);
	napi_create_object(env, &result);
	set_number(env, result, "length", size);
	set_number(env, result, "records", records);
	set_time(env, result, "upTo", up_to);
	return result;
}

/* drainNow(): whether nothing was left in the rings */
static napi_value drain_now(napi_env env, napi_callback_info info)
{
	napi_value result;
	bool processes;

	(void)info;
	if (refuse_closed(env))
		return NULL;
	napi_get_boolean(env, drain_rings(&processes), &result);
	return result;
}

/* setBacklogLimit(bytes) */
static napi_value set_backlog_limit(napi_env env, napi_callback_info info)
{
	napi_value value;
	size_t count = 1;
	int64_t bytes;

	if (napi_get_cb_info(env, info, &count, &value, NULL, NULL) != napi_ok || count < 1 ||
	    napi_get_value_int64(env, value, &bytes) != napi_ok || bytes < 0) {
		napi_throw_type_error(env, NULL, "a number of bytes is expected");
		return NULL;
	}
	backlog_set_limit((uint64_t)bytes);
	return NULL;
}

/* dropBacklog() */
static napi_value drop_backlog(napi_env env, napi_callback_info info)
{
	(void)info;
	if (!refuse_closed(env))
		backlog_drop();
	return NULL;
}

/* readBacklog(): struct backlog_facts */
static napi_value read_backlog(napi_env env, napi_callback_info info)
{
	struct backlog_facts facts = backlog_facts();
	napi_value result;

	(void)info;
	napi_create_object(env, &result);
	set_number(env, result, "records", facts.records);
	set_number(env, result, "bytes", facts.bytes);
	set_time(env, result, "newest", facts.newest);
	set_number(env, result, "shedBodies", facts.shed_bodies);
	set_number(env, result, "shedHeads", facts.shed_heads);
	set_number(env, result, "split", facts.split);
	set_number(env, result, "droppedRecords", facts.dropped_records);
	set_number(env, result, "droppedBytes", facts.dropped_bytes);
	return result;
}

/* closeRings(): ends the thread and unmaps the rings; records still in the rings or the backlog are lost. */
static napi_value close_rings(napi_env env, napi_callback_info info)
{
	(void)info;
	if (!rings.open)
		return NULL;
	__atomic_store_n(&rings.closing, true, __ATOMIC_RELEASE);
	if (rings.thread_runs)
		pthread_join(rings.thread, NULL);
	napi_release_threadsafe_function(rings.notify, napi_tsfn_abort);
	napi_release_threadsafe_function(rings.notify_processes, napi_tsfn_abort);
	napi_delete_reference(env, rings.on_processes);
	close(rings.epoll);
	ring_close(&rings.data);
	ring_close(&rings.structure);
	ring_close(&rings.process);
	free_notices();
	backlog_close();
	rings.open = rings.thread_runs = rings.closing = false;
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
	static const struct function functions[] = {
		{"openRings", open_rings},
		{"reportProcesses", report_processes},	{"closeRings", close_rings},	 {"takeBatch", take_batch},
		{"drainNow", drain_now},	{"dropBacklog", drop_backlog},	 {"readBacklog", read_backlog},
		{"setBacklogLimit", set_backlog_limit},
	};

	define_functions(env, exports, functions, sizeof(functions) / sizeof(*functions));
	define_broker_functions(env, exports);
	define_guard_functions(env, exports);
	define_kernel_functions(env, exports);
	return exports;
}
