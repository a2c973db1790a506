/* SPDX-License-Identifier: MIT */
/* Removes what attach.c has attached, on a thread of its own: with perf this takes the kernel seconds. */
#ifndef REMOVAL_H
#define REMOVAL_H

#include "attach.h"

/* `file` is the same for all brokers, who remove perf's events one at a time by locking it (flock); -1: there is none. */
void take_turns(int file);
/* Takes the descriptors over: `attachment` is empty after that. */
void remove_later(struct attachment *attachment);
/* Returns when nothing is left of what remove_later took. */
void finish_removal(void);

#endif
