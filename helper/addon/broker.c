// SPDX-License-Identifier: MIT
/* Requests to the loader's broker, which alone may attach: helper/loader/broker.h. */
#define _GNU_SOURCE
#include "../loader/broker.h"
#include "addon.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

/* The broker answers within milliseconds, with perf on a busy machine within seconds. If it does not, it counts as gone. */
#define ANSWER_SECONDS 60

/* mapExecutable(descriptor): [start, end) of a mapping of the whole file, by which the broker identifies the file */
static napi_value map_executable(napi_env env, napi_callback_info info)
{
	napi_value argument, result, number;
	struct stat status;
	size_t count = 1, size, page = (size_t)sysconf(_SC_PAGESIZE);
	uint32_t descriptor;
	void *start;

	if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) != napi_ok || count < 1 ||
	    napi_get_value_uint32(env, argument, &descriptor) != napi_ok) {
		napi_throw_type_error(env, NULL, "a descriptor is expected");
		return NULL;
	}
	if (fstat((int)descriptor, &status))
		return throw_errno(env, "mapping");
	size = ((size_t)status.st_size + page - 1) & ~(page - 1);
	start = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_PRIVATE, (int)descriptor, 0);
	if (start == MAP_FAILED)
		return throw_errno(env, "mapping");
	napi_create_array_with_length(env, 2, &result);
	napi_create_bigint_uint64(env, (uintptr_t)start, &number);
	napi_set_element(env, result, 0, number);
	napi_create_bigint_uint64(env, (uintptr_t)start + size, &number);
	napi_set_element(env, result, 1, number);
	return result;
}

/* unmap(start, end): of mapExecutable */
static napi_value unmap(napi_env env, napi_callback_info info)
{
	napi_value arguments[2];
	uint64_t start, end;
	size_t count = 2;
	bool lossless;

	if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count < 2 ||
	    napi_get_value_bigint_uint64(env, arguments[0], &start, &lossless) != napi_ok ||
	    napi_get_value_bigint_uint64(env, arguments[1], &end, &lossless) != napi_ok || end <= start) {
		napi_throw_type_error(env, NULL, "a mapping is expected");
		return NULL;
	}
	munmap((void *)(uintptr_t)start, end - start);
	return NULL;
}

/* `given`, two descriptors, goes with the request unless it is NULL. */
static bool send_request(int channel, const struct broker_request *request, const int *given)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * BROKER_GIVEN)];
		struct cmsghdr aligned;
	} control;
	size_t size = BROKER_REQUEST_SIZE(request->count);
	struct iovec part = {(void *)request, size};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	struct cmsghdr *header;

	if (given) {
		memset(&control, 0, sizeof(control));
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int) * BROKER_GIVEN);
		memcpy(CMSG_DATA(header), given, sizeof(int) * BROKER_GIVEN);
	}
	return sendmsg(channel, &message, MSG_NOSIGNAL) == (ssize_t)size;
}

/* `facts`: NULL if the answer has none; else there is no time limit, as loading takes long: guard.c ends the helper with its client. */
static bool receive_answer(int channel, struct broker_answer *answer, int *descriptors, char *facts, ssize_t *facts_length)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * BROKER_DESCRIPTORS_MAX)];
		struct cmsghdr aligned;
	} control;
	struct iovec parts[] = {{answer, sizeof(*answer)}, {facts, BROKER_FACTS_MAX}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = facts ? 2 : 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)};
	struct timeval limit = {facts ? 0 : ANSWER_SECONDS, 0};
	struct cmsghdr *header;
	ssize_t size;

	setsockopt(channel, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	do {
		size = recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
	} while (size < 0 && errno == EINTR);
	if (size < (ssize_t)sizeof(*answer) || (!facts && size != (ssize_t)sizeof(*answer)) || answer->descriptors > BROKER_DESCRIPTORS_MAX)
		return false;
	if (facts)
		*facts_length = size - (ssize_t)sizeof(*answer);
	if (answer->descriptors == 0)
		return true;
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
	    header->cmsg_len != CMSG_LEN(sizeof(int) * answer->descriptors))
		return false;
	memcpy(descriptors, CMSG_DATA(header), sizeof(int) * answer->descriptors);
	return true;
}

