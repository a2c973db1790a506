/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Only the kernel fields that the programs read. CO-RE finds their real
 * offsets when the object is loaded, so the order and the gaps here do not
 * matter.
 */
#ifndef TRACE_HTTP_KERNEL_H
#define TRACE_HTTP_KERNEL_H

#define __VMLINUX_H__ /* makes bpf_tracing.h use the kernel's register names */

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;
typedef unsigned long size_t;
typedef _Bool bool;
#define true 1
#define false 0

enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_RINGBUF = 27,
	BPF_MAP_TYPE_TASK_STORAGE = 29,
};

enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
	BPF_F_NO_PREALLOC = 1,
	BPF_LOCAL_STORAGE_GET_F_CREATE = 1,
	BPF_RB_NO_WAKEUP = 1,
	BPF_RB_FORCE_WAKEUP = 2,
	BPF_RB_AVAIL_DATA = 0,
};

/* include/net/tcp_states.h */
enum {
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT = 2,
	TCP_SYN_RECV = 3,
	TCP_FIN_WAIT1 = 4,
	TCP_CLOSE = 7,
	TCP_CLOSE_WAIT = 8,
	TCP_LAST_ACK = 9,
	TCP_LISTEN = 10,
};

/* include/uapi/linux/net.h */
typedef enum {
	SS_UNCONNECTED = 1,
} socket_state;

#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define IPPROTO_TCP 6
#define IPPROTO_MPTCP 262
#define IPPROTO_UDP 17
#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define S_IFREG 0100000
#define RCV_SHUTDOWN 1
#define SHUTDOWN_MASK 3
#define PF_EXITING 0x4
#define EPERM 1
#define ENOENT 2
#define EAGAIN 11
#define EACCES 13
#define EEXIST 17
#define ENOTDIR 20
#define EINVAL 22
#define EPIPE 32
#define ELOOP 40
#define EPROTOTYPE 91
#define EADDRNOTAVAIL 99
#define ENETDOWN 100
#define ENETUNREACH 101
#define ECONNABORTED 103
#define ECONNRESET 104
#define ENOBUFS 105
#define ETIMEDOUT 110
#define ECONNREFUSED 111
#define EHOSTDOWN 112
#define EHOSTUNREACH 113
#define MSG_OOB 0x1
#define MSG_PEEK 0x2
#define MSG_TRUNC 0x20
#define MSG_ERRQUEUE 0x2000

/* User space's own layouts, fixed by the system call interface. */
struct iovec {
	u64 iov_base;
	u64 iov_len;
};

struct user_msghdr {
	u64 msg_name;
	u32 msg_namelen;
	u32 padding0;
	u64 msg_iov;
	u64 msg_iovlen;
	u64 msg_control;
	u64 msg_controllen;
	u32 msg_flags;
	u32 padding1;
};

struct mmsghdr {
	struct user_msghdr msg_hdr;
	u32 msg_len;
	u32 padding;
};

struct seq_file;
struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__bpf_map {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
};

struct user_sockaddr {
	u16 family;
	__be16 port;
	u8 address4[4];
	u8 address6[16]; /* after sin6_flowinfo, which is where IPv4 has its address */
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long r10, r9, r8, ax, dx, si, di, orig_ax, ip, sp, cx, bx, bp, r11, r12, r13, r14, r15, cs, flags, ss;
};
struct thread_info {
	u32 status;
};
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
	u64 regs[31];
	u64 sp, pc, pstate;
};
struct pt_regs {
	union {
		struct user_pt_regs user_regs;
		struct {
			u64 regs[31];
			u64 sp, pc, pstate;
		};
	};
	u64 orig_x0;
	s32 syscallno;
};
struct thread_info {
	unsigned long flags;
};
#endif

typedef struct {
	int counter;
} atomic_t;

struct in6_addr {
	union {
		u8 u6_addr8[16];
		__be32 u6_addr32[4];
	} in6_u;
};

struct ns_common {
	u32 inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	u16 skc_num;
	u16 skc_family;
	volatile u8 skc_state;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};

struct socket;

struct sock {
	struct sock_common __sk_common;
	struct socket *sk_socket;
	u16 sk_protocol;
	u8 sk_shutdown;
	int sk_err;
};

struct inet_sock {
	__be16 inet_sport;
};

struct tcp_sock {
	bool is_mptcp;
	u32 rcv_nxt;
	u32 copied_seq;
	u32 write_seq;
	u32 snd_una;
	u64 bytes_acked;
	u64 bytes_received;
};

struct inode;

