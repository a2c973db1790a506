// SPDX-License-Identifier: MIT
/*
 * Closing a link stops its program and waits until it runs on no CPU: 0.05 to 0.1 s, even for many at once. With perf,
 * the breakpoint stays until its event is closed, too; there the kernel waits as long again, holding a lock
 * (event_mutex) that is needed to attach or remove any such event: by this broker for its next request, and by the next
 * trace's. So all links are closed first. The events, whose breakpoints have no effect any more, are then closed one at
 * a time on this machine, with pauses for those who attach.
 */
#include "removal.h"
#include "parallel.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

/* On an idle machine the probes of all libraries of a program are attached in less. */
#define PAUSE_MS 20
/* After each turn, so that another broker gets the next one: it tries every PAUSE_MS. */
#define AFTER_TURN_MS 30
/* Total wait for turns, which are much shorter than a second; holding one for longer is hostile. */
#define PATIENCE_MS 60000

struct removal {
	struct attachment of;
	uint32_t closed; /* of its descriptors */
	struct removal *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;
static struct removal *queue;
static bool running; /* a thread removes what is in the queue */
static int turn_file = -1;

static void close_link(void *argument, uint32_t index)
{
	const struct removal *one = argument;

	for (; index >= one->of.links; one = one->next)
		index -= one->of.links;
	close(one->of.descriptors[index]);
}

static void stop_programs(struct removal *list)
{
	uint32_t links = 0;

	for (struct removal *one = list; one; one = one->next) {
		links += one->of.links;
		one->closed = one->of.links;
	}
	in_parallel(close_link, list, links);
}

void take_turns(int file)
{
	turn_file = file;
}

/* False, after a pause, when another broker has it. */
static bool has_turn(int *patience)
{
	if (turn_file < 0 || *patience <= 0 || flock(turn_file, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
		return true;
	poll(NULL, 0, PAUSE_MS);
	*patience -= PAUSE_MS;
	return false;
}

/* Closes an event of the first removal, or frees it if none is left. Does nothing without a turn: links may wait. */
static void close_event(struct removal **list, int *patience)
{
	struct removal *first = *list;

	if (first->closed < first->of.count) {
		if (!has_turn(patience))
			return;
		close(first->of.descriptors[first->closed++]);
		poll(NULL, 0, PAUSE_MS);
		if (turn_file >= 0)
			flock(turn_file, LOCK_UN);
		poll(NULL, 0, AFTER_TURN_MS);
		return;
	}
	*list = first->next;
	free(first->of.descriptors);
	free(first);
}

static void append(struct removal **list, struct removal *added)
{
	while (*list)
		list = &(*list)->next;
	*list = added;
}

static void *remove_queued(void *unused)
{
	struct removal *stopped = NULL; /* their links are closed */
	int patience = PATIENCE_MS;

	for (;;) {
		struct removal *added;

		pthread_mutex_lock(&lock);
		added = queue;
		queue = NULL;
		running = added || stopped;
		if (!running)
			pthread_cond_broadcast(&ended);
		pthread_mutex_unlock(&lock);
		if (!added && !stopped)
			return unused;
		if (added) {
			stop_programs(added);
			append(&stopped, added);
		} else {
			close_event(&stopped, &patience);
		}
	}
}

void remove_later(struct attachment *attachment)
{
	struct removal *removal = attachment->descriptors ? calloc(1, sizeof(*removal)) : NULL;
	pthread_t thread;
	bool start;

	if (!removal) {
		for (uint32_t i = 0; i < attachment->count; i++)
			close(attachment->descriptors[i]);
		free(attachment->descriptors);
		*attachment = (struct attachment){0};
		return;
	}
	removal->of = *attachment;
	*attachment = (struct attachment){0};
	pthread_mutex_lock(&lock);
	removal->next = queue;
	queue = removal;
	start = !running;
	running = true;
	pthread_mutex_unlock(&lock);
	if (!start)
		return;
	if (pthread_create(&thread, NULL, remove_queued, NULL) == 0)
		pthread_detach(thread);
	else
		remove_queued(NULL);
}

void finish_removal(void)
{
	pthread_mutex_lock(&lock);
	while (running)
		pthread_cond_wait(&ended, &lock);
	pthread_mutex_unlock(&lock);
}
