// SPDX-License-Identifier: MIT
/*
 * Runs the backlog without rings, for backlog.test.ts: backlogDriver LIMIT TAKE_EVERY [drop]. Adds the records of
 * standard input in order; after each TAKE_EVERY of them (0: at the end only) takes one batch, and at the end the rest,
 * or drops it. What was taken goes to standard output; the facts, and the records that did not fit, to standard error.
 */
#include "../backlog.h"
#include "trace_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned char batch[BACKLOG_BATCH];
static uint64_t taken, last_up_to, most_bytes;

static size_t take(void)
{
	uint32_t records;
	uint64_t up_to;
	size_t length = backlog_take(batch, &records, &up_to);

	if (up_to > last_up_to)
		last_up_to = up_to;
	taken += records;
	fwrite(batch, 1, length, stdout);
	return length;
}

int main(int argc, char **argv)
{
	static unsigned char record[1 << 20];
	struct record_header *header = (struct record_header *)record;
	uint64_t added = 0, refused = 0, every;
	struct backlog_facts facts;

	if (argc < 3 || backlog_open())
		return 2;
	backlog_set_limit(strtoull(argv[1], NULL, 10));
	every = strtoull(argv[2], NULL, 10);
	while (fread(header, sizeof(*header), 1, stdin) == 1) {
		if (header->length < sizeof(*header) || header->length > sizeof(record) ||
		    (header->length > sizeof(*header) && fread(header + 1, header->length - sizeof(*header), 1, stdin) != 1))
			return 2;
		backlog_lock();
		if (backlog_add(header, header->length))
			added++;
		else
			refused++;
		facts = (backlog_unlock(), backlog_facts());
		if (facts.bytes > most_bytes)
			most_bytes = facts.bytes;
		if (every && added % every == 0)
			take();
	}
	backlog_lock();
	backlog_complete(header->emitted);
	backlog_unlock();
	if (argc > 3)
		backlog_drop();
	else
		while (take() > 0)
			;
	facts = backlog_facts();
	fprintf(stderr,
		"{\"added\":%llu,\"refused\":%llu,\"taken\":%llu,\"upTo\":\"%llu\",\"mostBytes\":%llu,\"records\":%llu,\"bytes\":%llu,"
		"\"shedBodies\":%llu,\"shedHeads\":%llu,\"split\":%llu,\"droppedRecords\":%llu,\"droppedBytes\":%llu}\n",
		(unsigned long long)added, (unsigned long long)refused, (unsigned long long)taken, (unsigned long long)last_up_to,
		(unsigned long long)most_bytes, (unsigned long long)facts.records, (unsigned long long)facts.bytes,
		(unsigned long long)facts.shed_bodies, (unsigned long long)facts.shed_heads, (unsigned long long)facts.split,
		(unsigned long long)facts.dropped_records, (unsigned long long)facts.dropped_bytes);
	backlog_close();
	return 0;
}
