/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Unix sockets that a process releases without close(2). No tracepoint reports their end, so the backend `tracepoint`
 * checks the descriptors that a process still has open when it ends, and the connections of a process that has closed
 * several descriptors at once (exec, close_range). The other backends hook unix_release.
 */
#ifndef TRACE_HTTP_LEAVE_H
#define TRACE_HTTP_LEAVE_H

#include "connection.h"

#define MAX_DESCRIPTORS 65536 /* examined per process */

/* The number of references to a file. 0 or less: it is closed, and its socket is about to be released; or not known. */
static __always_inline s64 references_of(struct file *file)
{
	struct file___until_6_12 *counted = (void *)file;
	struct file___since_6_13 *referenced = (void *)file;

	if (bpf_core_field_exists(counted->f_count))
		return BPF_CORE_READ(counted, f_count.counter);
	if (bpf_core_field_exists(referenced->f_ref))
		return BPF_CORE_READ(referenced, f_ref.refcnt.counter) + 1;
	return -1;
}

struct descriptors {
	struct file **files;
	u32 count;
	u32 pid;
};

/*
 * A bpf_loop callback: a descriptor of an ending process. The socket ends if all its references are such descriptors.
 */
static long leave_descriptor(u32 index, struct descriptors *descriptors)
{
	struct connection *connection;
	struct endpoint endpoint;
	struct file *file = 0;
	struct inode *node;

	if (index >= descriptors->count)
		return 1;
	bpf_probe_read_kernel(&file, sizeof(file), descriptors->files + index);
	if (!file)
		return 0;
	node = BPF_CORE_READ(file, f_inode);
	if ((BPF_CORE_READ(node, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	endpoint = endpoint_of_socket(BPF_CORE_READ(file, private_data), BPF_CORE_READ(node, i_ino));
	if (!endpoint.sk || endpoint.transport != TRANSPORT_UNIX)
		return 0;
	connection = connection_of(endpoint.sk, TRANSPORT_UNIX);
	if (!connection)
		return 0;
	if (connection->leaver != descriptors->pid) {
		connection->leaver = descriptors->pid;
		connection->references = 0;
	}
	connection->references++;
	if (connection->references == references_of(file))
		close_unix(endpoint.sk, connection);
	return 0;
}

/* The last thread of the current process ends; its descriptors are still open. */
static __always_inline void leave_process(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task_btf();
	struct descriptors descriptors = {};
	struct files_struct *files;
	struct fdtable *table;

	files = BPF_CORE_READ(task, files);
	/* Threads that just ended may not have released the table yet; one shared with another process stays open. */
	if (!files || BPF_CORE_READ(files, count.counter) > BPF_CORE_READ(task, signal, nr_threads))
		return;
	table = BPF_CORE_READ(files, fdt);
	descriptors.files = BPF_CORE_READ(table, fd);
	descriptors.pid = bpf_get_current_pid_tgid() >> 32;
	descriptors.count = BPF_CORE_READ(table, max_fds);
	bpf_loop(MAX_DESCRIPTORS, leave_descriptor, &descriptors, 0);
}

/* For bpf_for_each_map_elem: a connection of this process whose socket has no references any more. */
static long sweep_connection(void *map, u64 *key, struct connection *connection, u32 *pid)
{
	struct sock *sk;
	struct file *file;

	if (!key || !connection || connection->gone || connection->pid != *pid)
		return 0;
	sk = (struct sock *)*key;
	file = BPF_CORE_READ(sk, sk_socket, file);
	if (file && BPF_CORE_READ(file, f_inode, i_ino) == connection->inode && references_of(file) > 0)
		return 0;
	close_unix(sk, connection);
	return 0;
}

/* The current process may have closed any of its descriptors. */
static __always_inline void sweep_unix(void)
{
	u32 pid = current_visible_pid();

	bpf_for_each_map_elem(&unix_connections, sweep_connection, &pid, 0);
}

#endif
