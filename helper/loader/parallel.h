/* SPDX-License-Identifier: MIT */
/* Calls of the kernel that mostly wait, on many threads. */
#ifndef PARALLEL_H
#define PARALLEL_H

#include <stdint.h>

/*
 * Calls work(argument, index) once for each index below `count`, on up to 64 threads and this one; returns when all are done.
 * Where no thread can be made, this one does all of it.
 */
void in_parallel(void (*work)(void *argument, uint32_t index), void *argument, uint32_t count);

#endif
