/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The layouts that the kernel programs and user space share: records, map keys
 * and values, counters. extension/engine/recordLayout.ts has the same and
 * test/trust/layout.test.ts compares the two.
 *
 * Every record starts with struct record_header. All integers are in host byte
 * order (the trace is read on the machine that wrote it; a recording names its
 * byte order), all times are CLOCK_BOOTTIME in nanoseconds.
 */
#ifndef TRACE_HTTP_H
#define TRACE_HTTP_H

#define TRACE_HTTP_LAYOUT 5 /* raised whenever a layout below changes */

#define HEAD_ALLOWANCE (32 << 10) /* of a copy limit, for a message's head; helper/facts.ts has the same */
#define ADDRESS_SIZE 16
#define COMM_SIZE 16
#define UNIX_PATH_SIZE 108 /* sizeof sockaddr_un.sun_path */
#define ALPN_SIZE 32 /* longest protocol name that is kept; RFC 7301 allows 255 */
#define FILE_PATH_SIZE 1024 /* of a sent file; a longer path is cut */
#define FILE_PIECE_SIZE (1 << 20) /* most bytes of a sent file that one record covers: user space holds them in memory */

enum record_type {
	RECORD_OPENED = 1,  /* a connection is known from here on */
	RECORD_DATA = 2,    /* bytes moved, with or without a copy of them */
	RECORD_ENDED = 3,   /* one direction of a connection has ended */
	RECORD_CLOSED = 4,  /* the socket is gone: nothing follows */
	RECORD_PROCESS_STARTED = 5,  /* fork or clone of a target */
	RECORD_PROCESS_REPLACED = 6, /* exec in a target */
	RECORD_PROCESS_ENDED = 7,    /* last thread of a target is gone */
	RECORD_TLS = 8,     /* a TLS session, or more that is known about one */
	RECORD_CONNECT_FAILED = 9, /* a connect(2) that failed; its socket has no other record */
	RECORD_NAME = 10,   /* a message to or from a name server, or a part of one */
	RECORD_CALLER = 11, /* where in a program a request is about to be sent */
	RECORD_STACK = 12,  /* likewise for a native program; user space turns it into a RECORD_CALLER before passing it on */
};

enum direction { DIRECTION_OUT = 0, DIRECTION_IN = 1 }; /* as the target sees it */
enum layer { LAYER_SOCKET = 0, LAYER_TLS = 1 };
enum side { SIDE_UNKNOWN = 0, SIDE_CLIENT = 1, SIDE_SERVER = 2 };
enum transport { TRANSPORT_TCP = 0, TRANSPORT_UNIX = 1 };

/* What the first bytes of a connection were recognised as; PROTOCOL_UNDECIDED: perhaps HTTP, so its beginning is copied. */
enum protocol {
	PROTOCOL_UNDECIDED = 0,
	PROTOCOL_HTTP1 = 1,
	PROTOCOL_HTTP2 = 2,
	PROTOCOL_TLS = 3,
	PROTOCOL_OTHER = 4, /* from here on counted, not copied */
};

/* Why fewer bytes were copied than moved. */
enum omission {
	OMISSION_NONE = 0,
	OMISSION_LIMIT = 1,    /* beyond the copy budget of the message */
	OMISSION_FAULT = 2,    /* the buffer could not be read */
	OMISSION_NO_BYTES = 3, /* sendfile, splice, kTLS: the bytes were never in user memory */
	OMISSION_PROTOCOL = 4, /* not a protocol that is copied */
	OMISSION_SEGMENTS = 5, /* beyond the segments or pieces looked at in one call */
	OMISSION_FILTER = 6,   /* whole messages, faster than the chosen latency: left out on purpose */
	/* Overload: left out by the eBPF programs or by the helper's backlog, so that nothing is lost. */
	OMISSION_PRESSURE = 7,      /* of a body */
	OMISSION_PRESSURE_HEAD = 8, /* any bytes */
	/* Written by user space, where a record named a file (struct record_sent_file): why its bytes were not read from it. */
	OMISSION_FILE_CHANGED = 16,    /* the file has changed since */
	OMISSION_FILE_UNCERTAIN = 17,  /* it was being changed: its bytes may not be those that were sent */
	OMISSION_FILE_UNREADABLE = 18, /* it cannot be opened or read */
	OMISSION_FILE_SYSTEM = 19,     /* it is on a file system that is not read: a network or FUSE one */
	OMISSION_FILE_SLOW = 20,       /* reading it took too long */
};

