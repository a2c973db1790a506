/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * NSS: a program reads and writes with PR_Read, PR_Write, … of NSPR, as it does
 * with files and sockets without TLS. A descriptor is a stack of layers (prio.h
 * of NSPR, struct PRFileDesc); one of them is libssl3's when SSL_ImportFD has
 * put it there. Its private data is the session, whichever layer above it a
 * call starts from.
 */
#ifndef TRACE_HTTP_NSS_H
#define TRACE_HTTP_NSS_H

#include "state.h"

#define NSS_LAYERS 6       /* examined from the top, including SOCKS and the program's own */
#define NSPR_LAYERED 4     /* PRDescType: PR_DESC_LAYERED */
#define NSPR_HEAD (-3)     /* PR_IO_LAYER_HEAD: a stack that keeps its top */
#define NSPR_SHUTDOWN_RECEIVE 0 /* PR_SHUTDOWN_RCV */

/* struct PRFileDesc, which programs are compiled with. */
struct nspr_layer {
	u64 methods; /* struct PRIOMethods *: its type, and then `close` */
	u64 private_data;
	u64 lower;
	u64 higher;
	u64 destructor;
	s32 identity; /* a number that the process gave to all layers of one kind */
	s32 padding;
};

/* Key: a kind of layer, in one program that a process executes. */
struct nspr_kind {
	u64 process_started;
	u32 program; /* how many times the process has called exec */
	s32 identity;
};

enum nspr_kind_is { NSPR_KIND_OTHER = 1, NSPR_KIND_TLS = 2 };

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct nspr_kind);
	__type(value, u32); /* enum nspr_kind_is */
} nspr_kinds SEC(".maps");

static __always_inline void name_kind(struct nspr_kind *kind, s32 identity)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	kind->process_started = BPF_CORE_READ(task, group_leader, start_boottime);
	kind->program = (u32)BPF_CORE_READ(task, self_exec_id);
	kind->identity = identity;
}

static const char nss_file[] = "libssl3.so";

struct nss_code {
	u32 is; /* enum nspr_kind_is */
};

static long look_at_code(struct task_struct *task, struct vm_area_struct *area, struct nss_code *code)
{
	char name[sizeof(nss_file)] = {};
	const unsigned char *from = BPF_CORE_READ(area, vm_file, f_path.dentry, d_name.name);

	code->is = NSPR_KIND_OTHER;
	if (!from || bpf_probe_read_kernel(name, sizeof(name) - 1, from))
		return 0;
	for (u32 i = 0; i < sizeof(nss_file) - 1; i++) {
		if (name[i] != nss_file[i])
			return 0;
	}
	code->is = NSPR_KIND_TLS;
	return 0;
}

/*
 * Whether a layer is libssl3's, by the file that holds the code of its
 * `close`: for descriptors that were made before the trace. 0 = not known.
 */
static __always_inline u32 kind_by_code(struct nspr_layer *layer)
{
	struct nss_code code = {};
	u64 address = 0;
	u32 type = 0;

	if (bpf_probe_read_user(&type, sizeof(type), (void *)layer->methods))
		return 0;
	if (type != NSPR_LAYERED)
		return NSPR_KIND_OTHER;
	if (bpf_probe_read_user(&address, sizeof(address), (void *)(layer->methods + sizeof(u64))))
		return 0;
	bpf_find_vma(bpf_get_current_task_btf(), address, look_at_code, &code, 0);
	return code.is;
}

/* The session that a descriptor leads to; 0 = it has no TLS. Global for the verifier's sake. */
__noinline u64 trace_http_nss_session(u64 descriptor)
{
	struct nspr_layer layer = {};
	struct nspr_kind kind = {};

	for (u32 i = 0; i < NSS_LAYERS; i++) {
		u32 *known, is;

		if (!descriptor || bpf_probe_read_user(&layer, sizeof(layer), (void *)descriptor))
			return 0;
		if (layer.identity != NSPR_HEAD) {
			name_kind(&kind, layer.identity);
			known = bpf_map_lookup_elem(&nspr_kinds, &kind);
			is = known ? *known : kind_by_code(&layer);
			if (!known && is)
				bpf_map_update_elem(&nspr_kinds, &kind, &is, BPF_NOEXIST);
			if (is == NSPR_KIND_TLS)
				return layer.private_data;
		}
		descriptor = layer.lower;
	}
	return 0;
}

/* SSL_ImportFD has returned this descriptor: its uppermost layer is libssl3's, wherever libssl3's code is. */
static __always_inline u64 learn_nss_session(u64 descriptor)
{
	struct nspr_layer layer = {};
	struct nspr_kind kind = {};
	u32 is = NSPR_KIND_TLS;

	if (!descriptor || bpf_probe_read_user(&layer, sizeof(layer), (void *)descriptor))
		return 0;
	if (layer.identity == NSPR_HEAD && bpf_probe_read_user(&layer, sizeof(layer), (void *)layer.lower))
		return 0;
	name_kind(&kind, layer.identity);
	bpf_map_update_elem(&nspr_kinds, &kind, &is, BPF_ANY);
	return layer.private_data;
}

#endif
