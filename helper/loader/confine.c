// SPDX-License-Identifier: MIT
/* What the broker gives up before it serves: rights, and system calls. */
#define _GNU_SOURCE
#include "confine.h"
#include "../sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Keeps CAP_SYS_PTRACE, to see the mappings of processes that others may not inspect (as the helper itself), and
 * CAP_SYS_ADMIN for perf's uprobes; uprobe_multi needs none. Gives up the rest, and root's user id too: the broker
 * reads nothing that the requester may not read.
 */
void keep_broker_rights(const struct requester *requester, enum tls_attach way)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct had[_LINUX_CAPABILITY_U32S_3], data[_LINUX_CAPABILITY_U32S_3] = {0};
	const int kept[] = {CAP_SYS_PTRACE, way == TLS_ATTACH_PERF ? CAP_SYS_ADMIN : CAP_SYS_PTRACE};

	if (syscall(SYS_capget, &header, had) || prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
		_exit(1);
	/* Capabilities that an installed loader does not have are not requested: the broker then reports what does not work. */
	for (size_t i = 0; way != TLS_ATTACH_NONE && i < sizeof(kept) / sizeof(*kept); i++) {
		uint32_t bit = had[kept[i] / 32].permitted & 1u << (kept[i] % 32);

		data[kept[i] / 32].permitted |= bit;
		data[kept[i] / 32].effective |= bit;
	}
	for (int capability = 0; capability < 64; capability++) {
		if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) && errno != EINVAL && geteuid() == 0)
			_exit(1);
	}
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if ((geteuid() == 0 && setgroups(0, NULL)) || setresgid(requester->gid, requester->gid, requester->gid) ||
	    setresuid(requester->uid, requester->uid, requester->uid) || syscall(SYS_capset, &header, data) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ||
	    /* If its user's processes stop it, it resumes when the helper ends, and then ends as well. */
	    prctl(PR_SET_PDEATHSIG, SIGCONT, 0, 0, 0))
		_exit(1);
}

void limit_broker_calls(enum tls_attach way)
{
	const uint32_t writes = O_ACCMODE | O_CREAT | O_TRUNC;
	const struct allowed_call calls[] = {
		{SYS_recvmsg, ANY_ARGUMENT, 0, 0},
		{SYS_sendmsg, ANY_ARGUMENT, 0, 0},
#ifdef SYS_poll
		{SYS_poll, ANY_ARGUMENT, 0, 0},
#endif
		{SYS_ppoll, ANY_ARGUMENT, 0, 0},
		{SYS_openat, 2, writes, O_RDONLY},
		{SYS_read, ANY_ARGUMENT, 0, 0},
		{SYS_pread64, ANY_ARGUMENT, 0, 0},
		{SYS_getdents64, ANY_ARGUMENT, 0, 0},
		{SYS_close, ANY_ARGUMENT, 0, 0},
		{SYS_close_range, ANY_ARGUMENT, 0, 0},
#ifdef SYS_newfstatat
		{SYS_newfstatat, ANY_ARGUMENT, 0, 0},
#endif
		{SYS_fstat, ANY_ARGUMENT, 0, 0},
		{SYS_bpf, 0, ~0u, BPF_LINK_CREATE},
		{SYS_bpf, 0, ~0u, BPF_MAP_GET_NEXT_KEY},
		{SYS_bpf, 0, ~0u, BPF_MAP_DELETE_ELEM},
		{way == TLS_ATTACH_PERF ? SYS_perf_event_open : SYS_close, ANY_ARGUMENT, 0, 0},
		{way == TLS_ATTACH_PERF ? SYS_flock : SYS_close, ANY_ARGUMENT, 0, 0},
		/* Memory, none of it executable. */
		{SYS_brk, ANY_ARGUMENT, 0, 0},
		{SYS_mmap, 2, 4 /* PROT_EXEC */, 0},
		{SYS_mprotect, 2, 4, 0},
		{SYS_munmap, ANY_ARGUMENT, 0, 0},
		{SYS_mremap, ANY_ARGUMENT, 0, 0},
		{SYS_madvise, ANY_ARGUMENT, 0, 0},
		/* Threads, no processes. */
		{SYS_clone, 0, CLONE_THREAD, CLONE_THREAD},
		{SYS_futex, ANY_ARGUMENT, 0, 0},
		{SYS_set_robust_list, ANY_ARGUMENT, 0, 0},
		{SYS_rseq, ANY_ARGUMENT, 0, 0},
		{SYS_rt_sigaction, ANY_ARGUMENT, 0, 0},
		{SYS_rt_sigprocmask, ANY_ARGUMENT, 0, 0},
		{SYS_rt_sigreturn, ANY_ARGUMENT, 0, 0},
		{SYS_restart_syscall, ANY_ARGUMENT, 0, 0},
		{SYS_getrandom, ANY_ARGUMENT, 0, 0},
#ifdef __SANITIZE_ADDRESS__
		/* What AddressSanitizer does as a thread begins and ends; only in the build for test/trust/sanitized.mjs. */
		{SYS_gettid, ANY_ARGUMENT, 0, 0},
		{SYS_getpid, ANY_ARGUMENT, 0, 0},
		{SYS_sigaltstack, ANY_ARGUMENT, 0, 0},
		{SYS_sched_yield, ANY_ARGUMENT, 0, 0},
		{SYS_sched_getaffinity, ANY_ARGUMENT, 0, 0},
		{SYS_prlimit64, ANY_ARGUMENT, 0, 0},
#endif
		{SYS_exit, ANY_ARGUMENT, 0, 0},
		{SYS_exit_group, ANY_ARGUMENT, 0, 0},
	};

	if (allow_only(calls, sizeof(calls) / sizeof(*calls)))
		_exit(1);
}
