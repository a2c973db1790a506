// SPDX-License-Identifier: MIT
/* Attaching loaded programs to places in files (uprobe_multi): it takes no capability, only the program's descriptor. */
#define _GNU_SOURCE
#include "../loader/broker.h"
#include "../loader/uprobes.h"
#include "addon.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_PROBES 256

/* attachUprobes(program, path, offsets: BigUint64Array, cookies: BigUint64Array, atReturns): descriptor of the link */
static napi_value attach_uprobes(napi_env env, napi_callback_info info)
{
	struct uprobe_multi_attributes attributes;
	napi_value arguments[5], result;
	size_t count = 5, path_length, lengths[2];
	napi_typedarray_type types[2];
	void *values[2];
	uint32_t program;
	char path[4096];
	bool returns;
	long link;

	if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count < 5 ||
	    napi_get_value_uint32(env, arguments[0], &program) != napi_ok ||
	    napi_get_value_string_utf8(env, arguments[1], path, sizeof(path), &path_length) != napi_ok ||
	    napi_get_typedarray_info(env, arguments[2], &types[0], &lengths[0], &values[0], NULL, NULL) != napi_ok ||
	    napi_get_typedarray_info(env, arguments[3], &types[1], &lengths[1], &values[1], NULL, NULL) != napi_ok ||
	    napi_get_value_bool(env, arguments[4], &returns) != napi_ok || types[0] != napi_biguint64_array ||
	    types[1] != napi_biguint64_array || lengths[0] != lengths[1] || lengths[0] == 0 || lengths[0] > MAX_PROBES ||
	    path_length + 1 >= sizeof(path)) {
		napi_throw_type_error(env, NULL, "a program, a path, as many offsets as cookies, and a boolean are expected");
		return NULL;
	}
	memset(&attributes, 0, sizeof(attributes));
	attributes.program = program;
	attributes.attach_type = BPF_TRACE_UPROBE_MULTI_TYPE;
	attributes.path = (uintptr_t)path;
	attributes.offsets = (uintptr_t)values[0];
	attributes.cookies = (uintptr_t)values[1];
	attributes.count = (uint32_t)lengths[0];
	attributes.uprobe_flags = returns ? BPF_UPROBE_MULTI_RETURN : 0;
	link = syscall(SYS_bpf, BPF_LINK_CREATE, &attributes, sizeof(attributes));
	if (link < 0)
		return throw_errno(env, "probes");
	napi_create_int32(env, (int)link, &result);
	return result;
}

/* mapExecutable(descriptor): [start, end) of a mapping of the whole file, by which the broker knows it */
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

static bool read_probe(napi_env env, napi_value object, struct broker_probe *probe)
{
	napi_value value;
	bool lossless;

	return napi_get_named_property(env, object, "offset", &value) == napi_ok &&
	       napi_get_value_bigint_uint64(env, value, &probe->offset, &lossless) == napi_ok &&
	       napi_get_named_property(env, object, "cookie", &value) == napi_ok &&
	       napi_get_value_bigint_uint64(env, value, &probe->cookie, &lossless) == napi_ok;
}

static bool read_number(napi_env env, napi_value object, const char *name, uint32_t *number)
{
	napi_value value;

	return napi_get_named_property(env, object, name, &value) == napi_ok && napi_get_value_uint32(env, value, number) == napi_ok;
}

static bool send_request(int channel, const struct broker_request *request, int pidfd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr aligned;
	} control;
	struct iovec part = {(void *)request, sizeof(*request)};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *header;

	memset(&control, 0, sizeof(control));
	header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &pidfd, sizeof(int));
	return sendmsg(channel, &message, MSG_NOSIGNAL) == (ssize_t)sizeof(*request);
}

/* The answer; the descriptors that came with it go to `links`. */
static bool receive_answer(int channel, struct broker_answer *answer, int *links)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * BROKER_PROBES_MAX)];
		struct cmsghdr aligned;
	} control;
	struct iovec part = {answer, sizeof(*answer)};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *header;
	ssize_t size;

	do {
		size = recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
	} while (size < 0 && errno == EINTR);
	if (size != (ssize_t)sizeof(*answer) || answer->count > BROKER_PROBES_MAX)
		return false;
	header = CMSG_FIRSTHDR(&message);
	if (answer->count == 0)
		return true;
	if (!header || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof(int) * answer->count))
		return false;
	memcpy(links, CMSG_DATA(header), sizeof(int) * answer->count);
	return true;
}

/*
 * askBroker(channel, pidfd, start, end, probes): descriptors of the links.
 * probes: {offset, cookie: bigint, program, atReturn: 0 or 1, symbol}[].
 * Waits for the answer, which takes some milliseconds.
 */
static napi_value ask_broker(napi_env env, napi_callback_info info)
{
	static struct broker_request request;
	napi_value arguments[5], result, value, probe;
	struct broker_answer answer = {0};
	uint32_t channel, pidfd, length;
	int links[BROKER_PROBES_MAX];
	size_t count = 5, size;
	bool lossless;

	memset(&request, 0, sizeof(request));
	if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count < 5 ||
	    napi_get_value_uint32(env, arguments[0], &channel) != napi_ok ||
	    napi_get_value_uint32(env, arguments[1], &pidfd) != napi_ok ||
	    napi_get_value_bigint_uint64(env, arguments[2], &request.start, &lossless) != napi_ok ||
	    napi_get_value_bigint_uint64(env, arguments[3], &request.end, &lossless) != napi_ok ||
	    napi_get_array_length(env, arguments[4], &length) != napi_ok || length == 0 || length > BROKER_PROBES_MAX)
		goto malformed;
	request.count = length;
	for (uint32_t i = 0; i < length; i++) {
		struct broker_probe *to = &request.probes[i];

		if (napi_get_element(env, arguments[4], i, &probe) != napi_ok || !read_probe(env, probe, to) ||
		    !read_number(env, probe, "program", &to->program) || !read_number(env, probe, "atReturn", &to->at_return) ||
		    napi_get_named_property(env, probe, "symbol", &value) != napi_ok ||
		    napi_get_value_string_utf8(env, value, to->symbol, sizeof(to->symbol), &size) != napi_ok)
			goto malformed;
	}
	if (!send_request((int)channel, &request, (int)pidfd) || !receive_answer((int)channel, &answer, links)) {
		napi_throw_error(env, "EPIPE", "the part that attaches has ended");
		return NULL;
	}
	if (answer.error) {
		answer.reason[sizeof(answer.reason) - 1] = 0;
		errno = answer.error;
		napi_throw_error(env, answer.error == EPERM ? "EPERM" : "EKERNEL", answer.reason);
		return NULL;
	}
	napi_create_array_with_length(env, answer.count, &result);
	for (uint32_t i = 0; i < answer.count; i++) {
		napi_create_int32(env, links[i], &value);
		napi_set_element(env, result, i, value);
	}
	return result;
malformed:
	napi_throw_type_error(env, NULL, "a channel, a pidfd, a mapping and probes are expected");
	return NULL;
}

napi_value define_probe_functions(napi_env env, napi_value exports)
{
	static const struct {
		const char *name;
		napi_callback callback;
	} functions[] = {
		{"attachUprobes", attach_uprobes},
		{"askBroker", ask_broker},
		{"mapExecutable", map_executable},
		{"unmap", unmap},
	};

	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
		napi_value function;

		napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].callback, NULL, &function);
		napi_set_named_property(env, exports, functions[i].name, function);
	}
	return exports;
}
