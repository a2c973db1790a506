/* SPDX-License-Identifier: MIT */
#ifndef TURNS_H
#define TURNS_H

#include <stdint.h>

/*
 * On a busy machine a thread that requests short time slices gets them sooner, but not more CPU time (sched(7); since
 * Linux 6.12, older ones ignore it). Affects the calling thread; needs no privilege. If refused, nothing changes.
 */
void ask_for_short_turns(uint64_t nanoseconds);

#endif
