// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "elf_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTION_NAMES_MAX (1u << 20)
#define UNWIND_MAX (64u << 20)
#define UNWIND_HEADER 12

/* Pointer encodings of .eh_frame_hdr (DW_EH_PE_…), the only ones that linkers make. */
#define ENCODING_PCREL_SDATA4 0x1b
#define ENCODING_UDATA4 0x03
#define ENCODING_DATAREL_SDATA4 0x3b

static bool read_at(const struct elf_file *file, void *to, uint64_t offset, uint64_t size)
{
	unsigned char *bytes = to;

	if (offset > file->size || size > file->size - offset)
		return false;
	while (size > 0) {
		ssize_t count = pread(file->descriptor, bytes, size, (off_t)offset);

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return false;
		bytes += count;
		offset += (uint64_t)count;
		size -= (uint64_t)count;
	}
	return true;
}

unsigned char *elf_read(const struct elf_file *file, uint64_t offset, uint64_t size)
{
	unsigned char *bytes;

	if (size > ELF_TABLE_MAX || offset > file->size || size > file->size - offset)
		return NULL;
	bytes = malloc(size + 1);
	if (!bytes)
		return NULL;
	if (!read_at(file, bytes, offset, size)) {
		free(bytes);
		return NULL;
	}
	bytes[size] = 0;
	return bytes;
}

/* A file without sections, or with invalid ones, counts as having none. */
static void read_sections(struct elf_file *file, const Elf64_Ehdr *header)
{
	const Elf64_Shdr *names;

	if (header->e_shnum == 0 || header->e_shnum > ELF_SECTIONS_MAX || header->e_shentsize != sizeof(Elf64_Shdr) ||
	    header->e_shstrndx >= header->e_shnum)
		return;
	file->sections = (Elf64_Shdr *)elf_read(file, header->e_shoff, header->e_shnum * sizeof(Elf64_Shdr));
	if (!file->sections)
		return;
	names = &file->sections[header->e_shstrndx];
	if (names->sh_size > SECTION_NAMES_MAX)
		return;
	file->names = (char *)elf_read(file, names->sh_offset, names->sh_size);
	if (!file->names)
		return;
	file->names_size = names->sh_size;
	file->section_count = header->e_shnum;
}

bool elf_open(struct elf_file *file, int descriptor)
{
	struct stat status;
	Elf64_Ehdr header;

	memset(file, 0, sizeof(*file));
	file->descriptor = descriptor;
	if (fstat(descriptor, &status) || !S_ISREG(status.st_mode) || status.st_size < 0)
		return false;
	file->size = (uint64_t)status.st_size;
	if (!read_at(file, &header, 0, sizeof(header)) || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
	    (header.e_machine != EM_X86_64 && header.e_machine != EM_AARCH64) || header.e_phnum == 0 ||
	    header.e_phnum > ELF_SEGMENTS_MAX || header.e_phentsize != sizeof(Elf64_Phdr))
		return false;
	file->machine = header.e_machine;
	file->segments = (Elf64_Phdr *)elf_read(file, header.e_phoff, header.e_phnum * sizeof(Elf64_Phdr));
	if (!file->segments)
		return false;
	file->segment_count = header.e_phnum;
	read_sections(file, &header);
	return true;
}

void elf_close(struct elf_file *file)
{
	free(file->segments);
	free(file->sections);
	free(file->names);
	free(file->unwind);
	memset(file, 0, sizeof(*file));
}

const Elf64_Shdr *elf_section(const struct elf_file *file, const char *name)
{
	for (size_t i = 0; i < file->section_count; i++) {
		const Elf64_Shdr *section = &file->sections[i];

		if (section->sh_type != SHT_NOBITS && !(section->sh_flags & SHF_COMPRESSED) && section->sh_name < file->names_size &&
		    strcmp(file->names + section->sh_name, name) == 0)
			return section;
	}
	return NULL;
}

bool elf_offset(const struct elf_file *file, uint64_t address, bool executable, uint64_t *offset)
{
	for (size_t i = 0; i < file->segment_count; i++) {
		const Elf64_Phdr *segment = &file->segments[i];

		if (segment->p_type != PT_LOAD || (executable && !(segment->p_flags & PF_X)) || address < segment->p_vaddr ||
		    address - segment->p_vaddr >= segment->p_filesz)
			continue;
		*offset = address - segment->p_vaddr + segment->p_offset;
		return *offset >= segment->p_offset && *offset < file->size;
	}
	return false;
}

bool elf_address(const struct elf_file *file, uint64_t offset, uint64_t *address)
{
	for (size_t i = 0; i < file->segment_count; i++) {
		const Elf64_Phdr *segment = &file->segments[i];

		if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X) || offset < segment->p_offset ||
		    offset - segment->p_offset >= segment->p_filesz)
			continue;
		*address = offset - segment->p_offset + segment->p_vaddr;
		return *address >= segment->p_vaddr;
	}
	return false;
}