/* How a direction ended. */
enum ending {
	ENDING_FIN = 1,      /* orderly: shutdown of this direction alone (out) */
	ENDING_RESET = 2,    /* RST or another socket error: no more bytes follow in this direction */
	ENDING_READ_EOF = 3, /* the target read the end of the stream */
	ENDING_CLOSE = 4,    /* out: the target closed the socket, or shut both directions down; with ECONNRESET: by a RST */
	/* Only notices, which end no direction: earlier bytes may still be read and reported. */
	ENDING_PEER_FIN = 5,   /* in: the peer's FIN has arrived */
	ENDING_PEER_RESET = 6, /* in: RST or another socket error has arrived */
};

/* Whose functions a session's plaintext was copied from. */
enum tls_library {
	TLS_LIBRARY_UNKNOWN = 0,
	TLS_LIBRARY_OPENSSL = 1,
	TLS_LIBRARY_GNUTLS = 2,
	TLS_LIBRARY_GO = 3,
	TLS_LIBRARY_BORINGSSL = 4,
	TLS_LIBRARY_NSS = 5,
	TLS_LIBRARY_MBEDTLS = 6,
	TLS_LIBRARY_WOLFSSL = 7,
	TLS_LIBRARY_LAST = TLS_LIBRARY_WOLFSSL,
};

/* How a session's socket was found. */
enum tls_binding {
	TLS_BINDING_UNKNOWN = 0,
	TLS_BINDING_CALL = 1,       /* a socket call inside the call of the library, on the same thread */
	TLS_BINDING_CIPHERTEXT = 2, /* the bytes that the library made, or was given, moved on the socket */
	TLS_BINDING_DESCRIPTOR = 3, /* the program named the descriptor (SSL_set_fd) */
};

/* By which protocol a name is looked up. */
enum name_transport {
	NAME_UDP = 1,      /* DNS: each record is a datagram */
	NAME_TCP = 2,      /* DNS: each record is a part of a stream in which a length precedes each message */
	NAME_RESOLVED = 3, /* systemd-resolved's Unix socket: likewise, JSON messages that end with a NUL */
};

/* record_header.flags */
#define FLAG_JOINED_LATE (1 << 0) /* the connection was open before it was seen */
#define FLAG_TAIL (1 << 1)        /* data: last bytes of a call whose middle is beyond the budget */
#define FLAG_CONTINUED (1 << 2)   /* data: further piece of the same call */
#define FLAG_UNORDERED (1 << 3)   /* data: concurrent calls, position is the likeliest, not certain */
#define FLAG_PROCESS_ENDED (1 << 4) /* ended, connect failed: the process did not close the socket, it ended */
#define FLAG_FILE (1 << 5)        /* data: struct record_sent_file, not bytes */
#define FLAG_FROM_FILE (1 << 6)   /* data: user space has read the bytes from the file that was sent */
#define FLAG_NAMED (1 << 7)       /* caller: user space has replaced addresses by source lines */
#define FLAG_ANY_METHOD (1 << 8)  /* caller: written by user space, where the request's method is not known */

struct record_header {
	unsigned int length; /* of this record, header and payload, padded to 8 */
	unsigned short type;
	unsigned short flags;
	unsigned long long time;    /* of the event: a send's entry, a receive's exit */
	unsigned long long emitted; /* when the record was made; orders both rings */
	unsigned int pid;           /* thread group, as user space sees it */
	unsigned int tid;
	unsigned long long connection; /* unique within one trace; 0 = none */
};

struct record_opened {
	struct record_header header;
	unsigned long long inode; /* of the socket in sockfs, as in /proc/PID/fd */
	unsigned long long connect_started; /* 0 = unknown or accepted */
	unsigned long long established; /* 0 = unknown */
	unsigned int network_namespace; /* inode of the namespace */
	unsigned short family;          /* AF_INET, AF_INET6, AF_UNIX */
	unsigned char side;
	unsigned char transport;
	unsigned short local_port; /* host byte order */
	unsigned short remote_port;
	unsigned int padding;
	unsigned char local_address[ADDRESS_SIZE];  /* IPv4 in the first four bytes */
	unsigned char remote_address[ADDRESS_SIZE];
};

