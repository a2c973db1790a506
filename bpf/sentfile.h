/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * sendfile moves a file's pages to a socket: the bytes are never in user memory, so they cannot be copied. The
 * records of such a call name the file as it was then (identity, size, time of its last change) and the position in
 * it, and user space reads the bytes if the file is still the same. An eBPF program cannot read the page cache.
 */
#ifndef TRACE_HTTP_SENTFILE_H
#define TRACE_HTTP_SENTFILE_H

#include "connection.h"
#include "syscalls.h"
#include "work.h"

#define NAME_SIZE 256 /* NAME_MAX and a slash */
#define OVERLAYFS 0x794c7630
#define MAX_NAMES 64 /* directories and mounts on the way from a file to the root */
#define CTIME_QUERIED (1u << 31) /* since 6.13, in the nanoseconds: see FILE_STAMPED */

/* A record's file, and its path to the root. */
struct file_walk {
	struct record_sent_file record; /* all but `data` */
	u64 dentry;
	u64 mount; /* struct vfsmount * */
	u64 root_dentry;
	u64 root_mount;
	u32 length;
	u32 arrived;
	char path[FILE_PATH_SIZE + NAME_SIZE];
};

/* One per CPU and program, as struct work. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, u32);
	__type(value, struct file_walk);
} file_walks SEC(".maps");

static __always_inline void read_change(struct inode *inode, struct file_state *state)
{
	struct inode___since_6_11 *newest = (void *)inode;
	struct inode___since_6_6 *newer = (void *)inode;
	struct inode___until_6_5 *older = (void *)inode;

	state->size = BPF_CORE_READ(inode, i_size);
	if (bpf_core_field_exists(newest->i_ctime_sec)) {
		state->changed_seconds = BPF_CORE_READ(newest, i_ctime_sec);
		state->changed_nanoseconds = BPF_CORE_READ(newest, i_ctime_nsec);
	} else if (bpf_core_field_exists(newer->__i_ctime)) {
		state->changed_seconds = BPF_CORE_READ(newer, __i_ctime.tv_sec);
		state->changed_nanoseconds = BPF_CORE_READ(newer, __i_ctime.tv_nsec);
	} else {
		state->changed_seconds = BPF_CORE_READ(older, i_ctime.tv_sec);
		state->changed_nanoseconds = BPF_CORE_READ(older, i_ctime.tv_nsec);
	}
}

/* Saves the current state of a regular file of the process. */
static __always_inline void remember_file(struct file_state *state, u32 descriptor)
{
	struct file *file = file_of_descriptor(descriptor);
	struct inode *inode;

	state->file = 0;
	if (!file)
		return;
	inode = BPF_CORE_READ(file, f_inode);
	if ((BPF_CORE_READ(inode, i_mode) & S_IFMT) != S_IFREG)
		return;
	read_change(inode, state);
	state->descriptor = descriptor;
	state->file = (u64)file;
}

/* Where sendfile reads: `user` is the address of the position, 0 = the file's own. */
static __always_inline s64 file_position(struct file *file, u64 user)
{
	s64 position = -1;

	if (!user)
		return BPF_CORE_READ(file, f_pos);
	bpf_probe_read_user(&position, sizeof(position), (void *)user);
	return position;
}

/* sendfile(socket, file, &position, count): the file, and where it is read. */
static __always_inline void begin_sendfile(struct file_state *from, struct arguments *arguments)
{
	remember_file(from, arguments->second);
	if (from->file)
		from->position = file_position((struct file *)from->file, arguments->third);
}

/* The position has moved by as many bytes as were sent: no other thread has used it meanwhile. */
static __always_inline bool has_sent(struct file_state *from, struct arguments *arguments, u64 result)
{
	return file_position((struct file *)from->file, arguments->third) == (s64)(from->position + result);
}

#define PAGE_SHIFT 12

/* File offset of a page in the page cache; -1 when it does not belong to this inode. */
static __always_inline s64 position_of_page(struct page *page, struct inode *inode)
{
	u64 head = BPF_CORE_READ(page, compound_head);
	struct folio *folio = (struct folio *)(head & 1 ? head - 1 : (u64)page);
	u64 mapping = (u64)BPF_CORE_READ(folio, mapping);
	u64 behind = ((u64)page - (u64)folio) / bpf_core_type_size(struct page);

	/*
	 * Compared by number: on overlayfs a page belongs to the inode of a layer, not to that of the opened file. The lowest
	 * bits mark anonymous pages.
	 */
	if (!mapping || mapping & 3 || BPF_CORE_READ((struct address_space *)mapping, host, i_ino) != BPF_CORE_READ(inode, i_ino))
		return -1;
	return (BPF_CORE_READ(folio, index) + behind) << PAGE_SHIFT;
}

