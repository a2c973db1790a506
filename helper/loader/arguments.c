// SPDX-License-Identifier: MIT
/* The command line, and which user gave it. */
#include "loader.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

static _Noreturn void refuse(const char *what)
{
	fprintf(stderr, "http-trace loader: %s\n", what);
	exit(2);
}

static uint32_t read_number(const char *text, uint32_t least, uint32_t most)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || value < least || value > most)
		refuse("a number is out of its range");
	return (uint32_t)value;
}

static const char *read_path(const char *text)
{
	if (text[0] != '/' || strlen(text) >= PATH_MAX)
		refuse("a path is not absolute, or too long");
	return text;
}

static int read_backend(const char *text)
{
	if (strcmp(text, "auto") == 0)
		return -1;
	for (int backend = 0; backend < BACKENDS; backend++) {
		if (strcmp(text, backend_names[backend]) == 0)
			return backend;
	}
	refuse("the backend is not one of auto, fentry, kprobe, tracepoint");
}

static int read_tls_attach(const char *text)
{
	if (strcmp(text, "auto") == 0)
		return -1;
	for (int way = TLS_ATTACH_NONE; way <= TLS_ATTACH_PERF; way++) {
		if (strcmp(text, tls_attach_names[way]) == 0)
			return way;
	}
	refuse("the way of attaching to TLS libraries is not one of auto, none, multi, perf");
}

void read_options(int argc, char **argv, struct options *options)
{
	unsigned int seen = 0;

	*options = (struct options){.backend = -1, .tls_attach = -1, .ring_size = 8u << 20, .request_copy_limit = 96u << 10, .response_copy_limit = 96u << 10};
	for (int i = 1; i < argc; i++) {
		static const char *const names[] = {"--socket", "--node", "--helper", "--backend", "--ring-size", "--request-copy-limit",
						  "--response-copy-limit", "--min-latency", "--tls-attach"};
		const char *value;
		unsigned int name = 0;

		if (strcmp(argv[i], "--verbose") == 0) {
			options->verbose = true;
			continue;
		}
		while (name < sizeof(names) / sizeof(*names) && strcmp(argv[i], names[name]))
			name++;
		if (name == sizeof(names) / sizeof(*names))
			refuse("an option is unknown");
		if (seen & (1u << name))
			refuse("an option is given twice");
		seen |= 1u << name;
		if (++i == argc || !*argv[i])
			refuse("an option has no value");
		value = argv[i];
		switch (name) {
		case 0:
			options->socket = read_path(value);
			if (strlen(value) >= sizeof(((struct sockaddr_un *)0)->sun_path))
				refuse("the socket's path is too long");
			break;
		case 1:
			options->node = read_path(value);
			break;
		case 2:
			options->helper = read_path(value);
			break;
		case 3:
			options->backend = read_backend(value);
			break;
		case 4:
			options->ring_size = read_number(value, RING_SIZE_MIN, RING_SIZE_MAX);
			if (options->ring_size & (options->ring_size - 1))
				refuse("the ring's size is not a power of two");
			break;
		case 5:
			options->request_copy_limit = read_number(value, 1024, UINT32_MAX);
			break;
		case 6:
			options->response_copy_limit = read_number(value, 1024, UINT32_MAX);
			break;
		case 7:
			options->min_latency = read_number(value, 0, UINT32_MAX);
			break;
		case 8:
			options->tls_attach = read_tls_attach(value);
			break;
		}
	}
	if (!options->socket || !options->node || !options->helper)
		refuse("--socket, --node and --helper are needed");
}

/* 0 when the variable is not set, or names root. */
static uid_t user_of(const char *variable, bool is_name)
{
	const char *value = getenv(variable);
	const struct passwd *entry;

	if (!value)
		return 0;
	if (!is_name)
		return read_number(value, 0, UINT32_MAX - 1);
	entry = getpwnam(value);
	if (!entry)
		refuse("the user that asked does not exist");
	return entry->pw_uid;
}

void add_group(struct requester *requester, gid_t group)
{
	for (uint32_t i = 0; i < requester->group_count; i++) {
		if (requester->groups[i] == group)
			return;
	}
	if (requester->group_count < OWNER_GROUPS_MAX)
		requester->groups[requester->group_count++] = group;
}

/*
 * A real uid other than root (file capabilities) is the requester, whatever the environment says.
 * As root, the tool that elevated names the requester: sudo, pkexec and doas always set their variable, so
 * a user who may only run the loader through one of them cannot pass for root. Root itself may name a user with
 * fewer rights.
 */
void read_requester(struct requester *requester)
{
	static const struct {
		const char *variable;
		bool is_name;
	} sources[] = {{"SUDO_UID", false}, {"PKEXEC_UID", false}, {"DOAS_USER", true}};
	const struct passwd *entry;
	const char *group = getenv("SUDO_GID");

	requester->uid = getuid();
	requester->gid = getgid();
	requester->group_count = 0;
	if (requester->uid != 0) {
		add_group(requester, requester->gid);
		return;
	}
	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
		uid_t named = user_of(sources[i].variable, sources[i].is_name);

		if (named && requester->uid && named != requester->uid)
			refuse("the environment names two users as the one that asked");
		if (named)
			requester->uid = named;
	}
	if (requester->uid == 0)
		return;
	entry = getpwuid(requester->uid);
	if (!entry)
		refuse("the user that asked does not exist");
	requester->gid = entry->pw_gid;
	add_group(requester, requester->gid);
	/* For a user without a group of their own (container); sudo sets it like the user's id. */
	if (group && getenv("SUDO_UID"))
		add_group(requester, read_number(group, 0, UINT32_MAX - 1));
}
