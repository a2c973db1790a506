// SPDX-License-Identifier: MIT
#include "parallel.h"

#include <pthread.h>
#include <stddef.h>

#define THREADS 64

struct batch {
	void (*work)(void *argument, uint32_t index);
	void *argument;
	uint32_t count;
	uint32_t next; /* shared by the threads */
};

static void *do_some(void *argument)
{
	struct batch *batch = argument;

	for (;;) {
		uint32_t index = __atomic_fetch_add(&batch->next, 1, __ATOMIC_RELAXED);

		if (index >= batch->count)
			return NULL;
		batch->work(batch->argument, index);
	}
}

void in_parallel(void (*work)(void *argument, uint32_t index), void *argument, uint32_t count)
{
	struct batch batch = {work, argument, count, 0};
	pthread_t threads[THREADS];
	uint32_t started = 0;

	while (started + 1 < count && started < THREADS && pthread_create(&threads[started], NULL, do_some, &batch) == 0)
		started++;
	do_some(&batch);
	while (started > 0)
		pthread_join(threads[--started], NULL);
}
