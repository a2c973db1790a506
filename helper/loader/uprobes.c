// SPDX-License-Identifier: MIT
/* Whether this kernel can attach a program to many places of a file at once (uprobe_multi): tried, not read from a version. */
#define _GNU_SOURCE
#include "loader.h"
#include "uprobes.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A folder cannot be probed. The kernel checks that last, with EBADF; really attaching would take tens of ms. */
bool has_uprobe_multi(void)
{
	/* r0 = 0; exit */
	const struct bpf_insn instructions[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K}, {.code = BPF_JMP | BPF_EXIT}};
	const uint64_t offset = 0;
	LIBBPF_OPTS(bpf_prog_load_opts, options);
	struct uprobe_multi_attributes attributes;
	long link;
	int error;

	options.expected_attach_type = (enum bpf_attach_type)BPF_TRACE_UPROBE_MULTI_TYPE;
	memset(&attributes, 0, sizeof(attributes));
	attributes.program = (uint32_t)bpf_prog_load(BPF_PROG_TYPE_KPROBE, "trace_http_try", "Dual BSD/GPL", instructions, 2, &options);
	if ((int)attributes.program < 0)
		return false;
	attributes.attach_type = BPF_TRACE_UPROBE_MULTI_TYPE;
	attributes.path = (uintptr_t)"/";
	attributes.offsets = (uintptr_t)&offset;
	attributes.count = 1;
	link = syscall(SYS_bpf, BPF_LINK_CREATE, &attributes, sizeof(attributes));
	error = errno;
	close((int)attributes.program);
	if (link >= 0)
		close((int)link);
	return link >= 0 || error == EBADF;
}
