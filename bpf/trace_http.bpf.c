// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The kernel side of HTTP Trace: copies the bytes of the HTTP connections of
 * chosen processes into a ring. It decides what to copy, not what it means,
 * and it never writes to a traced program or waits for a reader.
 */
#include "fentry.h"
#include "kprobe.h"
#include "begun.h"
#include "gocaller.h"
#include "lifecycle.h"
#include "process.h"
#include "rings.h"
#include "tls.h"
#include "tracepoint.h"
#include "waiting.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
