/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Lists the data rings of all traces, with their owners, from the kernel's own list of maps: no process can hide a
 * ring, and it is gone once nothing holds it. Run by the loader (helper/loader/rings.c) before it creates another.
 */
#ifndef TRACE_HTTP_RINGS_H
#define TRACE_HTTP_RINGS_H

#include "kernel.h"
#include "trace_http.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

SEC("iter/bpf_map")
int trace_http_rings(struct bpf_iter__bpf_map *ctx)
{
	const char prefix[] = RING_NAME_PREFIX;
	struct seq_file *output = ctx->meta->seq;
	struct bpf_map *map = ctx->map;
	struct named_ring ring = {};

	/* A map type that only privileged processes can create, so nobody can charge a ring to another user. */
	if (!map || BPF_CORE_READ(map, map_type) != BPF_MAP_TYPE_RINGBUF)
		return 0;
	BPF_CORE_READ_STR_INTO(&ring.name, map, name);
	for (u32 i = 0; i < sizeof(prefix) - 1; i++) {
		if (ring.name[i] != prefix[i])
			return 0;
	}
	ring.size = BPF_CORE_READ(map, max_entries);
	bpf_seq_write(output, &ring, sizeof(ring));
	return 0;
}

#endif
