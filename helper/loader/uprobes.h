/* SPDX-License-Identifier: MIT */
/* Arguments of bpf(2) for uprobe_multi, since 6.6; the C library's headers may be older. */
#ifndef UPROBES_H
#define UPROBES_H

#include <stdint.h>

#define BPF_TRACE_UPROBE_MULTI_TYPE 48
#define BPF_UPROBE_MULTI_RETURN 1u

struct uprobe_multi_attributes {
	uint32_t program;
	uint32_t target;
	uint32_t attach_type;
	uint32_t flags;
	uint64_t path;    /* const char * */
	uint64_t offsets; /* const uint64_t *, in the file */
	uint64_t reference_counters;
	uint64_t cookies; /* const uint64_t * */
	uint32_t count;
	uint32_t uprobe_flags;
	uint32_t pid; /* 0: every process */
	uint32_t padding;
};

#endif
