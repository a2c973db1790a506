// SPDX-License-Identifier: MIT
/*
 * The few kernel types against which the programs are relocated (CO-RE). libbpf searches all of the kernel's hundred
 * thousand types by name for each of them, which took a quarter of the loader's time. Here all are found in one pass,
 * and copied with what they contain by value: libbpf never follows a pointer from one type to another.
 */
#define _GNU_SOURCE
#include "loader.h"

#include <bpf/btf.h>
#include <errno.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

extern const unsigned char programs_start[], programs_end[];

#define NAME_SLOTS 8192u /* a power of two; the programs have some hundred types */

struct name {
	const char *text;
	size_t length;
};

/* Open addressing: a slot without a text ends the search. */
struct names {
	struct name slots[NAME_SLOTS];
	unsigned int count;
};

/* As libbpf compares: without `___` and what follows, which distinguishes versions of one type. */
static struct name essential_name(const char *text)
{
	size_t length = strlen(text);

	for (size_t end = length; end >= 5; end--) {
		const char *part = text + end - 5;

		if (part[0] != '_' && part[1] == '_' && part[2] == '_' && part[3] == '_' && part[4] != '_')
			return (struct name){text, (size_t)(part - text) + 1};
	}
	return (struct name){text, length};
}

static struct name *find_slot(struct names *names, struct name name)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < name.length; i++)
		hash = (hash ^ (unsigned char)name.text[i]) * 16777619u;
	for (;; hash++) {
		struct name *slot = names->slots + hash % NAME_SLOTS;

		if (!slot->text || (slot->length == name.length && memcmp(slot->text, name.text, name.length) == 0))
			return slot;
	}
}

/* The kinds of types libbpf relocates against. */
static bool is_fitted(const struct btf_type *type)
{
	return btf_is_composite(type) || btf_is_any_enum(type) || btf_is_typedef(type) || btf_is_int(type) || btf_is_fwd(type) ||
	       btf_is_float(type);
}

static bool collect_names(const struct btf *types, struct names *names)
{
	for (uint32_t id = 1; id < btf__type_cnt(types); id++) {
		const struct btf_type *type = btf__type_by_id(types, id);
		const char *text = btf__name_by_offset(types, type->name_off);
		struct name *slot;

		if (!is_fitted(type) || !text || !*text)
			continue;
		slot = find_slot(names, essential_name(text));
		if (slot->text)
			continue;
		*slot = essential_name(text);
		if (++names->count > NAME_SLOTS / 2)
			return false;
	}
	return true;
}

/* A type's number in the copy; adds the type if it is missing. Negative: out of memory. */
static int copy_type(struct btf *copy, const struct btf *kernel, uint32_t *numbers, uint32_t id)
{
	const struct btf_type *type = btf__type_by_id(kernel, id);
	int number;

	/* void, and types that are never looked into. */
	if (!id || btf_is_func_proto(type))
		return 0;
	if (numbers[id])
		return (int)numbers[id];
	number = btf__add_type(copy, kernel, type);
	if (number > 0)
		numbers[id] = (uint32_t)number;
	return number;
}

/* A copied type still refers to the kernel's ids: those types are copied as well. */
static bool copy_contents(struct btf *copy, const struct btf *kernel, uint32_t *numbers, uint32_t number)
{
	/* Copying moves the types. */
#define TYPE ((struct btf_type *)btf__type_by_id(copy, number))
	int contained;

	if (btf_is_composite(TYPE)) {
		for (int i = 0; i < btf_vlen(TYPE); i++) {
			contained = copy_type(copy, kernel, numbers, btf_members(TYPE)[i].type);
			if (contained < 0)
				return false;
			btf_members(TYPE)[i].type = (uint32_t)contained;
		}
	} else if (btf_is_array(TYPE)) {
		contained = copy_type(copy, kernel, numbers, btf_array(TYPE)->type);
		if (contained < 0)
			return false;
		btf_array(TYPE)->type = (uint32_t)contained;
		contained = copy_type(copy, kernel, numbers, btf_array(TYPE)->index_type);
		if (contained < 0)
			return false;
		btf_array(TYPE)->index_type = (uint32_t)contained;
	} else if (btf_is_ptr(TYPE)) {
		TYPE->type = 0;
	} else if (btf_is_mod(TYPE) || btf_is_typedef(TYPE)) {
		contained = copy_type(copy, kernel, numbers, TYPE->type);
		if (contained < 0)
			return false;
		TYPE->type = (uint32_t)contained;
	}
#undef TYPE
	return true;
}

static bool copy_types(struct btf *copy, const struct btf *kernel, const struct btf *programs, struct names *names)
{
	uint32_t *numbers = calloc(btf__type_cnt(kernel), sizeof(*numbers));
	bool copied = numbers && collect_names(programs, names);

	for (uint32_t id = 1; copied && id < btf__type_cnt(kernel); id++) {
		const struct btf_type *type = btf__type_by_id(kernel, id);
		const char *text = is_fitted(type) ? btf__name_by_offset(kernel, type->name_off) : NULL;

		if (text && *text && find_slot(names, essential_name(text))->text)
			copied = copy_type(copy, kernel, numbers, id) > 0;
	}
	for (uint32_t number = 1; copied && number < btf__type_cnt(copy); number++)
		copied = copy_contents(copy, kernel, numbers, number);
	free(numbers);
	return copied;
}

/* The programs' own types; NULL when they cannot be read. */
static struct btf *programs_types(void)
{
	struct btf *types = NULL;
	Elf_Scn *section = NULL;
	size_t names;
	Elf *file;

	if (elf_version(EV_CURRENT) == EV_NONE)
		return NULL;
	file = elf_memory((char *)programs_start, (size_t)(programs_end - programs_start));
	if (!file)
		return NULL;
	while (!elf_getshdrstrndx(file, &names) && (section = elf_nextscn(file, section))) {
		GElf_Shdr header;
		const char *name = gelf_getshdr(section, &header) ? elf_strptr(file, names, header.sh_name) : NULL;
		const Elf_Data *data = name && strcmp(name, ".BTF") == 0 ? elf_getdata(section, NULL) : NULL;

		if (data) {
			types = btf__new(data->d_buf, (uint32_t)data->d_size);
			break;
		}
	}
	elf_end(file);
	return types;
}

/* A file in memory, open until the loader becomes the broker. */
static int file_of(const struct btf *types)
{
	uint32_t size;
	const void *data = btf__raw_data(types, &size);
	int file = data ? memfd_create("core-types", MFD_CLOEXEC) : -1;

	if (file >= 0 && write(file, data, size) != (ssize_t)size) {
		close(file);
		return -1;
	}
	return file;
}

int core_types(const struct btf *kernel)
{
	struct names *names = calloc(1, sizeof(*names));
	struct btf *programs = programs_types();
	struct btf *copy = btf__new_empty();
	int file = -1;

	if (kernel && names && programs && copy && copy_types(copy, kernel, programs, names))
		file = file_of(copy);
	btf__free(copy);
	btf__free(programs);
	free(names);
	return file;
}
