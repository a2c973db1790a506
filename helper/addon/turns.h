/* SPDX-License-Identifier: MIT */
#ifndef TURNS_H
#define TURNS_H

#include <stdint.h>

/*
 * On a busy machine a thread that asks for short turns gets them sooner, but not more of them (sched(7); since Linux 6.12,
 * others ignore it). It concerns the calling thread, and needs no right. Where it is refused, all stays as it was.
 */
void ask_for_short_turns(uint64_t nanoseconds);

#endif
