/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The position of a call's bytes in the stream of their direction, and the unseen bytes before them. */
#ifndef TRACE_HTTP_POSITION_H
#define TRACE_HTTP_POSITION_H

#include "connection.h"
#include "work.h"

/* Attempts to count bytes that other threads count at the same moment. */
#define CLAIMS 8

/* A lower bound for the unseen bytes read by a session opened before the trace; 0 = none. */
static __always_inline u64 missed_read(void)
{
	u32 pid = bpf_get_current_pid_tgid() >> 32;
	u64 *missed = bpf_map_lookup_elem(&missed_reads, &pid), bytes;

	if (!missed)
		return 0;
	bytes = *missed;
	/* Other sessions of the process may have missed one. */
	*missed = 1;
	return bytes;
}

/*
 * Counts the bytes up to `now`, and returns their number; 0 when all were counted already. Two threads' calls on a
 * connection may end at the same moment: then one counts the bytes of both.
 *
 * Unless the call is `alone` (no other bytes moved during it) and counts its own bytes and no others, the claim is
 * uncertain, and has a number. It is taken before the bytes are counted, so that whoever finds them counted finds
 * the number, too.
 */
static __always_inline u32 count_up_to(struct work *work, struct connection *connection, u32 now, bool alone,
					u64 *end)
{
	struct sock *sk = (struct sock *)work->sock;
	u8 direction = work->direction & 1;
	u32 moved = (u32)work->remaining;

	for (u32 i = 0; i < CLAIMS; i++) {
		u32 delta, number = 0;

		*end = *(volatile u64 *)&connection->position[direction];
		delta = now - sequence_at(connection, direction, *end);
		/* A FIN that was read after these bytes has a sequence number, too. */
		if (direction == DIRECTION_IN && !alone && delta == moved + 1 && BPF_CORE_READ(sk, sk_shutdown) & RCV_SHUTDOWN)
			delta = moved;
		if ((s32)delta <= 0) {
			/*
			 * Its bytes are among those that were counted since its entry. An atomic read, which is not moved
			 * forward. With at most PIECE_MAX bytes, no other number and size have the same sum.
			 */
			if (moved <= PIECE_MAX)
				work->claim = (u16)(__sync_fetch_and_add(&connection->uncertain[direction], 0) + moved);
			return 0;
		}
		if (delta > moved && !can_have_moved(sk, direction, delta - moved)) {
			u64 origin = *(volatile u64 *)&connection->origin[direction];

			COUNT(connections_untracked, 1);
			__sync_fetch_and_add(&connection->uncertain[direction], 1);
			__sync_val_compare_and_swap(&connection->origin[direction], origin,
						    ORIGIN_KNOWN | (u32)(now - moved - (u32)*end));
			continue;
		}
		if (!alone || delta != moved)
			number = __sync_fetch_and_add(&connection->uncertain[direction], 1) + 1;
		if (__sync_val_compare_and_swap(&connection->position[direction], *end, *end + delta) == *end) {
			if (alone && delta > moved)
				work->claim = (u16)(number + delta - moved);
			return delta;
		}
	}
	return 0;
}

/*
 * Finds the position of this call's bytes in the stream of their direction,
 * and how many before them were unseen. Global for the verifier's sake.
 */
__noinline int trace_http_place(struct work *work, struct connection *connection)
{
	u32 before, moved, now, delta, state;
	struct sock *sk;
	bool entered;
	u8 direction;
	u64 end = 0;

	if (!work || !connection)
		return 0;
	/* As in trace_http_judge. */
	if (work->connection != connection->id)
		return 0;
	sk = (struct sock *)work->sock;
	direction = work->direction & 1;
	before = work->before[direction];
	entered = work->entered != 0;
	moved = (u32)work->remaining;
	if (connection->transport != TRANSPORT_TCP) {
		/* Without a counter, unseen bytes stay unknown, except for a TLS read blocked when the trace began. */
		if (connection->late && connection->transport == TRANSPORT_TLS && direction == DIRECTION_IN &&
		    !connection->position[DIRECTION_IN])
			work->unseen = missed_read();
		work->position = connection->position[direction] + work->unseen;
		connection->position[direction] = work->position + moved;
		if (work->unseen)
			count_unseen(work->unseen);
		return 0;
	}
	now = sequence_of(sk, direction);

	/* 0 = no initial sequence number yet: the call connects and sends (Fast Open). */
	if (!is_counted(connection, direction))
		count_from(connection, direction, entered && before ? before : now - moved);
	if (!is_counted(connection, direction ^ 1)) {
		/* During the handshake, the other counter may not be set yet. */
		state = BPF_CORE_READ(sk, __sk_common.skc_state);
		if (state != TCP_SYN_SENT && state != TCP_SYN_RECV)
			count_from(connection, direction ^ 1, sequence_of(sk, direction ^ 1));
	}
	delta = count_up_to(work, connection, now, entered && before == now - moved, &end);
	if (delta >= moved) {
		work->unseen = delta - moved;
		work->position = end + work->unseen;
		if (work->unseen)
			count_unseen(work->unseen);
	} else {
		/*
		 * A call of another thread ended first and counted these bytes, or
		 * the first of them, as unseen. The counter at entry shows their
		 * position; what lies before position 0 was never counted.
		 */
		u32 back = sequence_at(connection, direction, end) - (entered ? before : now - moved);
		u64 counted = moved - delta, uncounted = back > end ? back - end : 0;

		work->flags |= FLAG_UNORDERED;
		if (delta)
			work->position = end > counted ? end - counted : 0;
		else
			work->position = end > back ? end - back : 0;
		/* Where it began is not known. */
		if (!entered || end < back)
			work->claim = 0;
		counted -= uncounted < counted ? uncounted : counted;
		count_unseen(-counted);
	}
	return 0;
}

#endif
