// SPDX-License-Identifier: MIT
/*
 * A breakpoint within an instruction would change the code of every process that has the file in memory, those of root
 * included. So a place is accepted only if decoding from a function's first instruction reaches it. The helper has
 * found it in the same way (helper/tls/probes.ts), but its request is not trusted.
 */
#include "probe_places.h"
#include "decoder.h"
#include "elf_file.h"
#include "go_functions.h"
#include "trace_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct catalogue_function {
	const char *symbol;
	uint8_t function; /* enum tls_function */
	bool returns;
	bool go;
	const char *called_by; /* for a function without a symbol: one that calls it. Places are its calls, anywhere in the file */
};

/* Generated from helper/tls/catalogue.json by scripts/build.mjs, in strcmp order. */
static const struct catalogue_function catalogue[] = {
#include "catalogue.inc"
};

#define CATALOGUE_SIZE (sizeof(catalogue) / sizeof(*catalogue))
#define PARTS_MAX 32 /* parts of one function: where it continues after a jump */
#define CODE_MAX (1u << 20) /* bytes that are decoded for one request */

/* A function of the file, and the parts of it that have been decoded; the first is the function itself. */
struct candidate {
	struct extent extent;
	struct decoded *parts[PARTS_MAX];
	size_t part_count, parts_followed;
	bool decoded;
};

struct checker {
	struct elf_file file;
	struct elf_function functions[CATALOGUE_SIZE];
	struct candidate candidates[CATALOGUE_SIZE][ELF_SAME_NAME_MAX];
	struct candidate caller; /* the function that contains the call that was checked last */
	uint64_t code_left;
};

static const struct catalogue_function *in_catalogue(const char *symbol)
{
	for (size_t i = 0; i < CATALOGUE_SIZE; i++) {
		if (strcmp(catalogue[i].symbol, symbol) == 0)
			return &catalogue[i];
	}
	return NULL;
}

uint8_t function_of_symbol(const char *symbol)
{
	const struct catalogue_function *found = in_catalogue(symbol);

	return found ? found->function : 0;
}

/* NULL when it cannot be decoded, or beyond CODE_MAX. */
static struct decoded *decode(struct checker *checker, const struct extent *extent)
{
	struct decoded *decoded;
	unsigned char *code;
	uint64_t offset;
	bool sound;

	if (extent->size == 0 || extent->size > FUNCTION_MAX || extent->size > checker->code_left ||
	    !elf_offset(&checker->file, extent->start, true, &offset))
		return NULL;
	checker->code_left -= extent->size;
	code = elf_read(&checker->file, offset, extent->size);
	decoded = code ? malloc(sizeof(*decoded)) : NULL;
	sound = decoded && decode_function(checker->file.machine, code, extent->start, extent->size, decoded);
	free(code);
	if (sound)
		return decoded;
	free(decoded);
	return NULL;
}

static void decode_candidate(struct checker *checker, struct candidate *candidate)
{
	struct extent extent = candidate->extent;

	if (candidate->decoded)
		return;
	candidate->decoded = true;
	if (extent.size == 0 && (!elf_extent_at(&checker->file, extent.start, &extent) || extent.start != candidate->extent.start))
		return;
	candidate->parts[0] = decode(checker, &extent);
	candidate->part_count = candidate->parts[0] ? 1 : 0;
}

static bool is_in_parts(const struct candidate *candidate, uint64_t address)
{
	for (size_t i = 0; i < candidate->part_count; i++) {
		if (address - candidate->parts[i]->address < candidate->parts[i]->size)
			return true;
	}
	return false;
}

/* Decodes the targets of the next part's jumps. False when all are decoded. */
static bool follow_jumps(struct checker *checker, struct candidate *candidate)
{
	const struct decoded *from;

	if (candidate->parts_followed == candidate->part_count)
		return false;
	from = candidate->parts[candidate->parts_followed++];
	for (size_t i = 0; i < from->target_count && candidate->part_count < PARTS_MAX; i++) {
		struct decoded *part;
		struct extent extent;

		if (is_in_parts(candidate, from->targets[i]) || !elf_extent_at(&checker->file, from->targets[i], &extent))
			continue;
		part = decode(checker, &extent);
		if (part)
			candidate->parts[candidate->part_count++] = part;
	}
	return true;
}

static enum instruction instruction_at(const struct candidate *candidate, size_t parts, uint64_t address)
{
	for (size_t i = 0; i < parts; i++) {
		const struct decoded *part = candidate->parts[i];

		if (address - part->address < part->size)
			return (enum instruction)part->at[address - part->address];
	}
	return INSTRUCTION_NONE;
}

static bool is_entry(struct checker *checker, struct candidate *candidate, uint64_t address)
{
	if (address == candidate->extent.start)
		return true;
	decode_candidate(checker, candidate);
	return candidate->part_count > 0 && instruction_at(candidate, 1, address) != INSTRUCTION_NONE &&
	       address - candidate->parts[0]->address < candidate->parts[0]->prologue_end;
}

/* A return instruction, or the jump of the stack protector's check before it; no other jump, conditional or not. */
static bool is_return(struct checker *checker, struct candidate *candidate, uint64_t address)
{
	decode_candidate(checker, candidate);
	do {
		enum instruction found = instruction_at(candidate, candidate->part_count, address);

		if (found == INSTRUCTION_RETURN || found == INSTRUCTION_CHECK)
			return true;
	} while (follow_jumps(checker, candidate));
	return false;
}

