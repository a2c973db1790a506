/* SPDX-License-Identifier: MIT */
/* Runs system calls that mostly block, on many threads. */
#ifndef PARALLEL_H
#define PARALLEL_H

#include <stdint.h>

/*
 * Calls work(argument, index) once for each index below `count`, on up to 64 threads and this one; returns when all are
 * done. If no thread can be created, this one does it all.
 */
void in_parallel(void (*work)(void *argument, uint32_t index), void *argument, uint32_t count);

#endif
