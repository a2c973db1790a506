/* SPDX-License-Identifier: MIT */
#ifndef GO_FUNCTIONS_H
#define GO_FUNCTIONS_H

#include "elf_file.h"

/*
 * Fills in `found` of a Go program's functions, sorted by strcmp, from the table that Go's runtime itself needs (the
 * pclntab), so also for a stripped program. Sizes include the padding before the next function.
 */
void go_find_functions(const struct elf_file *file, struct elf_function *functions, size_t count);

#endif