static void release_candidate(struct candidate *candidate)
{
	for (size_t part = 0; part < candidate->part_count; part++) {
		free(candidate->parts[part]->at);
		free(candidate->parts[part]);
	}
	*candidate = (struct candidate){0};
}

/* Whether the function of that name calls the one that begins there. */
static bool is_called_by(struct checker *checker, const char *caller, uint64_t target)
{
	size_t index = (size_t)(in_catalogue(caller) - catalogue);
	struct extent extent;

	if (!elf_extent_at(&checker->file, target, &extent) || extent.start != target)
		return false;
	for (size_t i = 0; i < checker->functions[index].count; i++) {
		struct candidate *candidate = &checker->candidates[index][i];

		candidate->extent = checker->functions[index].found[i];
		decode_candidate(checker, candidate);
		for (size_t call = 0; candidate->part_count > 0 && call < candidate->parts[0]->call_count; call++) {
			if (candidate->parts[0]->calls[call].target == target)
				return true;
		}
	}
	return false;
}

/* A call of a function that `called_by` calls, or where such a call returns to, in any function of the file. */
static bool is_call(struct checker *checker, const struct broker_probe *probe, const char *called_by, uint64_t address)
{
	struct candidate *caller = &checker->caller;
	struct extent extent;

	if (!elf_extent_at(&checker->file, address, &extent) || probe->stack != 0)
		return false;
	if (!caller->decoded || caller->extent.start != extent.start) {
		release_candidate(caller);
		caller->extent = extent;
		decode_candidate(checker, caller);
	}
	for (size_t i = 0; caller->part_count > 0 && i < caller->parts[0]->call_count; i++) {
		const struct decoded_call *call = &caller->parts[0]->calls[i];
		uint64_t place = probe->kind == BROKER_ENTRY ? call->start : call->end;

		if (place == address && instruction_at(caller, 1, address) != INSTRUCTION_NONE)
			return is_called_by(checker, called_by, call->target);
	}
	return false;
}

static bool is_sound(struct checker *checker, const struct broker_probe *probe, const struct catalogue_function *wanted)
{
	size_t index = (size_t)(wanted - catalogue);
	const struct elf_function *function = &checker->functions[index];
	uint64_t address;

	if (!elf_address(&checker->file, probe->offset, &address) ||
	    (checker->file.machine == EM_AARCH64 && address % 4 != 0))
		return false;
	if (wanted->called_by)
		return probe->kind != BROKER_URETPROBE && is_call(checker, probe, wanted->called_by, address);
	for (size_t i = 0; i < function->count; i++) {
		struct candidate *candidate = &checker->candidates[index][i];

		candidate->extent = function->found[i];
		switch (probe->kind) {
		case BROKER_ENTRY:
			if (is_entry(checker, candidate, address))
				return true;
			break;
		case BROKER_RETURN:
			if (wanted->returns && is_return(checker, candidate, address))
				return true;
			break;
		case BROKER_URETPROBE:
			/* Go moves its stacks: a return address there must not be changed. */
			if (wanted->returns && !wanted->go && address == candidate->extent.start)
				return true;
			break;
		default:
			return false;
		}
	}
	return false;
}

static void release(struct checker *checker)
{
	for (size_t i = 0; i < CATALOGUE_SIZE; i++) {
		for (size_t same = 0; same < ELF_SAME_NAME_MAX; same++)
			release_candidate(&checker->candidates[i][same]);
	}
	release_candidate(&checker->caller);
	elf_close(&checker->file);
	free(checker);
}

bool check_places(int descriptor, const struct broker_request *request, char *reason, size_t size)
{
	struct checker *checker = calloc(1, sizeof(*checker));
	bool sound = false, go = false, other = false;

	if (!checker) {
		snprintf(reason, size, "there is no memory");
		return false;
	}
	if (!elf_open(&checker->file, descriptor)) {
		snprintf(reason, size, "the file is not a readable ELF file");
		free(checker->file.segments);
		free(checker);
		return false;
	}
	checker->code_left = CODE_MAX;
	for (size_t i = 0; i < CATALOGUE_SIZE; i++)
		checker->functions[i].name = catalogue[i].symbol;
	for (uint32_t i = 0; i < request->count; i++) {
		const struct catalogue_function *wanted = in_catalogue(request->probes[i].symbol);

		if (wanted && wanted->go)
			go = true;
		else
			other = true;
	}
	if (go)
		go_find_functions(&checker->file, checker->functions, CATALOGUE_SIZE);
	if (other)
		elf_find_functions(&checker->file, checker->functions, CATALOGUE_SIZE);
	for (uint32_t i = 0; i < request->count; i++) {
		const struct catalogue_function *wanted = in_catalogue(request->probes[i].symbol);

		if (!wanted)
			snprintf(reason, size, "a function is not one of those that are probed");
		else if (!is_sound(checker, &request->probes[i], wanted))
			snprintf(reason, size, "0x%llx is not a probe point of %s in this file",
				 (unsigned long long)request->probes[i].offset, wanted->symbol);
		else
			continue;
		goto out;
	}
	sound = true;
out:
	release(checker);
	return sound;
}
