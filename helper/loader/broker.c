// SPDX-License-Identifier: MIT
/*
 * The process that stays elevated when the programs are loaded, and ends with the helper. It alone holds the programs
 * on TLS libraries: a process that holds such a program can put a breakpoint anywhere into any file, which is as good
 * as being root. It attaches them to places that it has checked, in a file that a process of the requester has mapped;
 * it opens no path that was sent: the file comes as a descriptor. It also keeps the helper's descriptors until no other
 * process can take them.
 */
#define _GNU_SOURCE
#include "attach.h"
#include "broker.h"
#include "confine.h"
#include "inspect.h"
#include "loader.h"
#include "probe_places.h"
#include "removal.h"
#include "trace_http.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ATTACHMENTS_MAX 1024
/*
 * How often one file's probes may be attached in the broker's lifetime, and for how many files. Detached ones count
 * too: the helper may have kept their links. Each costs any process that runs a place, even root's, 25 ns or more. An
 * honest helper attaches a file again only when nobody has used it for ten seconds.
 */
#define TIMES_MAX 1024
#define FILES_MAX 4096

/*
 * Limit of the broker's descriptors, including those of probes still being removed. With perf a probe needs two, and a
 * tenth of a second to be removed. A trace has about a hundred probes; without a limit (the system's is often half a
 * million) a hostile helper could leave so many that their removal takes half a day. Enough for ATTACHMENTS_MAX by
 * uprobe_multi.
 */
#define DESCRIPTORS_MAX 8192
#define ENTRIES_MAX (1u << 20) /* of a map, when it is emptied */
#define GRACE_MS 300 /* how long a request being served may still take when the helper ends */

struct broker {
	int channel, helper; /* a pidfd */
	pid_t helper_pid;
	uid_t requester;
	struct attacher attacher;
	struct attachment attachments[ATTACHMENTS_MAX];
	int handed_over[BROKER_DESCRIPTORS_MAX];
	uint32_t to_hand_over;
	struct trace_program trace_programs[MAX_LINKS];
	uint32_t trace_program_count;
	int links[MAX_LINKS]; /* of a trace after the first one; none while the helper is kept */
	uint32_t link_count;
	uint32_t closed_count; /* of these, while a trace is being paused */
	int states[MAX_STATES];
	uint32_t state_count;
	volatile uint32_t *this_trace;
	char facts[BROKER_FACTS_MAX];
	size_t facts_length;
	struct attached_file {
		dev_t device;
		ino_t inode;
		uint32_t times;
	} files[FILES_MAX];
	uint32_t file_count;
	bool serving;
	int served; /* the file of the request that is being served */
};

static void __attribute__((format(printf, 3, 4))) refuse(struct broker_answer *answer, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(answer->reason, sizeof(answer->reason), format, arguments);
	va_end(arguments);
	answer->error = error ? error : EINVAL;
}

/* Whether the request is about a file that one of the requester's processes executes. */
static bool is_permitted(const struct broker *broker, const struct broker_request *request, int pidfd, int file,
			 struct broker_answer *answer)
{
	pid_t pid = pid_of(pidfd);
	struct stat status;

	if (pid <= 0 || !belongs_to(pid, broker->requester, broker->helper_pid)) {
		refuse(answer, EPERM, "the process is not yours, or has ended");
		return false;
	}
	/* The id still belongs to that process, so what was read is about it. */
	if (fstat(file, &status) || !S_ISREG(status.st_mode) || !is_mapped_executable(pid, request->start, request->end, file) || !is_alive(pidfd)) {
		refuse(answer, EPERM, "the process does not execute that file");
		return false;
	}
	return true;
}

