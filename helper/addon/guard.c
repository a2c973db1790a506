// SPDX-License-Identifier: MIT
/*
 * Keeps other processes of the user out of the helper, blocks all system calls that the helper does not need, and ends
 * it with its client, even if its JavaScript is busy.
 */
#define _GNU_SOURCE
#include "../sandbox.h"
#include "addon.h"

#include <errno.h>
#include <linux/bpf.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* How long JavaScript may take to end the process after the client is gone. */
#define GRACE_MS 200

static int allow_what_node_needs(void)
{
	const uint32_t writes = O_ACCMODE | O_CREAT | O_TRUNC;
	const uint32_t all = ~0u;
	const uint32_t self = (uint32_t)getpid();
	const struct allowed_call calls[] = {
		/* Descriptors that it already has; sockets cannot be made, connected or accepted. */
		{SYS_read, ANY_ARGUMENT, 0, 0},
		{SYS_write, ANY_ARGUMENT, 0, 0},
		{SYS_readv, ANY_ARGUMENT, 0, 0},
		{SYS_writev, ANY_ARGUMENT, 0, 0},
		{SYS_pread64, ANY_ARGUMENT, 0, 0},
		{SYS_recvmsg, ANY_ARGUMENT, 0, 0},
		{SYS_sendmsg, ANY_ARGUMENT, 0, 0},
		{SYS_recvfrom, ANY_ARGUMENT, 0, 0},
		{SYS_sendto, 4, all, 0}, /* to the peer */
		{SYS_shutdown, ANY_ARGUMENT, 0, 0},
		{SYS_getsockopt, ANY_ARGUMENT, 0, 0},
		{SYS_setsockopt, ANY_ARGUMENT, 0, 0},
		{SYS_getsockname, ANY_ARGUMENT, 0, 0},
		{SYS_getpeername, ANY_ARGUMENT, 0, 0},
		{SYS_close, ANY_ARGUMENT, 0, 0},
		{SYS_dup, ANY_ARGUMENT, 0, 0},
		{SYS_dup3, ANY_ARGUMENT, 0, 0},
		{SYS_fcntl, ANY_ARGUMENT, 0, 0},
		{SYS_ioctl, 1, all, FIONBIO},
		{SYS_ioctl, 1, all, FIOCLEX},
		{SYS_ioctl, 1, all, FIONREAD},
		{SYS_ioctl, 1, all, TCGETS},
		{SYS_lseek, ANY_ARGUMENT, 0, 0},
		{SYS_pipe2, ANY_ARGUMENT, 0, 0},
		{SYS_eventfd2, ANY_ARGUMENT, 0, 0},
		{SYS_ppoll, ANY_ARGUMENT, 0, 0},
		{SYS_epoll_create1, ANY_ARGUMENT, 0, 0},
		{SYS_epoll_ctl, ANY_ARGUMENT, 0, 0},
		{SYS_epoll_pwait, ANY_ARGUMENT, 0, 0},
#ifdef SYS_poll
		{SYS_poll, ANY_ARGUMENT, 0, 0},
		{SYS_epoll_wait, ANY_ARGUMENT, 0, 0},
		{SYS_dup2, ANY_ARGUMENT, 0, 0},
#endif
		/* Files, to be read only. */
		{SYS_openat, 2, writes, O_RDONLY},
		{SYS_fstat, ANY_ARGUMENT, 0, 0},
		{SYS_newfstatat, ANY_ARGUMENT, 0, 0},
		{SYS_statx, ANY_ARGUMENT, 0, 0},
		{SYS_statfs, ANY_ARGUMENT, 0, 0},
		{SYS_fstatfs, ANY_ARGUMENT, 0, 0},
		{SYS_readlinkat, ANY_ARGUMENT, 0, 0},
		{SYS_getdents64, ANY_ARGUMENT, 0, 0},
		{SYS_faccessat, ANY_ARGUMENT, 0, 0},
		{SYS_faccessat2, ANY_ARGUMENT, 0, 0},
		{SYS_getcwd, ANY_ARGUMENT, 0, 0},
		{SYS_fadvise64, ANY_ARGUMENT, 0, 0},
#ifdef SYS_open
		{SYS_open, 1, writes, O_RDONLY},
		{SYS_stat, ANY_ARGUMENT, 0, 0},
		{SYS_lstat, ANY_ARGUMENT, 0, 0},
		{SYS_readlink, ANY_ARGUMENT, 0, 0},
		{SYS_access, ANY_ARGUMENT, 0, 0},
#endif
		/* Memory: V8 has a JIT. */
		{SYS_brk, ANY_ARGUMENT, 0, 0},
		{SYS_mmap, ANY_ARGUMENT, 0, 0},
		{SYS_mprotect, ANY_ARGUMENT, 0, 0},
		{SYS_pkey_mprotect, ANY_ARGUMENT, 0, 0},
		{SYS_pkey_alloc, ANY_ARGUMENT, 0, 0},
		{SYS_munmap, ANY_ARGUMENT, 0, 0},
		{SYS_mremap, ANY_ARGUMENT, 0, 0},
		{SYS_madvise, ANY_ARGUMENT, 0, 0},
		{SYS_membarrier, ANY_ARGUMENT, 0, 0},
		{SYS_mincore, ANY_ARGUMENT, 0, 0},
		/* Threads, but no processes and no programs. */
		{SYS_clone, 0, CLONE_THREAD, CLONE_THREAD},
		{SYS_futex, ANY_ARGUMENT, 0, 0},
		{SYS_set_robust_list, ANY_ARGUMENT, 0, 0},
		{SYS_rseq, ANY_ARGUMENT, 0, 0},
		{SYS_sched_yield, ANY_ARGUMENT, 0, 0},
		{SYS_sched_getaffinity, ANY_ARGUMENT, 0, 0},
		{SYS_sched_getparam, ANY_ARGUMENT, 0, 0},
		{SYS_sched_getscheduler, ANY_ARGUMENT, 0, 0},
		{SYS_sched_getattr, 0, all, 0}, /* of the calling thread */
		{SYS_sched_setattr, 0, all, 0},
		{SYS_prctl, 0, all, PR_SET_NAME},
		{SYS_prctl, 0, all, PR_GET_NAME},
		{SYS_prctl, 0, all, PR_GET_DUMPABLE},
		{SYS_prctl, 0, all, PR_SET_VMA},
		{SYS_rt_sigaction, ANY_ARGUMENT, 0, 0},
		{SYS_rt_sigprocmask, ANY_ARGUMENT, 0, 0},
		{SYS_rt_sigreturn, ANY_ARGUMENT, 0, 0},
		{SYS_sigaltstack, ANY_ARGUMENT, 0, 0},
		{SYS_restart_syscall, ANY_ARGUMENT, 0, 0},
		{SYS_tgkill, 0, all, self},
		{SYS_exit, ANY_ARGUMENT, 0, 0},
		{SYS_exit_group, ANY_ARGUMENT, 0, 0},
		/* Its own identity, and the time. */
		{SYS_getpid, ANY_ARGUMENT, 0, 0},
		{SYS_gettid, ANY_ARGUMENT, 0, 0},
		{SYS_getppid, ANY_ARGUMENT, 0, 0},
		{SYS_getuid, ANY_ARGUMENT, 0, 0},
		{SYS_geteuid, ANY_ARGUMENT, 0, 0},
		{SYS_getgid, ANY_ARGUMENT, 0, 0},
		{SYS_getegid, ANY_ARGUMENT, 0, 0},
		{SYS_capget, ANY_ARGUMENT, 0, 0},
		{SYS_uname, ANY_ARGUMENT, 0, 0},
		{SYS_sysinfo, ANY_ARGUMENT, 0, 0},
		{SYS_getrusage, ANY_ARGUMENT, 0, 0},
		{SYS_prlimit64, 2, all, 0}, /* to be read */
		{SYS_getrandom, ANY_ARGUMENT, 0, 0},
		{SYS_clock_gettime, ANY_ARGUMENT, 0, 0},
		{SYS_clock_getres, ANY_ARGUMENT, 0, 0},
		{SYS_clock_nanosleep, ANY_ARGUMENT, 0, 0},
		{SYS_nanosleep, ANY_ARGUMENT, 0, 0},
		{SYS_gettimeofday, ANY_ARGUMENT, 0, 0},
		/* Other processes can be identified and watched, not changed. */
		{SYS_pidfd_open, ANY_ARGUMENT, 0, 0},
		/* The maps that it holds. */
		{SYS_bpf, 0, all, BPF_MAP_LOOKUP_ELEM},
		{SYS_bpf, 0, all, BPF_MAP_UPDATE_ELEM},
		{SYS_bpf, 0, all, BPF_MAP_DELETE_ELEM},
		{SYS_bpf, 0, all, BPF_MAP_GET_NEXT_KEY},
		{SYS_bpf, 0, all, BPF_OBJ_GET_INFO_BY_FD},
	};

	return allow_only(calls, sizeof(calls) / sizeof(*calls));
}

