/* SPDX-License-Identifier: MIT */
/* A list of the system calls that a process may make from now on; every other one fails with EPERM. */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <stddef.h>
#include <stdint.h>

#define ANY_ARGUMENT 0xff

struct allowed_call {
	int number;
	uint8_t argument; /* the one that is checked, or ANY_ARGUMENT */
	uint32_t mask, value; /* its lower half, masked, must equal `value` */
};

/* Applies to all threads of the process, permanently. 0, or -1 with errno. Needs no_new_privs. */
int allow_only(const struct allowed_call *calls, size_t count);

/* From now on one system call fails with ENOSYS, also in executed programs. Returns and needs the same. */
int refuse_call(int number);

#endif