static bool is_well_formed(struct broker_request *request, ssize_t size)
{
	if (size < (ssize_t)BROKER_REQUEST_SIZE(0) || request->count > BROKER_PROBES_MAX ||
	    size != (ssize_t)BROKER_REQUEST_SIZE(request->count) || request->library > TLS_LIBRARY_LAST)
		return false;
	for (uint32_t i = 0; i < request->count; i++) {
		struct broker_probe *probe = &request->probes[i];

		if (probe->kind > BROKER_URETPROBE || probe->stack > 0xffff || probe->symbol[BROKER_SYMBOL_SIZE - 1] != 0)
			return false;
		/* Attaching to the same place again only slows down whoever executes it. */
		for (uint32_t other = 0; other < i; other++) {
			if (request->probes[other].offset == probe->offset && request->probes[other].kind == probe->kind &&
			    strcmp(request->probes[other].symbol, probe->symbol) == 0)
				return false;
		}
	}
	return true;
}

/* False when the file's probes have been attached as often as is allowed. */
static bool count_file(struct broker *broker, int file)
{
	struct attached_file *entry = broker->files;
	struct stat status;

	if (fstat(file, &status))
		return false;
	while (entry < broker->files + broker->file_count && (entry->device != status.st_dev || entry->inode != status.st_ino))
		entry++;
	if (entry == broker->files + FILES_MAX || entry->times == TIMES_MAX)
		return false;
	if (entry == broker->files + broker->file_count) {
		broker->file_count++;
		entry->device = status.st_dev;
		entry->inode = status.st_ino;
	}
	entry->times++;
	return true;
}

static void attach(struct broker *broker, const struct broker_request *request, int pidfd, int file, struct broker_answer *answer)
{
	uint32_t set = 0;
	int error;

	while (set < ATTACHMENTS_MAX && broker->attachments[set].descriptors)
		set++;
	if (set == ATTACHMENTS_MAX || request->count == 0 || broker->attacher.way == TLS_ATTACH_NONE) {
		refuse(answer, EINVAL, "there is nothing to attach, or too much is attached");
		return;
	}
	if (!is_permitted(broker, request, pidfd, file, answer))
		return;
	if (!check_places(file, request, answer->reason, sizeof(answer->reason))) {
		answer->error = EPERM;
		return;
	}
	if (!count_file(broker, file)) {
		refuse(answer, EAGAIN, "its probes were attached too often");
		return;
	}
	error = attach_probes(&broker->attacher, file, request, &broker->attachments[set]);
	if (error) {
		remove_later(&broker->attachments[set]);
		refuse(answer, error, "the kernel does not attach its probes: %s", strerror(error));
	}
	answer->set = set;
}

/* Removes every entry. Nothing adds any: no program is attached. */
static void empty_map(int map)
{
	unsigned char keys[2][MAP_KEY_MAX];
	unsigned int current = 0;
	bool more = bpf_map_get_next_key(map, NULL, keys[current]) == 0;

	for (uint32_t i = 0; more && i < ENTRIES_MAX; i++) {
		more = bpf_map_get_next_key(map, keys[current], keys[!current]) == 0;
		bpf_map_delete_elem(map, keys[current]);
		current = !current;
	}
}

/*
 * Closes one link only: the kernel waits for each, on a busy machine for seconds, and the helper has to report that it
 * is working. In the order of attaching (that of the sections in trace_http.bpf.c's includes), so that no socket state
 * is recorded once its end goes unseen.
 */
static void pause_trace(struct broker *broker, struct broker_answer *answer)
{
	if (broker->closed_count < broker->link_count)
		close(broker->links[broker->closed_count++]);
	answer->left = broker->link_count - broker->closed_count;
	if (answer->left > 0)
		return;
	broker->link_count = 0;
	broker->closed_count = 0;
	for (uint32_t i = 0; i < broker->state_count; i++)
		empty_map(broker->states[i]);
	++*broker->this_trace;
}

static void resume_trace(struct broker *broker, struct broker_answer *answer)
{
	if (broker->link_count > 0 || broker->trace_program_count == 0) {
		refuse(answer, EINVAL, broker->link_count > 0 ? "the trace runs already" : "the trace cannot be begun again");
		return;
	}
	for (uint32_t i = 0; i < broker->trace_program_count; i++) {
		const struct trace_program *program = &broker->trace_programs[i];
		int link = bpf_link_create(program->program, 0, (enum bpf_attach_type)program->attach_type, NULL);

		if (link < 0) {
			refuse(answer, errno, "the kernel does not attach its programs again: %s", strerror(errno));
			while (broker->link_count > 0)
				close(broker->links[--broker->link_count]);
			return;
		}
		broker->links[broker->link_count++] = link;
	}
}

