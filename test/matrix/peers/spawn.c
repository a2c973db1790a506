/* All ways to create a process; each new process is then a peer. */
#include "peer.h"
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern int run(char **arguments);

static _Noreturn void execute(char **arguments)
{
	char *all[64] = {"peer"};

	for (unsigned i = 0; arguments[i] && i < 62; i++)
		all[i + 1] = arguments[i];
	execv("/proc/self/exe", all);
	_exit(127);
}

static int outcome(pid_t child)
{
	int status;

	if (child < 0 || waitpid(child, &status, 0) != child)
		fail("spawn");
	return status != 0;
}

/* Two forks, a session of its own, a middle process that ends at once: as a daemon does it. */
static int daemonize(char **arguments)
{
	int ends[2], status;
	char byte;
	pid_t middle;

	if (pipe(ends))
		fail("pipe");
	middle = fork();
	if (middle == 0) {
		setsid();
		if (fork() != 0)
			_exit(0);
		close(ends[0]);
		_exit(run(arguments));
	}
	close(ends[1]);
	waitpid(middle, &status, 0);
	/* The daemon holds the other end until it ends. */
	while (read(ends[0], &byte, 1) > 0)
		;
	return status;
}

int run_spawn(const char *way, char **arguments)
{
	pid_t child;

	if (strcmp(way, "fork") == 0) {
		child = fork();
		if (child == 0)
			_exit(run(arguments));
		return outcome(child);
	}
	if (strcmp(way, "vfork") == 0) {
		child = vfork();
		if (child == 0)
			execute(arguments);
		return outcome(child);
	}
	if (strcmp(way, "clone") == 0) {
		child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
		if (child == 0)
			_exit(run(arguments));
		return outcome(child);
	}
	if (strcmp(way, "clone3") == 0) {
		struct {
			uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
		} wanted = {.exit_signal = SIGCHLD};

		child = (pid_t)syscall(SYS_clone3, &wanted, sizeof(wanted));
		if (child == 0)
			_exit(run(arguments));
		return outcome(child);
	}
	if (strcmp(way, "exec") == 0)
		execute(arguments);
	if (strcmp(way, "daemon") == 0)
		return daemonize(arguments);
	fail(way);
}