static struct elf_function *function_named(struct elf_function *functions, size_t count, const char *name)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(name, functions[middle].name);

		if (order == 0)
			return &functions[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* Whether any of the functions was in this table. */
static bool search_symbols(const struct elf_file *file, const Elf64_Shdr *table, struct elf_function *functions, size_t count)
{
	const Elf64_Shdr *names;
	Elf64_Sym *symbols;
	char *text;
	bool any = false;

	if (table->sh_link >= file->section_count)
		return false;
	names = &file->sections[table->sh_link];
	if (names->sh_type == SHT_NOBITS || table->sh_flags & SHF_COMPRESSED || names->sh_flags & SHF_COMPRESSED)
		return false;
	text = (char *)elf_read(file, names->sh_offset, names->sh_size);
	symbols = text ? (Elf64_Sym *)elf_read(file, table->sh_offset, table->sh_size) : NULL;
	for (size_t i = 0; symbols && i < table->sh_size / sizeof(*symbols); i++) {
		const Elf64_Sym *symbol = &symbols[i];
		struct elf_function *function;

		if (ELF64_ST_TYPE(symbol->st_info) != STT_FUNC || symbol->st_shndx == SHN_UNDEF || symbol->st_name >= names->sh_size)
			continue;
		function = function_named(functions, count, text + symbol->st_name);
		if (!function || function->count == ELF_SAME_NAME_MAX)
			continue;
		function->found[function->count++] = (struct extent){symbol->st_value, symbol->st_size};
		any = true;
	}
	free(symbols);
	free(text);
	return any;
}

void elf_find_functions(const struct elf_file *file, struct elf_function *functions, size_t count)
{
	static const uint32_t types[] = {SHT_DYNSYM, SHT_SYMTAB};

	for (size_t type = 0; type < sizeof(types) / sizeof(*types); type++) {
		for (size_t i = 0; i < file->section_count; i++) {
			/* Real files have one table of each kind; more only serve to waste time. */
			if (file->sections[i].sh_type != types[type])
				continue;
			if (search_symbols(file, &file->sections[i], functions, count))
				return;
			break;
		}
	}
}

static int32_t signed_at(const unsigned char *bytes)
{
	int32_t value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

static void read_unwind(struct elf_file *file)
{
	const Elf64_Shdr *section = elf_section(file, ".eh_frame_hdr");
	uint64_t count;

	file->unwind_read = true;
	if (!section || section->sh_size < UNWIND_HEADER || section->sh_size > UNWIND_MAX)
		return;
	file->unwind = elf_read(file, section->sh_offset, section->sh_size);
	if (!file->unwind || file->unwind[0] != 1 || file->unwind[1] != ENCODING_PCREL_SDATA4 ||
	    file->unwind[2] != ENCODING_UDATA4 || file->unwind[3] != ENCODING_DATAREL_SDATA4)
		return;
	count = (uint32_t)signed_at(file->unwind + 8);
	file->unwind_count = (section->sh_size - UNWIND_HEADER) / 8;
	if (count < file->unwind_count)
		file->unwind_count = count;
	file->unwind_address = section->sh_addr;
}

bool elf_extent_at(struct elf_file *file, uint64_t address, struct extent *extent)
{
	uint64_t low = 0, high, entry, offset;
	unsigned char description[16]; /* u32 length, s32 CIE pointer, s32 PC begin, u32 PC range */
	const unsigned char *row;

	if (!file->unwind_read)
		read_unwind(file);
	high = file->unwind_count;
	while (low < high) {
		uint64_t middle = (low + high) / 2;
		uint64_t start = file->unwind_address + (uint64_t)(int64_t)signed_at(file->unwind + UNWIND_HEADER + middle * 8);

		if (start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return false;
	row = file->unwind + UNWIND_HEADER + (low - 1) * 8;
	extent->start = file->unwind_address + (uint64_t)(int64_t)signed_at(row);
	entry = file->unwind_address + (uint64_t)(int64_t)signed_at(row + 4);
	if (!elf_offset(file, entry, false, &offset) || !read_at(file, description, offset, sizeof(description)) ||
	    entry + 8 + (uint64_t)(int64_t)signed_at(description + 8) != extent->start)
		return false;
	extent->size = (uint32_t)signed_at(description + 12);
	return address - extent->start < extent->size;
}

uint64_t elf_addend_at(const struct elf_file *file, uint64_t address)
{
	uint64_t found = 0;

	for (size_t i = 0; i < file->section_count && !found; i++) {
		const Elf64_Shdr *section = &file->sections[i];
		Elf64_Rela *relocations;

		if (section->sh_type != SHT_RELA || strcmp(section->sh_name < file->names_size ? file->names + section->sh_name : "",
							   ".rela.dyn") != 0)
			continue;
		relocations = (Elf64_Rela *)elf_read(file, section->sh_offset, section->sh_size);
		for (size_t at = 0; relocations && at < section->sh_size / sizeof(*relocations) && !found; at++) {
			if (relocations[at].r_offset == address)
				found = (uint64_t)relocations[at].r_addend;
		}
		free(relocations);
		break;
	}
	return found;
}
