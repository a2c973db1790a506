/* SPDX-License-Identifier: MIT */
/* Finds where the instructions of a function begin, and where it jumps to. */
#ifndef DECODER_H
#define DECODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FUNCTION_MAX (64u << 10) /* longest function that is decoded, in bytes; MAX_FUNCTION of helper/tls/returns.ts */
#define TARGETS_MAX 4096 /* jumps out of a function that are kept */
#define CALLS_MAX 256 /* calls of a function by address that are kept */
#define PROLOGUE_MAX 25 /* an entry probe is on one of this many first instructions */
#define EPILOGUE_MAX 20 /* instructions from the stack protector's check to the return; MAX_EPILOGUE of helper/tls/cheapPlaces.ts */

enum instruction {
	INSTRUCTION_NONE = 0, /* none begins here */
	INSTRUCTION_OTHER,
	INSTRUCTION_RETURN,
	INSTRUCTION_CHECK, /* the stack protector's jump before a return, not taken when the function returns */
};

/* A direct call, not through a pointer; its end is the return address. */
struct decoded_call {
	uint64_t start, end, target;
};

struct decoded {
	uint64_t address, size;
	unsigned char *at; /* for each byte the instruction that begins there: enum instruction */
	uint64_t prologue_end; /* offset of the instruction after the prologue */
	uint64_t targets[TARGETS_MAX]; /* outside of the function */
	size_t target_count;
	struct decoded_call calls[CALLS_MAX]; /* x86-64 only */
	size_t call_count;
};

/*
 * False when these bytes are not what a compiler makes: an invalid instruction, or a jump into an instruction,
 * which means that there is data in the code. If true, the caller frees `decoded->at`.
 */
bool decode_function(uint16_t machine, const unsigned char *code, uint64_t address, uint64_t size, struct decoded *decoded);

#endif
