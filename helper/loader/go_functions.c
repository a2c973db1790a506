// SPDX-License-Identifier: MIT
/* Layouts of Go 1.16, 1.18 and 1.20 and later (go.dev/src/debug/gosym/pclntab.go); helper/tls/go.ts says more. */
#include "go_functions.h"

#include <stdlib.h>
#include <string.h>

#define HEADER_SIZE 72
#define FUNCTIONS_MAX 4000000u
#define TEXT_START 24 /* in the header */
/* runtime.moduledata, in a section of its own since 1.26 */
#define MODULE_MIN_PC 160
#define MODULE_TEXT 176

struct table {
	const unsigned char *bytes;
	uint64_t size;
};

static uint64_t word_at(const struct table *table, uint64_t at)
{
	uint64_t value = 0;

	if (at <= table->size && table->size - at >= sizeof(value))
		memcpy(&value, table->bytes + at, sizeof(value));
	return value;
}

static uint32_t half_at(const struct table *table, uint64_t at)
{
	uint32_t value = 0;

	if (at <= table->size && table->size - at >= sizeof(value))
		memcpy(&value, table->bytes + at, sizeof(value));
	return value;
}

static uint64_t pointer_at(const struct elf_file *file, const Elf64_Shdr *section, uint64_t at)
{
	unsigned char *bytes = elf_read(file, section->sh_offset + at, sizeof(uint64_t));
	uint64_t value = 0;

	if (!bytes)
		return 0;
	memcpy(&value, bytes, sizeof(value));
	free(bytes);
	return value ? value : elf_addend_at(file, section->sh_addr + at);
}

/* The address of the first Go function; linked C code lies before it. 0 = unknown. */
static uint64_t text_start(const struct elf_file *file, const Elf64_Shdr *section, const struct table *table, uint32_t first)
{
	uint64_t text = word_at(table, TEXT_START), offset;
	const Elf64_Shdr *other;

	if (!text)
		text = elf_addend_at(file, section->sh_addr + TEXT_START);
	if (text && elf_offset(file, text, true, &offset))
		return text;
	/* Since 1.26 it is not in the header, but in the module. */
	other = elf_section(file, ".go.module");
	if (other && other->sh_size >= MODULE_TEXT + sizeof(uint64_t)) {
		text = pointer_at(file, other, MODULE_TEXT);
		if (text && pointer_at(file, other, MODULE_MIN_PC) == text + first && elf_offset(file, text, true, &offset))
			return text;
	}
	other = elf_section(file, ".text");
	return other ? other->sh_addr : 0;
}

static int compare_name(const char *name, const struct table *names, uint64_t at)
{
	uint64_t room = at < names->size ? names->size - at : 0;
	size_t length = strlen(name) + 1;

	if (room < length)
		return 1;
	return memcmp(name, names->bytes + at, length);
}

/* Whether a name begins like those of the catalogue. */
static bool may_be_wanted(const struct table *names, uint64_t at)
{
	static const char *const prefixes[] = {"crypto/tls.(*Conn).", "net/http.(*", "golang.org/x/net/http2.(*"};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		size_t length = strlen(prefixes[i]);

		if (at < names->size && names->size - at > length && memcmp(names->bytes + at, prefixes[i], length) == 0)
			return true;
	}
	return false;
}

void go_find_functions(const struct elf_file *file, struct elf_function *functions, size_t count)
{
	const Elf64_Shdr *section = elf_section(file, ".gopclntab");
	uint64_t functions_at, function_count, names_at, names_end, text = 0, entry_size;
	struct table table, names;
	unsigned char *bytes;
	bool relative;

	if (!section)
		section = elf_section(file, ".data.rel.ro.gopclntab");
	if (!section || section->sh_size < HEADER_SIZE)
		return;
	bytes = elf_read(file, section->sh_offset, section->sh_size);
	if (!bytes)
		return;
	table = (struct table){bytes, section->sh_size};
	relative = half_at(&table, 0) == 0xfffffff0u || half_at(&table, 0) == 0xfffffff1u; /* 1.18, 1.20 */
	/* Two zeros, the size of an instruction, the size of a pointer. */
	if ((!relative && half_at(&table, 0) != 0xfffffffau) || bytes[4] != 0 || bytes[5] != 0 || bytes[7] != 8)
		goto out;
	function_count = word_at(&table, 8);
	names_at = word_at(&table, relative ? 32 : 24);
	names_end = word_at(&table, relative ? 40 : 32);
	functions_at = word_at(&table, relative ? 64 : 56);
	entry_size = relative ? 8 : 16;
	if (function_count > FUNCTIONS_MAX || functions_at > table.size ||
	    table.size - functions_at < (function_count + 1) * entry_size || names_at > names_end || names_end > table.size)
		goto out;
	names = (struct table){bytes + names_at, names_end - names_at};
	if (relative)
		text = text_start(file, section, &table, half_at(&table, functions_at));
	for (uint64_t i = 0; i < function_count; i++) {
		uint64_t entry = functions_at + i * entry_size;
		uint64_t about = functions_at + (relative ? half_at(&table, entry + 4) : word_at(&table, entry + 8));
		uint32_t name = half_at(&table, about + (relative ? 4 : 8));

		/* Nearly all other names are skipped here. */
		if (!may_be_wanted(&names, name))
			continue;
		for (size_t wanted = 0; wanted < count; wanted++) {
			struct elf_function *function = &functions[wanted];
			uint64_t start, end;

			if (function->count == ELF_SAME_NAME_MAX || compare_name(function->name, &names, name) != 0)
				continue;
			start = text + (relative ? half_at(&table, entry) : word_at(&table, entry));
			end = text + (relative ? half_at(&table, entry + 8) : word_at(&table, entry + 16));
			function->found[function->count++] = (struct extent){start, end - start};
		}
	}
out:
	free(bytes);
}