/* RECORD_OPENED of a Unix socket. Abstract names begin with a NUL; a length of 0 is an unnamed end. */
struct record_opened_unix {
	struct record_opened opened;
	unsigned short local_length;
	unsigned short remote_length;
	unsigned int peer_inode; /* of the peer's socket in sockfs; 0 = it has none: the server has not accepted it yet */
	char local_path[UNIX_PATH_SIZE];
	char remote_path[UNIX_PATH_SIZE];
};

struct record_data {
	struct record_header header;
	unsigned long long position; /* of the first byte, in this direction since the connection was seen */
	unsigned long long returned; /* exit of the call; of a send, header.time is its entry */
	unsigned long long unseen;   /* bytes before position that moved past every hook */
	unsigned int size;           /* bytes that this record covers */
	unsigned int copied;         /* bytes that follow the record; the first of `size` */
	unsigned char direction;
	unsigned char layer;
	unsigned char protocol;
	unsigned char omission;
	unsigned short call; /* number of the system call, 0xffff = none */
	/*
	 * 0 = not certain. Of a record with unseen bytes: the number of its claim plus the number of these bytes; its own
	 * position is certain. Of one with FLAG_UNORDERED: the number of the latest claim plus the call's bytes. If both are
	 * the same, and position and size agree, too, the second record has the first one's unseen bytes.
	 */
	unsigned short claim;
	/* copied bytes, padded to 8 */
};

/*
 * A RECORD_DATA with FLAG_FILE: the bytes went from this file to the socket (sendfile) and were never in user memory.
 * User space reads them if the file is still the same, and they take the place of what follows `data`.
 */
struct record_sent_file {
	struct record_data data;
	unsigned long long file_position; /* of the first byte that the record covers */
	unsigned long long file_size;
	unsigned long long inode;
	unsigned long long changed_seconds; /* ctime, which every change of content sets and no program can choose */
	unsigned int changed_nanoseconds;
	unsigned int device;      /* of its file system: major << 20 | minor */
	unsigned int granularity; /* of its times, in nanoseconds */
	unsigned int descriptor;  /* in the process that sent it */
	unsigned short flags;
	unsigned short path_length;
	unsigned int padding;
	/* The names from the file up to the process's root, each followed by a slash, then padding to 8. */
};
#define FILE_STAMPED (1 << 0)     /* its ctime was read before the call: any later change sets a new one */
#define FILE_WRITABLE_MAP (1 << 1) /* mapped for writing: it may change unnoticed */
#define FILE_NO_PATH (1 << 2)     /* the path does not begin at the process's root, or leads through a file system that may hang */
#define FILE_FOREIGN (1 << 3)     /* on such a file system: network or FUSE (NFS, SMB) */

struct record_ended {
	struct record_header header;
	unsigned long long position; /* of the end of this direction's stream, as far as counted */
	unsigned int error;          /* errno, 0 = none */
	unsigned char direction;
	unsigned char ending;
	unsigned short padding;
};

/*
 * A connect(2) that failed, or whose socket was closed before there was an answer. header.time is when. What the
 * socket would have carried is not known.
 */
struct record_connect_failed {
	struct record_header header;
	unsigned long long started; /* 0 = unknown */
	unsigned int network_namespace;
	unsigned int error;         /* errno, 0 = the target closed the socket */
	unsigned short family;
	unsigned char transport;
	unsigned char padding0;
	unsigned short remote_port; /* host byte order */
	unsigned short remote_length; /* of the path */
	unsigned char remote_address[ADDRESS_SIZE];
	char remote_path[UNIX_PATH_SIZE];
	unsigned int padding1;
};

struct record_closed {
	struct record_header header;
	unsigned long long sent;     /* end position out */
	unsigned long long received; /* end position in */
};

struct record_process {
	struct record_header header;
	unsigned long long start_time; /* of the process */
	unsigned int parent;           /* thread group of the parent, 0 = unknown */
	unsigned int status;           /* PROCESS_ENDED: wait status */
	char name[COMM_SIZE];
};

/*
 * A TLS session: its plaintext is a separate stream, with header.connection as its id. Emitted when it is first seen,
 * and again, with everything known, whenever there is more: the last one counts.
 */
