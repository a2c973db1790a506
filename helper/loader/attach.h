/* SPDX-License-Identifier: MIT */
/* Attaches programs to checked places of a file: by uprobe_multi or, on kernels before 6.6, by perf events. */
#ifndef ATTACH_H
#define ATTACH_H

#include "broker.h"
#include "loader.h"

struct attacher {
	enum tls_attach way;
	int enter, leave, caller; /* the programs */
	uint32_t pmu; /* number of the kernel's uprobe events */
	uint64_t return_bit; /* makes an event fire at the return */
	int type_file;	     /* with perf: the kernel's file that names `pmu`, for take_turns of removal.h; else -1 */
};

/* What is attached to one file. */
struct attachment {
	int *descriptors; /* links first; with perf as many events after them */
	uint32_t links, count;
};

/* False, with errno, when this kernel has no uprobes. */
bool prepare_attacher(struct attacher *attacher);
/* 0, or an errno, with what was attached until then: removal.h removes it in either case. `file` is open for reading. */
int attach_probes(const struct attacher *attacher, int file, const struct broker_request *request, struct attachment *attachment);

#endif
