/* SPDX-License-Identifier: MIT */
/*
 * Reads what the broker has to know of an ELF file (System V ABI; 64 bits, little-endian, x86-64 or AArch64). The file is
 * hostile: every number in it is checked against the file's size and a limit. It is read, never mapped, so that a
 * file that is cut short meanwhile causes an error, not a signal.
 */
#ifndef ELF_FILE_H
#define ELF_FILE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_SEGMENTS_MAX 256
#define ELF_SECTIONS_MAX 20000
#define ELF_TABLE_MAX (128u << 20) /* bytes of a table of symbols or names */

/* Addresses as linked: [start, start + size). */
struct extent {
	uint64_t start, size;
};

struct elf_file {
	int descriptor;
	uint64_t size;
	uint16_t machine; /* EM_X86_64 or EM_AARCH64 */
	Elf64_Phdr *segments;
	size_t segment_count;
	Elf64_Shdr *sections;
	size_t section_count;
	char *names; /* of sections */
	size_t names_size;
	unsigned char *unwind; /* .eh_frame_hdr */
	uint64_t unwind_address, unwind_count;
	bool unwind_read;
};

#define ELF_SAME_NAME_MAX 4 /* functions of one name that are looked at: one for each version of a symbol */

/* A function that is looked for by its name, and where functions of that name are. */
struct elf_function {
	const char *name;
	struct extent found[ELF_SAME_NAME_MAX];
	size_t count;
};

/* The descriptor stays the caller's. False when it is not a readable ELF file; then there is nothing to close. */
bool elf_open(struct elf_file *file, int descriptor);
void elf_close(struct elf_file *file);

/* Bytes of the file and a NUL after them, freed by the caller; NULL when the file lacks them or they are too many. */
unsigned char *elf_read(const struct elf_file *file, uint64_t offset, uint64_t size);
const Elf64_Shdr *elf_section(const struct elf_file *file, const char *name);

/* Where in the file an address is; false when no segment holds it, or none that is executed. */
bool elf_offset(const struct elf_file *file, uint64_t address, bool executable, uint64_t *offset);
/* The executable address of what is at an offset of the file. */
bool elf_address(const struct elf_file *file, uint64_t offset, uint64_t *address);

/* Fills in `found` of the functions, sorted by strcmp: from the dynamic symbols, or else from all. */
void elf_find_functions(const struct elf_file *file, struct elf_function *functions, size_t count);

/* The function, or part of one, that holds an address, by the unwinding tables (.eh_frame_hdr, .eh_frame). */
bool elf_extent_at(struct elf_file *file, uint64_t address, struct extent *extent);

/* The addend of the relocation of that address, 0 when there is none. */
uint64_t elf_addend_at(const struct elf_file *file, uint64_t address);

#endif
