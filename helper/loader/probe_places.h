/* SPDX-License-Identifier: MIT */
#ifndef PROBE_PLACES_H
#define PROBE_PLACES_H

#include "broker.h"

#include <stdbool.h>

/* enum tls_function of a symbol; 0 when it is not a function of the catalogue (helper/tls/catalogue.json). */
uint8_t function_of_symbol(const char *symbol);

/*
 * Whether each probe is on a function of the catalogue that this file has, at the first byte of an instruction. This
 * decides which bytes of a file may become breakpoints. If false, `reason` says why.
 */
bool check_places(int descriptor, const struct broker_request *request, char *reason, size_t size);

#endif
