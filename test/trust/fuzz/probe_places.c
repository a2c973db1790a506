// SPDX-License-Identifier: MIT
/*
 * libFuzzer target for the broker's untrusted input: a request and an ELF file. Input: a byte that says how many
 * probes, ten bytes for each (offset, kind, function), and the file.
 */
#define _GNU_SOURCE
#include "../../../helper/loader/probe_places.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PROBES_MAX 16
#define PROBE_SIZE 10

static const char *const symbols[] = {
	"SSL_read", "SSL_write", "SSL_free", "gnutls_bye", "crypto/tls.(*Conn).Read", "crypto/tls.(*Conn).Close", "dlopen", "nothing",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct broker_request request;
	static int file = -1;
	char reason[116];
	size_t count;
	bool sound;

	if (file < 0)
		file = memfd_create("file", MFD_CLOEXEC);
	count = size > 0 ? data[0] % (PROBES_MAX + 1) : 0;
	if (size < 1 + count * PROBE_SIZE)
		return 0;
	memset(&request, 0, sizeof(request));
	request.count = (uint32_t)count;
	for (size_t i = 0; i < count; i++) {
		const uint8_t *from = data + 1 + i * PROBE_SIZE;

		memcpy(&request.probes[i].offset, from, sizeof(uint64_t));
		request.probes[i].kind = from[8] % 4;
		strcpy(request.probes[i].symbol, symbols[from[9] % (sizeof(symbols) / sizeof(*symbols))]);
	}
	data += 1 + count * PROBE_SIZE;
	size -= 1 + count * PROBE_SIZE;
	if (ftruncate(file, (off_t)size) || pwrite(file, data, size, 0) != (ssize_t)size)
		abort();
	sound = check_places(file, &request, reason, sizeof(reason));
	for (size_t i = 0; sound && i < count; i++) {
		/* Never beyond the file, and never a uretprobe in Go. */
		if (request.probes[i].offset >= size || request.probes[i].kind > BROKER_URETPROBE ||
		    strcmp(request.probes[i].symbol, "nothing") == 0 ||
		    (request.probes[i].kind == BROKER_URETPROBE && strncmp(request.probes[i].symbol, "crypto", 6) == 0))
			abort();
	}
	return 0;
}
