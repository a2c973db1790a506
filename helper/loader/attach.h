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
};

/* What is attached to one file. */
struct attachment {
	int *descriptors; /* links first; with perf as many events after them */
	uint32_t links, count;
};

/* False, with errno, when this kernel has no uprobes. */
bool prepare_attacher(struct attacher *attacher);
/* 0, or an errno and nothing attached. `file` is open for reading. */
int attach_probes(const struct attacher *attacher, int file, const struct broker_request *request, struct attachment *attachment);
/* The kernel waits until the program is not running, 0.05 to 0.1 s for each: links in parallel, perf's events in turn. */
void detach_probes(struct attachment *attachments, size_t count);

#endif