/* One request and the descriptors that may come with it, -1 where there are none. False when the helper is gone. */
static bool receive(int channel, struct broker_request *request, ssize_t *size, int descriptors[BROKER_GIVEN])
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * BROKER_GIVEN)];
		struct cmsghdr aligned;
	} control;
	struct iovec part = {request, sizeof(*request)};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *header;

	for (int i = 0; i < BROKER_GIVEN; i++)
		descriptors[i] = -1;
	do {
		*size = recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
	} while (*size < 0 && errno == EINTR);
	if (*size <= 0)
		return false;
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS && header->cmsg_len > CMSG_LEN(0))
		memcpy(descriptors, CMSG_DATA(header), header->cmsg_len - CMSG_LEN(0));
	return true;
}

/* `facts` follow in the same message. */
static bool answer_with(int channel, struct broker_answer *answer, const int *descriptors, char *facts, size_t facts_length)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * BROKER_DESCRIPTORS_MAX)];
		struct cmsghdr aligned;
	} control;
	struct iovec parts[] = {{answer, sizeof(*answer)}, {facts, facts_length}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = facts_length > 0 ? 2 : 1};

	if (answer->descriptors) {
		struct cmsghdr *header;

		memset(&control, 0, sizeof(control));
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * answer->descriptors);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int) * answer->descriptors);
		memcpy(CMSG_DATA(header), descriptors, sizeof(int) * answer->descriptors);
	}
	return sendmsg(channel, &message, MSG_NOSIGNAL) == (ssize_t)(sizeof(*answer) + facts_length);
}

/* False when the broker is to end. */
static bool serve_one(struct broker *broker)
{
	static struct broker_request request;
	struct broker_answer answer = {0};
	const int *descriptors = NULL;
	bool hands_over = false, answered;
	int given[BROKER_GIVEN];
	ssize_t size;

	if (!receive(broker->channel, &request, &size, given))
		return false;
	__atomic_store_n(&broker->served, given[BROKER_FILE], __ATOMIC_RELAXED);
	if (!is_well_formed(&request, size)) {
		refuse(&answer, EINVAL, "the request is malformed");
	} else if (request.verb == BROKER_HAND_OVER && broker->to_hand_over > 0) {
		if (broker->requester == 0 || is_closed_to_others(broker->helper_pid, broker->helper)) {
			hands_over = true;
			descriptors = broker->handed_over;
			answer.descriptors = broker->to_hand_over;
		} else {
			refuse(&answer, EPERM, "other processes could look into the helper");
		}
	} else if (request.verb == BROKER_ATTACH && given[BROKER_PIDFD] >= 0 && given[BROKER_FILE] >= 0) {
		attach(broker, &request, given[BROKER_PIDFD], given[BROKER_FILE], &answer);
		/* With these the helper can detach all at once if the broker is gone. With perf that is no faster. */
		if (!answer.error && broker->attacher.way == TLS_ATTACH_MULTI) {
			descriptors = broker->attachments[answer.set].descriptors;
			answer.descriptors = broker->attachments[answer.set].links;
		}
	} else if (request.verb == BROKER_DETACH && request.set < ATTACHMENTS_MAX && broker->attachments[request.set].descriptors) {
		remove_later(&broker->attachments[request.set]);
	} else if (request.verb == BROKER_PAUSE && broker->to_hand_over == 0 && broker->trace_program_count > 0) {
		pause_trace(broker, &answer);
	} else if (request.verb == BROKER_RESUME && broker->to_hand_over == 0) {
		resume_trace(broker, &answer);
	} else {
		refuse(&answer, EINVAL, "the request is malformed");
	}
	for (int i = 0; i < BROKER_GIVEN; i++) {
		if (given[i] >= 0)
			close(given[i]);
	}
	answered = answer_with(broker->channel, &answer, descriptors, broker->facts, hands_over ? broker->facts_length : 0);
	if (hands_over) {
		for (uint32_t i = 0; i < broker->to_hand_over; i++)
			close(broker->handed_over[i]);
		broker->to_hand_over = 0;
		if (broker->attacher.way == TLS_ATTACH_NONE)
			return false;
	}
	return answered;
}