struct record_tls {
	struct record_header header;
	unsigned long long socket;            /* connection id of its socket, 0 = unknown */
	unsigned long long handshake_started; /* 0 = not seen */
	unsigned long long handshake_ended;   /* 0 = not seen */
	unsigned char library;
	unsigned char binding;
	unsigned char side;
	unsigned char alpn_length; /* 0 = none, or not known */
	unsigned int file;         /* the library file whose probe first saw the session: its number from the helper */
	char alpn[ALPN_SIZE]; /* the protocol that was selected */
	unsigned int error;        /* the library's last error: ERR_GET_REASON, GNUTLS_E_ (positive); 0 = none */
	unsigned int verification; /* result for the peer's certificate: X509_V_ERR_; 0 = no error, or not asked */
	unsigned char close_notify; /* enum close_notify */
	unsigned char padding[7];
};

/* How the peer's direction of a TLS session ended. */
enum close_notify {
	CLOSE_NOTIFY_UNKNOWN = 0,
	CLOSE_NOTIFY_READ = 1,   /* the library has read the peer's close_notify */
	CLOSE_NOTIFY_ABSENT = 2, /* the library has read the end of the stream without one */
};

/* What a call moved to or from a name server: port 53, or systemd-resolved's socket. */
struct record_name {
	struct record_header header;
	unsigned long long socket; /* inode in sockfs */
	unsigned int size;         /* bytes that moved */
	unsigned int copied;       /* bytes that follow the record; the first of `size` */
	unsigned int error;        /* errno of a call that failed, as no server listens or none can be reached; 0 = none */
	unsigned short family;     /* of the address: AF_INET, AF_INET6; AF_UNIX without one; 0 = not known */
	unsigned short remote_port; /* host byte order; 0 = not known */
	unsigned char direction;
	unsigned char transport; /* enum name_transport */
	unsigned char closed;    /* the socket is gone: nothing moved */
	unsigned char padding[5];
	unsigned char remote_address[ADDRESS_SIZE]; /* IPv4 in the first four bytes */
	/* copied bytes, padded to 8 */
};

#define CALLER_FRAMES 32
#define CALLER_METHOD_SIZE 16

/*
 * The functions of a Go program that led to a request. For HTTP/2 there are two records: the first, without a
 * connection, has the frames; the second, without frames, names the stream and the connection of the same `request`.
 */
struct record_caller {
	struct record_header header; /* header.connection: the TLS session, else the socket; 0 = HTTP/2, not known yet */
	unsigned long long request; /* its address in the program */
	unsigned long long place;   /* of the probe, in the program's memory */
	unsigned int file;          /* the program: its number from the helper */
	unsigned int stream;        /* of HTTP/2; 0 = HTTP/1, or not known yet */
	unsigned char function;     /* enum tls_function */
	unsigned char count;        /* of frames */
	unsigned char method_length; /* 0: a longer one, or GET, which may be empty */
	unsigned char padding[5];
	char method[CALLER_METHOD_SIZE];
	unsigned long long frames[CALLER_FRAMES]; /* return addresses, innermost first */
};

#define STACK_SIZE 8192 /* bytes of a stack that are copied, at most */
#define STACK_REGISTERS 16

enum stack_machine { STACK_X64 = 1, STACK_ARM64 = 2 };

/*
 * A thread that has sent the first bytes of a request: bpf/stack.h. The record may hold any stack data, and is never
 * stored.
 */
struct record_stack {
	struct record_header header;
	/* Instruction pointer, stack pointer, then rbp, rbx, r12 to r15, or x29, x30, x19 to x28. */
	unsigned long long registers[STACK_REGISTERS];
	unsigned long long floor; /* frames below this address are those of the TLS library's function; 0 = none are */
	unsigned int size;        /* bytes of the stack that follow */
	unsigned int stream;      /* of HTTP/2; 0 = HTTP/1 */
	unsigned char machine;    /* enum stack_machine */
	unsigned char beginning_length;
	unsigned char padding[6];
	char beginning[CALLER_METHOD_SIZE]; /* HTTP/1: the request's first bytes, with its method */
	unsigned char stack[STACK_SIZE];
};

enum stack_state { STACKS_UNDECIDED = 0, STACKS_WANTED = 1, STACKS_UNWANTED = 2 };