/* False, with an exception, when it is refused or the broker is gone (code EPIPE). */
static bool ask(napi_env env, int channel, const struct broker_request *request, const int *given,
		struct broker_answer *answer, int *descriptors, char *facts, ssize_t *facts_length)
{
	memset(answer, 0, sizeof(*answer));
	if (!send_request(channel, request, given) || !receive_answer(channel, answer, descriptors, facts, facts_length)) {
		shutdown(channel, SHUT_RDWR); /* a late answer would be taken for the answer to the next request */
		napi_throw_error(env, "EPIPE", "the process of HTTP Trace that attaches probes has ended");
		return false;
	}
	if (answer->error) {
		answer->reason[sizeof(answer->reason) - 1] = 0;
		napi_throw_error(env, answer->error == EPERM ? "EPERM" : "EKERNEL", answer->reason);
		return false;
	}
	return true;
}

static napi_value to_array(napi_env env, const int *descriptors, uint32_t count)
{
	napi_value result, value;

	napi_create_array_with_length(env, count, &result);
	for (uint32_t i = 0; i < count; i++) {
		napi_create_int32(env, descriptors[i], &value);
		napi_set_element(env, result, i, value);
	}
	return result;
}

/* takeTrace(channel): {facts, descriptors} of what was loaded for this process; waits for it */
static napi_value take_trace(napi_env env, napi_callback_info info)
{
	static struct broker_request request;
	static char facts[BROKER_FACTS_MAX];
	int descriptors[BROKER_DESCRIPTORS_MAX];
	struct broker_answer answer;
	napi_value argument, result, text;
	ssize_t length;
	uint32_t channel;
	size_t count = 1;

	request = (struct broker_request){.verb = BROKER_HAND_OVER};
	if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) != napi_ok || count < 1 ||
	    napi_get_value_uint32(env, argument, &channel) != napi_ok) {
		napi_throw_type_error(env, NULL, "a channel is expected");
		return NULL;
	}
	if (!ask(env, (int)channel, &request, NULL, &answer, descriptors, facts, &length))
		return NULL;
	napi_create_object(env, &result);
	napi_create_string_utf8(env, facts, (size_t)length, &text);
	napi_set_named_property(env, result, "facts", text);
	napi_set_named_property(env, result, "descriptors", to_array(env, descriptors, answer.descriptors));
	return result;
}

static bool read_number(napi_env env, napi_value object, const char *name, uint32_t *number)
{
	napi_value value;

	return napi_get_named_property(env, object, name, &value) == napi_ok && napi_get_value_uint32(env, value, number) == napi_ok;
}

static bool read_big(napi_env env, napi_value object, const char *name, uint64_t *number)
{
	napi_value value;
	bool lossless;

	return napi_get_named_property(env, object, name, &value) == napi_ok &&
	       napi_get_value_bigint_uint64(env, value, number, &lossless) == napi_ok;
}

static bool read_probe(napi_env env, napi_value object, struct broker_probe *probe)
{
	napi_value value;
	size_t size;

	return read_big(env, object, "offset", &probe->offset) && read_number(env, object, "kind", &probe->kind) &&
	       read_number(env, object, "stack", &probe->stack) &&
	       napi_get_named_property(env, object, "symbol", &value) == napi_ok &&
	       napi_get_value_string_utf8(env, value, probe->symbol, sizeof(probe->symbol), &size) == napi_ok;
}

