// SPDX-License-Identifier: MIT
/*
 * x86-64 is decoded by Capstone (BSD-3-Clause; Debian's libcapstone-dev, linked statically). AArch64 has instructions
 * of one width, and few of them matter here.
 */
#include "decoder.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

static bool add_target(struct decoded *decoded, uint64_t target)
{
	if (target - decoded->address < decoded->size)
		return true;
	if (decoded->target_count == TARGETS_MAX)
		return false;
	decoded->targets[decoded->target_count++] = target;
	return true;
}

#if defined(__x86_64__)
#include <capstone/capstone.h>

static bool is_conditional(const cs_insn *instruction)
{
	/* 70–7f, 0f 80–8f: those that the helper puts probes on (arch/x86/kernel/uprobes.c, branch_setup_xol_ops). */
	const uint8_t *opcode = instruction->detail->x86.opcode;

	return (opcode[0] >= 0x70 && opcode[0] <= 0x7f) || (opcode[0] == 0x0f && opcode[1] >= 0x80 && opcode[1] <= 0x8f);
}

/* Whether it compares with the stack protector's canary, fs:0x28. */
static bool is_canary_read(const cs_insn *instruction)
{
	const cs_x86 *x86 = &instruction->detail->x86;

	if (instruction->id != X86_INS_SUB && instruction->id != X86_INS_XOR && instruction->id != X86_INS_CMP)
		return false;
	for (uint8_t i = 0; i < x86->op_count; i++) {
		const x86_op_mem *memory = &x86->operands[i].mem;

		if (x86->operands[i].type == X86_OP_MEM && memory->segment == X86_REG_FS && memory->base == X86_REG_INVALID &&
		    memory->index == X86_REG_INVALID && memory->disp == 0x28)
			return true;
	}
	return false;
}

/* Follows the instructions from a read of the canary to the return after its check. */
struct epilogue {
	bool read; /* by the instruction before */
	bool open; /* nothing but straight code since the check */
	uint64_t check;
	size_t count;
};

static void follow_epilogue(struct epilogue *epilogue, csh handle, const cs_insn *instruction, uint64_t at, struct decoded *decoded)
{
	if (epilogue->open && decoded->at[at] == INSTRUCTION_RETURN)
		decoded->at[epilogue->check] = INSTRUCTION_CHECK;
	if (decoded->at[at] == INSTRUCTION_RETURN || cs_insn_group(handle, instruction, CS_GRP_JUMP) ||
	    cs_insn_group(handle, instruction, CS_GRP_CALL) || ++epilogue->count == EPILOGUE_MAX)
		epilogue->open = false;
	if (epilogue->read && is_conditional(instruction))
		*epilogue = (struct epilogue){.open = true, .check = at};
	epilogue->read = is_canary_read(instruction);
}

static bool decode_x86(csh handle, cs_insn *instruction, const unsigned char *code, struct decoded *decoded, unsigned char *jumped)
{
	struct epilogue epilogue = {0};
	uint64_t address = decoded->address;
	size_t left = decoded->size, count = 0;

	while (left > 0) {
		uint64_t at = address - decoded->address;
		const cs_x86 *x86;

		if (!cs_disasm_iter(handle, &code, &left, &address, instruction))
			return false;
		if (count++ == PROLOGUE_MAX)
			decoded->prologue_end = at;
		x86 = &instruction->detail->x86;
		decoded->at[at] = instruction->id == X86_INS_RET ? INSTRUCTION_RETURN : INSTRUCTION_OTHER;
		follow_epilogue(&epilogue, handle, instruction, at, decoded);
		if (cs_insn_group(handle, instruction, CS_GRP_CALL) && x86->op_count == 1 && x86->operands[0].type == X86_OP_IMM &&
		    decoded->call_count < CALLS_MAX)
			decoded->calls[decoded->call_count++] =
				(struct decoded_call){decoded->address + at, address, (uint64_t)x86->operands[0].imm};
		if (!cs_insn_group(handle, instruction, CS_GRP_JUMP) || x86->op_count != 1 || x86->operands[0].type != X86_OP_IMM)
			continue;
		if ((uint64_t)x86->operands[0].imm - decoded->address < decoded->size)
			jumped[(uint64_t)x86->operands[0].imm - decoded->address] = 1;
		else if (!add_target(decoded, (uint64_t)x86->operands[0].imm))
			return false;
	}
	return true;
}