/* Value of `stack_policies`, by process. */
struct stack_policy {
	unsigned long long since; /* start of the second in which `taken` are counted */
	unsigned int state;       /* enum stack_state */
	unsigned int taken;
};

/*
 * Functions of TLS libraries that have probes. A probe's cookie is the
 * function, 8 bits above it the library (enum tls_library), and in its upper
 * half the number of the file. helper/tls/functions.ts has the same ones.
 */
enum tls_function {
	TLS_READ = 1,         /* SSL_read, gnutls_record_recv, crypto/tls.(*Conn).Read: (session, buffer, size), returns the size */
	TLS_READ_EX = 2,      /* SSL_read_ex: (session, buffer, size, &size), returns 1 */
	TLS_READ_EARLY = 3,   /* SSL_read_early_data: likewise */
	TLS_WRITE = 4,        /* SSL_write, gnutls_record_send, crypto/tls.(*Conn).Write */
	TLS_WRITE_EX = 5,     /* SSL_write_ex */
	TLS_WRITE_EX2 = 6,    /* SSL_write_ex2: (session, buffer, size, flags, &size) */
	TLS_WRITE_EARLY = 7,  /* SSL_write_early_data */
	TLS_SENDFILE = 8,     /* SSL_sendfile: returns the size, the bytes are never in user memory */
	TLS_PEEK = 9,         /* its bytes will be read again */
	TLS_HANDSHAKE = 10,   /* SSL_do_handshake, gnutls_handshake, crypto/tls.(*Conn).clientHandshake */
	TLS_SHUTDOWN = 11,    /* SSL_shutdown, gnutls_bye: at the entry */
	TLS_FREE = 12,        /* SSL_free, gnutls_deinit: the session ends at the entry */
	TLS_CLOSE = 13,       /* crypto/tls.(*Conn).Close: the session ends at the return */
	TLS_ALPN = 14,        /* SSL_get0_alpn_selected, gnutls_alpn_get_selected_protocol */
	TLS_BIO_WRITE = 15,   /* BIO_write: (bio, bytes, size), ciphertext on its way out */
	TLS_LOADER_STATE = 16, /* __libc_start_main, dlopen: libraries have been mapped */
	TLS_FLUSH = 17,       /* gnutls_record_uncork: what it writes was reported when it was handed over */
	TLS_ERROR = 18,       /* ERR_vset_error: (library, reason), an error inside a call of a session */
	TLS_PUT_ERROR = 19,   /* ERR_put_error, before OpenSSL 3: (library, function, reason) */
	TLS_VERIFICATION = 20, /* SSL_get_verify_result: returns X509_V_ERR_ */
	TLS_READ_INNER = 21,  /* what SSL_read, SSL_read_ex and BIO_f_ssl call: as SSL_read_ex; 0 = the end, negative = an error */
	TLS_CLEAR = 22,       /* SSL_clear: the session starts over, maybe on another socket; OpenSSL's own handshakes call it, too */
	TLS_STEP = 32,        /* mbedtls_ssl_handshake_step: only its socket calls matter */
	TLS_RECEIVE = 33,     /* PR_Recv: (descriptor, buffer, size, flags), returns the size */
	TLS_WRITE_VECTOR = 34, /* PR_Writev, wolfSSL_writev: (session, array of segments, count), returns the size */
	TLS_IMPORT = 35,      /* SSL_ImportFD: returns a descriptor that has TLS now */
	TLS_SEND = 36,         /* the C library's write, send, sendto: (descriptor, buffer, size, …); for Break on Calls */
	TLS_SEND_VECTOR = 37,  /* writev: (descriptor, array of segments, count) */
	TLS_SEND_MESSAGE = 38, /* sendmsg: (descriptor, message, flags) */
	/* Go's net/http: not TLS functions, but probed in the same way, by a separate program (bpf/gocaller.h). */
	TLS_GO_REQUEST = 64,  /* (*persistConn).roundTrip: (connection, request), on the caller's goroutine */
	TLS_GO_REQUEST2 = 65, /* (*http2ClientConn).RoundTrip: likewise, of HTTP/2 */
	TLS_GO_HEADERS2 = 66, /* (*http2clientStream).encodeAndWriteHeaders: (stream, request), on a goroutine of its own */
};