/*
 * For hooks below the system calls: the thread moves a page, from this offset in it, to a socket. Saves the file when
 * the thread is in sendfile. Global for the verifier's sake; 6.1 passes no page pointer to such a function, so
 * from.position holds it.
 */
__noinline int trace_http_sent_page(struct call *call, u32 offset)
{
#if defined(__TARGET_ARCH_x86) /* elsewhere the size of a page is not known here */
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	struct arguments arguments;
	struct inode *inode;
	struct file *file;
	struct page *page;
	s64 position;

	if (!call)
		return 0;
	page = (struct page *)call->from.position;
	if (is_compat(task) || read_number(regs) != NR_SENDFILE)
		return 0;
	arguments = read_arguments(regs);
	remember_file(&call->from, arguments.second);
	if (!call->from.file)
		return 0;
	file = (struct file *)call->from.file;
	inode = BPF_CORE_READ(file, f_inode);
	position = position_of_page(page, inode);
	if (position < 0)
		call->from.file = 0;
	else
		call->from.position = position + offset;
#endif
	return 0;
}

/*
 * A local file system (include/uapi/linux/magic.h and the file systems' own headers). Others (network, FUSE) may hang,
 * and their times are another machine's.
 */
static __always_inline bool is_local(struct super_block *super)
{
	switch ((u32)BPF_CORE_READ(super, s_magic)) {
	case 0xef53: /* ext2, ext3, ext4 */
	case 0x58465342: /* XFS */
	case 0x9123683e: /* btrfs */
	case 0x01021994: /* tmpfs */
	case 0x858458f6: /* ramfs */
	case OVERLAYFS:
	case 0x2fc12fc1: /* ZFS */
	case 0xf2f52010: /* F2FS */
	case 0xca451a4e: /* bcachefs */
	case 0x3153464a: /* JFS */
	case 0x3434: /* NILFS */
	case 0x4d44: /* FAT */
	case 0x2011bab0: /* exFAT */
	case 0x7366746e: /* NTFS */
	case 0x9660: /* ISO 9660 */
	case 0x15013346: /* UDF */
	case 0x73717368: /* SquashFS */
	case 0xe0f5e1e2: /* EROFS */
		return true;
	default:
		return false;
	}
}

/* The call, and the file whose bytes it sends. */
struct sent_file {
	struct work *work;
	struct file_walk *walk;
};

/* One name on the way up, or one mount. */
static long walk_up(u32 index, struct sent_file *sent)
{
	struct file_walk *walk = sent->walk;
	struct dentry *dentry, *parent;
	const unsigned char *name;
	struct vfsmount *mount;
	u32 length, at;

	dentry = (struct dentry *)walk->dentry;
	mount = (struct vfsmount *)walk->mount;
	if (walk->dentry == walk->root_dentry && walk->mount == walk->root_mount) {
		walk->arrived = is_local(BPF_CORE_READ(mount, mnt_sb));
		return 1;
	}
	if (dentry == BPF_CORE_READ(mount, mnt_root)) {
		struct mount *whole = (void *)mount - bpf_core_field_offset(struct mount, mnt);
		struct mount *above = BPF_CORE_READ(whole, mnt_parent);

		if (!above || above == whole || !is_local(BPF_CORE_READ(mount, mnt_sb)))
			return 1;
		walk->dentry = (u64)BPF_CORE_READ(whole, mnt_mountpoint);
		walk->mount = (u64)above + bpf_core_field_offset(struct mount, mnt);
		return 0;
	}
	parent = BPF_CORE_READ(dentry, d_parent);
	length = BPF_CORE_READ(dentry, d_name.len);
	name = BPF_CORE_READ(dentry, d_name.name);
	at = walk->length;
	if (!parent || parent == dentry || length == 0 || length >= NAME_SIZE || at + length + 1 > FILE_PATH_SIZE)
		return 1;
	asm volatile("" : "+r"(at), "+r"(length)); /* the bounds below are for the verifier of 6.1 */
	at &= FILE_PATH_SIZE - 1;
	length &= NAME_SIZE - 1;
	if (bpf_probe_read_kernel(walk->path + at, length, name))
		return 1;
	asm volatile("" : "+r"(at), "+r"(length));
	at = (at & (FILE_PATH_SIZE - 1)) + (length & (NAME_SIZE - 1));
	walk->path[at] = '/';
	walk->length = at + 1;
	walk->dentry = (u64)parent;
	return 0;
}

