/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The position of a call's bytes in the stream of their direction, and the unseen bytes before them. */
#ifndef TRACE_HTTP_POSITION_H
#define TRACE_HTTP_POSITION_H

#include "connection.h"
#include "work.h"

/* At least this many bytes of a session that was open before were read unseen; 0 = none. */
static __always_inline u64 missed_read(void)
{
	u32 pid = bpf_get_current_pid_tgid() >> 32;
	u64 *missed = bpf_map_lookup_elem(&missed_reads, &pid), bytes;

	if (!missed)
		return 0;
	bytes = *missed;
	/* Another session of the process may have lost one, too. */
	*missed = 1;
	return bytes;
}

/*
 * Finds the position of this call's bytes in the stream of their direction,
 * and how many before them were unseen. Global for the verifier's sake.
 */
__noinline int trace_http_place(struct work *work, struct connection *connection)
{
	u32 before, moved, now, delta;
	struct sock *sk;
	bool entered;
	u8 direction;

	if (!work || !connection)
		return 0;
	sk = (struct sock *)work->sock;
	direction = work->direction & 1;
	before = work->before[direction];
	entered = work->entered != 0;
	moved = (u32)work->remaining;
	if (connection->transport != TRANSPORT_TCP) {
		/* Without a counter, unseen bytes stay unknown, except for a TLS read that waited when the trace began. */
		if (connection->late && connection->transport == TRANSPORT_TLS && direction == DIRECTION_IN && !connection->position[DIRECTION_IN])
			work->unseen = missed_read();
		work->position = connection->position[direction] + work->unseen;
		connection->position[direction] = work->position + moved;
		if (work->unseen) {
			COUNT(seen_bytes, work->unseen);
			COUNT(unseen_bytes, work->unseen);
		}
		return 0;
	}
	now = sequence_of(sk, direction);

	if (!connection->based) {
		base_connection(sk, connection);
		/*
		 * A FIN that was read after these bytes has a sequence number, too. 0 = TCP had not chosen its
		 * first number: the call connects and sends (Fast Open).
		 */
		connection->sequence[direction] = entered && before ? before : now - moved;
	}
	delta = now - connection->sequence[direction];
	if (direction == DIRECTION_IN && delta == moved + 1 && BPF_CORE_READ(sk, sk_shutdown) & RCV_SHUTDOWN)
		delta = moved;
	if ((s32)(delta - moved) >= 0) {
		work->unseen = delta - moved;
		work->position = connection->position[direction] + work->unseen;
		connection->position[direction] += delta;
		connection->sequence[direction] += delta;
		if (work->unseen) {
			COUNT(seen_bytes, work->unseen);
			COUNT(unseen_bytes, work->unseen);
		}
	} else {
		/*
		 * A call of another thread ended first and counted these bytes as
		 * unseen. The counter at entry shows their position.
		 */
		u32 back = connection->sequence[direction] - (entered ? before : now - moved);

		work->flags |= FLAG_UNORDERED;
		work->position = connection->position[direction] > back ? connection->position[direction] - back : 0;
		COUNT(seen_bytes, -(u64)moved);
		COUNT(unseen_bytes, -(u64)moved);
	}
	return 0;
}

#endif