/* Functions from here on use that program. */
#define FIRST_CALLER_FUNCTION TLS_GO_REQUEST

/* What process_ring reports to the helper, which then looks for TLS libraries. */
enum process_change { PROCESS_FORKED = 1, PROCESS_EXECUTED = 2, PROCESS_MAPPED = 3, PROCESS_GONE = 4 };

#define EXECUTABLE_PATH_SIZE 256 /* of a longer path only the beginning is known */

/* PROCESS_EXECUTED has all fields; the others have only those before `inode`. */
struct process_event {
	unsigned int change;
	unsigned int pid; /* thread group, as records name it */
	unsigned long long inode; /* of the executable, so that a path can be checked */
	char path[EXECUTABLE_PATH_SIZE]; /* as the kernel was given it; the interpreter's, for a script */
};

/* Per-CPU counters; the sum over CPUs is what user space reads. */
struct counters {
	unsigned long long produced;       /* records that the programs wanted to emit */
	unsigned long long dropped_data;   /* of these, refused by the full data ring */
	unsigned long long dropped_structure; /* of these, refused by the full structure ring */
	unsigned long long seen_bytes;     /* moved on captured connections */
	unsigned long long copied_bytes;   /* copied into the ring */
	unsigned long long omitted_bytes;  /* covered by a record without a copy */
	unsigned long long dropped_bytes;  /* moved, and their record was refused */
	unsigned long long unseen_bytes;   /* moved past every hook */
	unsigned long long other_bytes;    /* on connections that are not HTTP */
	unsigned long long connections_untracked; /* the connection table was full, or a socket was closed meanwhile */
	unsigned long long calls_untracked;       /* no room for the state of a call */
	unsigned long long filtered_bytes; /* of messages faster than the chosen latency */
};

/*
 * Key and value of `http_events`: the requests in flight, in the order of their
 * connection. Kept only while a latency filter is on.
 */
#define HEAD_KEPT 1024 /* bytes of a request's head that are kept */

struct http_event_key {
	unsigned long long connection;
	unsigned long long number; /* of the request on its connection, from 0 */
};

struct http_event {
	unsigned long long started; /* of the request: a send's entry, a receive's exit */
	unsigned long long entered;
	unsigned long long returned;
	unsigned long long position;
	unsigned int pid;
	unsigned short head_length;
	unsigned short call;
	unsigned char direction;
	unsigned char padding[7];
	char head[HEAD_KEPT];
};

/* Key of `targets`: the thread group. */
struct target {
	unsigned int flags;
	unsigned int padding;
	unsigned long long start_time; /* clock ticks since boot, as /proc/PID/stat has it */
};
#define TARGET_NO_CHILDREN (1 << 0)
/* Not traced, but what it starts is a target from its first instruction. */
#define TARGET_SEED (1 << 1)

/* Break on Calls (bpf/breaks.h): the process's entry. One shot: user space arms it again. */
enum break_state { BREAK_ARMED = 1, BREAK_HITTING = 2, BREAK_HIT = 3 };

#define BREAKS_MAX 64
#define BREAK_HEAD 512 /* bytes of a request that are matched */

struct call_break {
	unsigned int state;  /* enum break_state */
	unsigned int thread; /* that was stopped, in the initial pid namespace */
	unsigned int length; /* of `head` */
	unsigned int encrypted; /* it was about to be */
	char head[BREAK_HEAD];
};

/* Which requests match: a table that user space builds from the conditions (extension/breaks/automaton.ts). */
#define BREAK_STATES 512   /* powers of two, for the verifier */
#define BREAK_CLASSES 64
#define BREAK_ACCEPTED 0xfffe /* in place of a state: the request matches; any other number that is not a state: it does not */

struct break_automaton {
	unsigned char classes[256]; /* of bytes */
	unsigned short start[2];    /* states, for plaintext and for data to be encrypted */
	unsigned short next[BREAK_STATES * BREAK_CLASSES];
};

/* The kernel's facts about a data ring; its name is the prefix and the owner's user id (helper/loader/rings.c). */
#define RING_NAME_PREFIX "htr_"
struct named_ring {
	char name[16]; /* BPF_OBJ_NAME_LEN */
	unsigned int size;
};

/* The owner's groups, as the requester has them; processes with others are not traced. */
#define OWNER_GROUPS_MAX 256

#endif