/* Fills in the identity of the file; false when it is not the one with which the call began, or has changed since. */
static __always_inline bool identify_file(struct file_walk *walk, struct work *work)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task_btf();
	struct file_state *from = &work->from, now = {};
	struct file *file;
	struct inode *inode;

	remember_file(&now, from->descriptor);
	if (now.file != from->file || now.size != from->size || now.changed_seconds != from->changed_seconds ||
	    (now.changed_nanoseconds ^ from->changed_nanoseconds) & ~CTIME_QUERIED)
		return false;
	file = (struct file *)from->file;
	inode = BPF_CORE_READ(file, f_inode);
	walk->record.file_position = from->position;
	walk->record.file_size = from->size;
	walk->record.inode = BPF_CORE_READ(inode, i_ino);
	walk->record.changed_seconds = from->changed_seconds;
	walk->record.changed_nanoseconds = from->changed_nanoseconds & ~CTIME_QUERIED;
	walk->record.device = BPF_CORE_READ(inode, i_sb, s_dev);
	/* overlayfs reports its layers' times, but a granularity of one second, which is meaningless. */
	if ((u32)BPF_CORE_READ(inode, i_sb, s_magic) == OVERLAYFS)
		walk->record.granularity = 1;
	else
		walk->record.granularity = BPF_CORE_READ(inode, i_sb, s_time_gran);
	walk->record.descriptor = from->descriptor;
	walk->record.flags = from->changed_nanoseconds & CTIME_QUERIED ? FILE_STAMPED : 0;
	if (!is_local(BPF_CORE_READ(inode, i_sb)))
		walk->record.flags |= FILE_FOREIGN;
	if (BPF_CORE_READ(inode, i_mapping, i_mmap_writable.counter) > 0)
		walk->record.flags |= FILE_WRITABLE_MAP;
	walk->dentry = (u64)BPF_CORE_READ(file, f_path.dentry);
	walk->mount = (u64)BPF_CORE_READ(file, f_path.mnt);
	walk->root_dentry = (u64)BPF_CORE_READ(task, fs, root.dentry);
	walk->root_mount = (u64)BPF_CORE_READ(task, fs, root.mnt);
	walk->length = 0;
	walk->arrived = 0;
	return true;
}

#define SHORT_PATH 128

/* A record with room for a path of ROOM bytes: a constant, as the ring requires, and at least `length`. */
#define EMIT_FILE(room)                                                                    \
	do {                                                                               \
		record = bpf_ringbuf_reserve(&data_ring, sizeof(*record) + (room), 0);     \
		if (!record)                                                               \
			break;                                                             \
		*record = walk->record;                                                    \
		trace_http_fill(&record->data, work, size, 0, OMISSION_NO_BYTES);          \
		record->data.header.flags |= FLAG_FILE;                                    \
		record->data.header.length = (sizeof(*record) + length + 7) & ~7u;         \
		record->path_length = length;                                              \
		asm volatile("" : "+r"(length));                                           \
		if (length > (room))                                                       \
			length = (room);                                                   \
		bpf_probe_read_kernel(record + 1, length, walk->path);                     \
		submit_data(record);                                                       \
	} while (0)

/* One record. Global, so that the verifier checks it once. 0 = done. */
__noinline int trace_http_file_piece(struct work *work, struct file_walk *walk)
{
	struct record_sent_file *record;
	u32 size, length;

	if (!walk || !work || work->remaining == 0 || work->allowed == 0)
		return 0;
	size = work->allowed < FILE_PIECE_SIZE ? work->allowed : FILE_PIECE_SIZE;
	length = walk->length;
	if (length <= SHORT_PATH)
		EMIT_FILE(SHORT_PATH);
	else
		EMIT_FILE(FILE_PATH_SIZE);
	trace_http_account(size, 0, !record);
	advance(work, size);
	walk->record.file_position += size;
	return 1;
}

static long file_piece(u32 index, struct sent_file *sent)
{
	return !trace_http_file_piece(sent->work, sent->walk);
}

/* Reports the bytes of a call that may be read from a file. Global for the verifier's sake. */
__noinline int trace_http_name_file(struct work *work)
{
	struct file_walk *walk;
	struct sent_file sent;
	u32 slot;

	if (!work || !work->from.file || work->allowed == 0)
		return 0;
	slot = work->slot;
	walk = bpf_map_lookup_elem(&file_walks, &slot);
	if (!walk)
		return 0;
	if (!identify_file(walk, work)) {
		work->from.file = 0;
		return 0;
	}
	sent.work = work;
	sent.walk = walk;
	bpf_loop(MAX_NAMES, walk_up, &sent, 0);
	if (!walk->arrived)
		walk->record.flags |= FILE_NO_PATH;
	bpf_loop(MAX_STEPS, file_piece, &sent, 0);
	return 0;
}

#endif