static bool serve(struct broker *broker)
{
	bool goes_on;

	__atomic_store_n(&broker->serving, true, __ATOMIC_SEQ_CST);
	/* end_with_helper may have looked just before; then nothing would stop a request that never ends. */
	goes_on = is_alive(broker->helper) && serve_one(broker);
	__atomic_store_n(&broker->serving, false, __ATOMIC_SEQ_CST);
	return goes_on;
}

/* Reading a file may never end (FUSE): that must not keep the broker alive. */
static void *end_with_helper(void *argument)
{
	const struct broker *broker = argument;
	struct pollfd helper = {.fd = broker->helper, .events = POLLIN};
	int served;

	while (poll(&helper, 1, -1) < 0 && errno == EINTR)
		;
	poll(NULL, 0, GRACE_MS);
	if (!__atomic_load_n(&broker->serving, __ATOMIC_SEQ_CST))
		return NULL; /* run() is about to end it */
	/* A thread blocked in a file system keeps the descriptor table beyond _exit. */
	served = __atomic_load_n(&broker->served, __ATOMIC_RELAXED); /* closing that one would block, too */
	if (served > 3)
		syscall(SYS_close_range, 3, served - 1, 0);
	syscall(SYS_close_range, served >= 3 ? served + 1 : 3, ~0u, 0);
	_exit(0);
}

static _Noreturn void run(struct broker *broker)
{
	pthread_t thread;
	struct pollfd watched[] = {{.fd = broker->channel, .events = POLLIN}, {.fd = broker->helper, .events = POLLIN}};

	if (pthread_create(&thread, NULL, end_with_helper, broker))
		_exit(1);
	/* Watches the helper itself, not only its socket: a child of a manipulated helper may have inherited that. */
	for (;;) {
		if (poll(watched, 2, -1) < 0 && errno != EINTR)
			break;
		if (watched[1].revents || (watched[0].revents && !serve(broker)))
			break;
	}
	/* First the programs' descriptors, so that only the links keep them loaded. */
	close(broker->attacher.enter);
	close(broker->attacher.leave);
	close(broker->attacher.caller);
	for (uint32_t i = 0; i < broker->trace_program_count; i++)
		close(broker->trace_programs[i].program);
	for (uint32_t i = broker->closed_count; i < broker->link_count; i++)
		close(broker->links[i]);
	for (uint32_t i = 0; i < broker->state_count; i++)
		close(broker->states[i]);
	for (uint32_t i = 0; i < broker->to_hand_over; i++)
		close(broker->handed_over[i]);
	/* The probes last: with perf their removal takes seconds. */
	for (uint32_t i = 0; i < ATTACHMENTS_MAX; i++) {
		if (broker->attachments[i].descriptors)
			remove_later(&broker->attachments[i]);
	}
	finish_removal();
	_exit(0);
}

/* helper/facts.ts has the same order. */
static uint32_t list_handed_over(const struct programs *programs, int *descriptors)
{
	const int maps[] = {programs->data_ring, programs->structure_ring, programs->targets,	   programs->counters,
			    programs->named_targets, programs->process_ring, programs->waiting, programs->breaks,
			    programs->automaton,  programs->stacks};
	uint32_t count = sizeof(maps) / sizeof(*maps);

	memcpy(descriptors, maps, sizeof(maps));
	for (int i = 0; i < programs->link_count; i++)
		descriptors[count++] = programs->links[i];
	return count;
}