/* A return that a jump reaches from elsewhere is not covered by the check before it. */
static void forget_bypassed_checks(struct decoded *decoded, const unsigned char *jumped)
{
	for (uint64_t check = 0; check < decoded->size; check++) {
		uint64_t at = check + 1;

		if (decoded->at[check] != INSTRUCTION_CHECK)
			continue;
		while (!jumped[at] && decoded->at[at] != INSTRUCTION_RETURN) /* there is one: follow_epilogue */
			at++;
		if (jumped[at])
			decoded->at[check] = INSTRUCTION_OTHER;
	}
}

/* Replaces the decoders of all other processors: see scripts/build.mjs. */
cs_err refuse_decoder(void);
cs_err refuse_decoder(void)
{
	return CS_ERR_ARCH;
}

static bool decode_x86_function(const unsigned char *code, struct decoded *decoded)
{
	unsigned char *jumped = calloc(1, decoded->size);
	cs_insn *instruction = NULL;
	csh handle = 0;
	bool sound = false;

	if (jumped && cs_open(CS_ARCH_X86, CS_MODE_64, &handle) == CS_ERR_OK &&
	    cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON) == CS_ERR_OK && (instruction = cs_malloc(handle)))
		sound = decode_x86(handle, instruction, code, decoded, jumped);
	for (uint64_t at = 0; sound && at < decoded->size; at++)
		sound = !jumped[at] || decoded->at[at] != INSTRUCTION_NONE;
	if (sound)
		forget_bypassed_checks(decoded, jumped);
	if (instruction)
		cs_free(instruction, 1);
	if (handle)
		cs_close(&handle);
	free(jumped);
	return sound;
}
#else
static bool decode_x86_function(const unsigned char *code, struct decoded *decoded)
{
	(void)code;
	(void)decoded;
	return false; /* a file of another machine does not run here */
}
#endif

static int64_t signed_field(uint32_t word, unsigned int shift, unsigned int bits)
{
	return (int64_t)((int32_t)(word << (32 - shift - bits)) >> (32 - bits)) * 4;
}

/* Arm Architecture Reference Manual for A-profile, C4.1 "A64 instruction set encoding". */
static bool decode_arm64_function(const unsigned char *code, struct decoded *decoded)
{
	if (decoded->size % 4 != 0 || decoded->address % 4 != 0)
		return false;
	if (decoded->size > 4 * PROLOGUE_MAX)
		decoded->prologue_end = 4 * PROLOGUE_MAX;
	for (uint64_t at = 0; at < decoded->size; at += 4) {
		uint64_t here = decoded->address + at;
		uint32_t word;
		bool fits = true;

		memcpy(&word, code + at, sizeof(word));
		decoded->at[at] = INSTRUCTION_OTHER;
		/* LDXR, LDAXR, LDXP, LDAXP: a breakpoint between it and its store makes the store fail forever. */
		if ((word & 0x3fc00000) == 0x08400000 && at < decoded->prologue_end)
			decoded->prologue_end = at;
		if ((word & 0xfffffc1f) == 0xd65f0000 || (word & 0xfffffbff) == 0xd65f0bff) /* RET; RETAA, RETAB */
			decoded->at[at] = INSTRUCTION_RETURN;
		else if (word >> 26 == 0x05) /* B */
			fits = add_target(decoded, here + (uint64_t)signed_field(word, 0, 26));
		else if (word >> 25 == 0x2a || ((word >> 25) & 0x3f) == 0x1a) /* B.cond; CBZ, CBNZ */
			fits = add_target(decoded, here + (uint64_t)signed_field(word, 5, 19));
		else if (((word >> 25) & 0x3f) == 0x1b) /* TBZ, TBNZ */
			fits = add_target(decoded, here + (uint64_t)signed_field(word, 5, 14));
		if (!fits)
			return false;
	}
	return true;
}

bool decode_function(uint16_t machine, const unsigned char *code, uint64_t address, uint64_t size, struct decoded *decoded)
{
	bool sound;

	decoded->address = address;
	decoded->size = size;
	decoded->prologue_end = size;
	decoded->target_count = 0;
	decoded->call_count = 0;
	decoded->at = size > 0 && size <= FUNCTION_MAX ? calloc(1, size) : NULL;
	if (!decoded->at)
		return false;
	sound = machine == EM_X86_64 ? decode_x86_function(code, decoded) : decode_arm64_function(code, decoded);
	if (!sound) {
		free(decoded->at);
		decoded->at = NULL;
	}
	return sound;
}
