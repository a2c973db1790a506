// SPDX-License-Identifier: MIT
/* The facts about the loaded trace that the helper needs, as JSON: helper/facts.ts. */
#include "loader.h"

#include <stdarg.h>
#include <stdio.h>

/* Adds to a JSON object: names and reasons are our own text and strerror's, which need no escaping. */
static void __attribute__((format(printf, 4, 5))) append(char *text, size_t size, size_t *used, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(text + *used, size - *used, format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length >= size - *used)
		fail("helper", "What the helper is to know does not fit; this build is damaged.");
	*used += (size_t)length;
}

static void append_reasons(char *text, size_t size, size_t *used, const char *name, const char *const *keys,
			   const char (*reasons)[REASON_SIZE], int count)
{
	append(text, size, used, ",\"%s\":{", name);
	for (int i = 0; i < count; i++)
		append(text, size, used, "%s\"%s\":\"%s\"", i ? "," : "", keys[i], reasons[i]);
	append(text, size, used, "}");
}

size_t write_facts(char *facts, size_t size, const struct options *options, const struct requester *requester,
		   const struct programs *programs)
{
	size_t used = 0;

	append(facts, size, &used,
	       "{\"links\":%d,\"keepable\":%s,\"tlsAttach\":\"%s\",\"tlsWanted\":%s,\"foreignPids\":%s,\"owner\":%u,\"ringSize\":%u,"
	       "\"requestCopyLimit\":%u,\"responseCopyLimit\":%u,\"backend\":\"%s\"",
	       programs->link_count, programs->trace_program_count > 0 ? "true" : "false", tls_attach_names[programs->tls_attach], options->tls_attach == TLS_ATTACH_NONE ? "false" : "true",
	       programs->foreign_pids ? "true" : "false", (unsigned int)requester->uid, options->ring_size,
	       options->request_copy_limit, options->response_copy_limit, backend_names[programs->backend]);
	append(facts, size, &used, ",\"groups\":[");
	for (uint32_t i = 0; i < requester->group_count; i++)
		append(facts, size, &used, "%s%u", i ? "," : "", (unsigned int)requester->groups[i]);
	append(facts, size, &used, "]");
	append_reasons(facts, size, &used, "refused", backend_names, programs->refusals, BACKENDS);
	append_reasons(facts, size, &used, "missing", part_names, programs->missing, PARTS);
	append(facts, size, &used, "}");
	return used;
}