/*
 * harden(): from now on no process of the same user can read this one's memory, take its descriptors (ptrace(2),
 * pidfd_getfd(2), /proc/PID/mem), or make Node listen for a debugger (SIGUSR1), as no socket can be created.
 */
static napi_value harden(napi_env env, napi_callback_info info)
{
	(void)info;
	name_process(NAME_IN_TRACE);
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || allow_what_node_needs())
		return throw_errno(env, "this process cannot be closed to others");
	return NULL;
}

void name_process(const char *name)
{
	prctl(PR_SET_NAME, name, 0, 0, 0);
}

static struct {
	pthread_t thread;
	int client, broker;
	napi_threadsafe_function broker_gone;
} watched;

static void report_broker_gone(napi_env env, napi_value callback, void *context, void *argument)
{
	napi_value undefined;

	(void)context;
	(void)argument;
	if (!env || !callback)
		return;
	napi_get_undefined(env, &undefined);
	napi_call_function(env, undefined, callback, 0, NULL, NULL);
}

static void *watch_ends(void *argument)
{
	struct timespec grace = {GRACE_MS / 1000, GRACE_MS % 1000 * 1000000L};

	(void)argument;
	for (;;) {
		/* Only the peer's closing is requested; errors and hang-ups are always reported. */
		struct pollfd ends[] = {{.fd = watched.client, .events = POLLRDHUP}, {.fd = watched.broker, .events = POLLRDHUP}};

		if (poll(ends, 2, -1) < 0 && errno != EINTR)
			return NULL;
		if (ends[0].revents) {
			nanosleep(&grace, NULL);
			_exit(0);
		}
		if (ends[1].revents) {
			watched.broker = -1;
			napi_call_threadsafe_function(watched.broker_gone, NULL, napi_tsfn_nonblocking);
		}
	}
}

/* watch(client, broker, onBrokerGone): ends this process with the client; broker may be -1 */
static napi_value watch(napi_env env, napi_callback_info info)
{
	napi_value arguments[3], name;
	size_t count = 3;

	if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count < 3 ||
	    napi_get_value_int32(env, arguments[0], &watched.client) != napi_ok ||
	    napi_get_value_int32(env, arguments[1], &watched.broker) != napi_ok || watched.broker_gone) {
		napi_throw_type_error(env, NULL, "two descriptors and a function are expected, once");
		return NULL;
	}
	napi_create_string_utf8(env, "http-trace broker", NAPI_AUTO_LENGTH, &name);
	if (napi_create_threadsafe_function(env, arguments[2], NULL, name, 0, 1, NULL, NULL, NULL, report_broker_gone,
					    &watched.broker_gone) != napi_ok ||
	    pthread_create(&watched.thread, NULL, watch_ends, NULL))
		return throw_errno(env, "thread");
	return NULL;
}

void define_guard_functions(napi_env env, napi_value exports)
{
	static const struct function functions[] = {{"harden", harden}, {"watch", watch}};

	define_functions(env, exports, functions, sizeof(functions) / sizeof(*functions));
}