/* Keeps only the descriptors that the broker needs, from 3 up. */
static void keep_descriptors(struct broker *broker)
{
	int *const fixed[] = {&broker->channel, &broker->helper, &broker->attacher.enter, &broker->attacher.leave,
			      &broker->attacher.caller};
	int *kept[sizeof(fixed) / sizeof(*fixed) + 1 + BROKER_DESCRIPTORS_MAX + MAX_LINKS + MAX_STATES];
	uint32_t count = sizeof(fixed) / sizeof(*fixed);
	int number = 3;

	memcpy(kept, fixed, sizeof(fixed));
	if (broker->attacher.type_file >= 0)
		kept[count++] = &broker->attacher.type_file;
	for (uint32_t i = 0; i < broker->to_hand_over; i++)
		kept[count++] = &broker->handed_over[i];
	for (uint32_t i = 0; i < broker->trace_program_count; i++)
		kept[count++] = &broker->trace_programs[i].program;
	for (uint32_t i = 0; i < broker->state_count; i++)
		kept[count++] = &broker->states[i];
	for (uint32_t i = 0; i < count; i++) {
		*kept[i] = fcntl(*kept[i], F_DUPFD_CLOEXEC, 200);
		if (*kept[i] < 0)
			_exit(1);
	}
	for (uint32_t i = 0; i < count; i++, number++) {
		if (dup3(*kept[i], number, O_CLOEXEC) != number)
			_exit(1);
		*kept[i] = number;
	}
	if (syscall(SYS_close_range, number, ~0u, 0))
		_exit(1);
	/* Closes its end of a terminal or pipe: a reader that waits for EOF must wait only for the helper. */
	for (int i = 0, null = open("/dev/null", O_RDWR); null >= 0 && i < 3; i++)
		dup2(null, i);
	close(number);
}

static void confine(struct broker *broker, const struct requester *requester)
{
	struct rlimit descriptors, no_core = {0, 0};

	/* Ctrl+C reaches the whole group; the broker ends when the helper does. */
	for (int i = 1; i < NSIG; i++) {
		if (i == SIGINT || i == SIGHUP || i == SIGQUIT || i == SIGTSTP || i == SIGPIPE)
			signal(i, SIG_IGN);
	}
	if (setrlimit(RLIMIT_CORE, &no_core))
		_exit(1);
	/* The hard limit as well: the user can raise the soft one. */
	if (getrlimit(RLIMIT_NOFILE, &descriptors))
		_exit(1);
	if (descriptors.rlim_max > DESCRIPTORS_MAX)
		descriptors.rlim_max = DESCRIPTORS_MAX;
	descriptors.rlim_cur = descriptors.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &descriptors))
		_exit(1);
	keep_descriptors(broker);
	keep_broker_rights(requester, broker->attacher.way);
	limit_broker_calls(broker->attacher.way);
}

_Noreturn void become_broker(struct programs *programs, const struct options *options, const struct requester *requester,
			     const struct helper *helper)
{
	static struct broker broker;

	broker.requester = requester->uid;
	broker.attacher = (struct attacher){.way = programs->tls_attach,
					    .enter = programs->tls_enter,
					    .leave = programs->tls_leave,
					    .caller = programs->go_caller};
	if (!prepare_attacher(&broker.attacher)) {
		broker.attacher.way = programs->tls_attach = TLS_ATTACH_NONE;
		programs->trace_program_count = programs->state_count = 0;
		snprintf(programs->missing[PART_TLS], REASON_SIZE, "this kernel has no uprobes");
	}
	broker.helper_pid = helper->pid;
	broker.helper = helper->pidfd;
	broker.channel = helper->channel;
	broker.to_hand_over = list_handed_over(programs, broker.handed_over);
	memcpy(broker.trace_programs, programs->trace_programs, sizeof(broker.trace_programs));
	broker.trace_program_count = (uint32_t)programs->trace_program_count;
	memcpy(broker.states, programs->states, sizeof(broker.states));
	broker.state_count = (uint32_t)programs->state_count;
	broker.this_trace = programs->this_trace;
	broker.facts_length = write_facts(broker.facts, sizeof(broker.facts), options, requester, programs);
	/* From here on it sends nothing to the requester itself: the socket is the helper's. */
	set_report_socket(-1);
	confine(&broker, requester);
	take_turns(broker.attacher.type_file);
	run(&broker);
}
