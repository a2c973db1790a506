/* SPDX-License-Identifier: MIT */
#ifndef CONFINE_H
#define CONFINE_H

#include "loader.h"

/* Both end the process on failure. `way` is how it attaches. */
void keep_broker_rights(const struct requester *requester, enum tls_attach way);
void limit_broker_calls(enum tls_attach way);

#endif
