/* SPDX-License-Identifier: MIT */
/* Where instructions begin in a function, and where it jumps to. */
#ifndef DECODER_H
#define DECODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FUNCTION_MAX (64u << 10) /* bytes of one that is decoded; MAX_FUNCTION of helper/tls/returns.ts */
#define TARGETS_MAX 4096 /* jumps of one to elsewhere that are kept */
#define PROLOGUE_MAX 25 /* instructions at its beginning among which a probe on its entry may be */

enum instruction {
	INSTRUCTION_NONE = 0, /* none begins here */
	INSTRUCTION_OTHER,
	INSTRUCTION_RETURN,
	INSTRUCTION_CONDITIONAL, /* jump: the stack protector's check before a return is one */
};

struct decoded {
	uint64_t address, size;
	unsigned char *at; /* for each byte what begins there: enum instruction */
	uint64_t prologue_end; /* distance of the instruction behind the prologue */
	uint64_t targets[TARGETS_MAX]; /* outside of it */
	size_t target_count;
};

/*
 * False when these bytes are not what a compiler makes: an invalid instruction, or a jump between two instructions,
 * which says that data lies in the code. `decoded->at` is the caller's to free when it is true.
 */
bool decode_function(uint16_t machine, const unsigned char *code, uint64_t address, uint64_t size, struct decoded *decoded);

#endif
