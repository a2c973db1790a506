/* SPDX-License-Identifier: MIT */
#ifndef PLACES_H
#define PLACES_H

#include "broker.h"

#include <stdbool.h>

/* enum tls_function of a symbol; 0 when it is not a function of the catalogue (helper/tls/catalogue.json). */
uint8_t function_of_symbol(const char *symbol);

/*
 * Whether each probe is on a function of the catalogue that this file has, at the beginning of one of its
 * instructions: what decides which bytes of a file may become breakpoints. The reason why not goes to `reason`.
 */
bool check_places(int descriptor, const struct broker_request *request, char *reason, size_t size);

#endif