/* attachProbes(channel, {pidfd, descriptor, start, end, file, library, only, probes: {offset, kind, stack, symbol}[]}): {set, links} */
static napi_value attach_probes(napi_env env, napi_callback_info info)
{
	static struct broker_request request;
	napi_value arguments[2], result, value, probes;
	int descriptors[BROKER_DESCRIPTORS_MAX];
	uint32_t channel, pidfd, file, length;
	int given[BROKER_GIVEN];
	struct broker_answer answer;
	size_t count = 2;

	memset(&request, 0, sizeof(request));
	request.verb = BROKER_ATTACH;
	if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count < 2 ||
	    napi_get_value_uint32(env, arguments[0], &channel) != napi_ok || !read_number(env, arguments[1], "pidfd", &pidfd) ||
	    !read_number(env, arguments[1], "descriptor", &file) ||
	    !read_big(env, arguments[1], "start", &request.start) || !read_big(env, arguments[1], "end", &request.end) ||
	    !read_number(env, arguments[1], "file", &request.file) || !read_number(env, arguments[1], "library", &request.library) ||
	    !read_number(env, arguments[1], "only", &request.only) ||
	    napi_get_named_property(env, arguments[1], "probes", &probes) != napi_ok ||
	    napi_get_array_length(env, probes, &length) != napi_ok || length == 0)
		goto malformed;
	if (length > BROKER_PROBES_MAX) {
		napi_throw_error(env, "E2BIG", "there are too many places");
		return NULL;
	}
	request.count = length;
	for (uint32_t i = 0; i < length; i++) {
		if (napi_get_element(env, probes, i, &value) != napi_ok || !read_probe(env, value, &request.probes[i]))
			goto malformed;
	}
	given[BROKER_PIDFD] = (int)pidfd;
	given[BROKER_FILE] = (int)file;
	if (!ask(env, (int)channel, &request, given, &answer, descriptors, NULL, NULL))
		return NULL;
	napi_create_object(env, &result);
	napi_create_uint32(env, answer.set, &value);
	napi_set_named_property(env, result, "set", value);
	napi_set_named_property(env, result, "links", to_array(env, descriptors, answer.descriptors));
	return result;
malformed:
	napi_throw_type_error(env, NULL, "a channel, a process, a mapping and probes are expected");
	return NULL;
}

/* detachProbes(channel, set) */
static napi_value detach_probes(napi_env env, napi_callback_info info)
{
	static struct broker_request request;
	int descriptors[BROKER_DESCRIPTORS_MAX];
	struct broker_answer answer;
	napi_value arguments[2];
	uint32_t channel;
	size_t count = 2;

	request = (struct broker_request){.verb = BROKER_DETACH};
	if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count < 2 ||
	    napi_get_value_uint32(env, arguments[0], &channel) != napi_ok ||
	    napi_get_value_uint32(env, arguments[1], &request.set) != napi_ok) {
		napi_throw_type_error(env, NULL, "a channel and a number are expected");
		return NULL;
	}
	ask(env, (int)channel, &request, NULL, &answer, descriptors, NULL, NULL);
	return NULL;
}

/* True when it is done. */
static bool ask_for(napi_env env, napi_callback_info info, uint32_t verb, struct broker_answer *answer)
{
	static struct broker_request request;
	int descriptors[BROKER_DESCRIPTORS_MAX];
	napi_value argument;
	uint32_t channel;
	size_t count = 1;

	request = (struct broker_request){.verb = verb};
	if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) != napi_ok || count < 1 ||
	    napi_get_value_uint32(env, argument, &channel) != napi_ok) {
		napi_throw_type_error(env, NULL, "a channel is expected");
		return false;
	}
	return ask(env, (int)channel, &request, NULL, answer, descriptors, NULL, NULL);
}

/* pauseTrace(channel): how many links are left */
static napi_value pause_trace(napi_env env, napi_callback_info info)
{
	struct broker_answer answer;
	napi_value left;

	if (!ask_for(env, info, BROKER_PAUSE, &answer))
		return NULL;
	if (answer.left == 0)
		name_process(NAME_KEPT);
	napi_create_uint32(env, answer.left, &left);
	return left;
}

/* resumeTrace(channel) */
static napi_value resume_trace(napi_env env, napi_callback_info info)
{
	struct broker_answer answer;

	if (ask_for(env, info, BROKER_RESUME, &answer))
		name_process(NAME_IN_TRACE);
	return NULL;
}

void define_broker_functions(napi_env env, napi_value exports)
{
	static const struct function functions[] = {
		{"takeTrace", take_trace}, {"attachProbes", attach_probes}, {"detachProbes", detach_probes},
		{"pauseTrace", pause_trace}, {"resumeTrace", resume_trace}, {"mapExecutable", map_executable},     {"unmap", unmap},
	};

	define_functions(env, exports, functions, sizeof(functions) / sizeof(*functions));
}