struct address_space {
	struct inode *host;
	atomic_t i_mmap_writable;
};

struct super_block {
	u32 s_dev;
	unsigned long s_magic;
	u32 s_time_gran;
};

struct inode {
	u16 i_mode;
	unsigned long i_ino;
	s64 i_size;
	struct super_block *i_sb;
	struct address_space *i_mapping;
};

struct timespec64 {
	s64 tv_sec;
	long tv_nsec;
};

/* The time of a file's last change. */
struct inode___until_6_5 {
	struct timespec64 i_ctime;
};

struct inode___since_6_6 {
	struct timespec64 __i_ctime;
};

struct inode___since_6_11 {
	s64 i_ctime_sec;
	u32 i_ctime_nsec;
};

struct qstr {
	u32 len;
	const unsigned char *name;
};

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
};

struct vfsmount {
	struct dentry *mnt_root;
	struct super_block *mnt_sb;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct fs_struct {
	struct path root;
};

struct file {
	struct inode *f_inode;
	void *private_data;
	struct path f_path;
	s64 f_pos;
};

struct vm_area_struct {
	struct file *vm_file;
};

struct linux_binprm {
	struct file *file;
	const char *interp;
};

struct socket {
	socket_state state;
	s16 type;
	struct file *file;
	struct sock *sk;
};

struct sockaddr_un {
	u16 sun_family;
	char sun_path[108];
};

struct unix_address {
	int len;
	struct sockaddr_un name[];
};

struct unix_sock {
	struct unix_address *addr;
	struct sock *peer;
};

/* Names and numbers changed: 6.0 added ITER_UBUF, 6.4 renumbered the others. */
enum iter_type {
	ITER_UBUF,
	ITER_IOVEC,
	ITER_BVEC,
};

struct page {
	unsigned long compound_head; /* of a tail page: the address of its head page, plus 1 */
};

struct folio {
	struct address_space *mapping;
	unsigned long index;
};

struct bio_vec {
	struct page *bv_page;
	u32 bv_len;
	u32 bv_offset;
};

struct iov_iter {
	u8 iter_type;
	unsigned long iov_offset;
	const struct iovec *__iov;
	void *ubuf;
	const struct bio_vec *bvec;
	unsigned long count;
	unsigned long nr_segs;
};

struct msghdr {
	struct iov_iter msg_iter;
};

/* Until 6.3. */
struct iov_iter___before_6_4 {
	const struct iovec *iov;
};

struct msghdr___before_6_4 {
	struct iov_iter___before_6_4 msg_iter;
};

/* Reference count of an open file: f_count until 6.12, then f_ref, which counts from 0. */
typedef struct {
	s64 counter;
} atomic_long_t;

typedef struct {
	atomic_long_t refcnt;
} file_ref_t;

struct file___until_6_12 {
	atomic_long_t f_count;
};

struct file___since_6_13 {
	file_ref_t f_ref;
};

struct fdtable {
	u32 max_fds;
	struct file **fd;
};

struct files_struct {
	atomic_t count;
	struct fdtable *fdt;
};

typedef struct {
	u32 val;
} kuid_t;

typedef struct {
	u32 val;
} kgid_t;

/* Two words until 6.2, one of 64 bits since. */
typedef struct {
	u64 val;
} kernel_cap_t;

struct user_namespace {
	kuid_t owner;
};

struct bpf_map {
	enum bpf_map_type map_type;
	u32 max_entries;
	char name[16];
};

struct mm_struct {
	struct user_namespace *user_ns;
};

/* One word until 6.17, a bitmap in a structure since. */
struct mm_struct___until_6_17 {
	unsigned long flags;
};

typedef struct {
	unsigned long __mm_flags[1];
} mm_flags_t;

struct mm_struct___since_6_18 {
	mm_flags_t flags;
};

struct cred {
	kuid_t uid, suid, euid, fsuid;
	kgid_t gid, sgid, egid, fsgid;
	kernel_cap_t cap_permitted;
	struct user_namespace *user_ns;
};

struct signal_struct {
	atomic_t live;
	int nr_threads;
	int group_exit_code;
};

struct pid_namespace {
	struct ns_common ns;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[];
};

struct task_struct {
	struct thread_info thread_info;
	unsigned int flags;
	unsigned int ptrace;
	int pid;
	int tgid;
	int exit_code;
	u64 start_boottime;
	u64 self_exec_id;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	const struct cred *real_cred;
	struct mm_struct *mm;
	struct files_struct *files;
	struct fs_struct *fs;
	struct signal_struct *signal;
	char comm[16];
};


#pragma clang attribute pop

#endif
