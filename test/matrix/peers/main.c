/* peer WHAT [WAY] NAME=VALUE…: see options.c for the names. Exit status 0 if everything succeeded. */
#include "peer.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define LIMIT_SECONDS 1800 /* nothing that a test starts runs forever; an emulated machine is slow */

static const struct {
	const char *name;
	int (*run)(const struct options *options);
} PROGRAMS[] = {
	{"exchange", run_exchange}, {"resume", run_resumed}, {"shared", run_shared}, {"equal-ports", run_equal_ports}, {"refused", run_refused},
	{"names", run_names},
	{"quiet", run_quiet},       {"other", run_other},    {"burst", run_burst}, {"crowd", run_crowd},
};

int run(char **arguments)
{
	struct options options;

	if (arguments[0] && arguments[1] && strcmp(arguments[0], "spawn") == 0)
		return run_spawn(arguments[1], arguments + 2);
	for (size_t i = 0; arguments[0] && i < sizeof(PROGRAMS) / sizeof(*PROGRAMS); i++) {
		if (strcmp(PROGRAMS[i].name, arguments[0]) != 0)
			continue;
		options = read_options(arguments + 1);
		return PROGRAMS[i].run(&options);
	}
	errno = EINVAL;
	fail("which program?");
}

int main(int count, char **arguments)
{
	(void)count;
	alarm(LIMIT_SECONDS);
	return run(arguments + 1);
}
