/* SHA-256, FIPS 180-4. The constants are computed, not listed: see section 4.2.2. */
#include "peer.h"
#include <stdio.h>
#include <string.h>

static uint32_t constants[64], initial[8];

/* The first 32 bits of the fractional part of the root of n, cube or square. */
static uint32_t root_fraction(unsigned n, bool cube)
{
	/* Largest r with r^2 (or r^3) <= n * 2^64 (or 2^96); r's low 32 bits are the fraction. */
	unsigned __int128 low = 0, high = (unsigned __int128)1 << 37;

	while (high - low > 1) {
		unsigned __int128 middle = (low + high) / 2;
		bool below;

		if (cube) /* middle^3 <= n * 2^96, in halves that fit */
			below = middle * middle <= (((unsigned __int128)n << 96) / middle);
		else
			below = middle * middle <= (unsigned __int128)n << 64;
		if (below)
			low = middle;
		else
			high = middle;
	}
	return (uint32_t)low;
}

static void __attribute__((constructor)) make_constants(void)
{
	unsigned found = 0;

	for (unsigned n = 2; found < 64; n++) {
		bool prime = true;

		for (unsigned d = 2; d * d <= n; d++)
			prime = prime && n % d != 0;
		if (!prime)
			continue;
		if (found < 8)
			initial[found] = root_fraction(n, false);
		constants[found++] = root_fraction(n, true);
	}
}

static uint32_t rotate(uint32_t x, unsigned n)
{
	return x >> n | x << (32 - n);
}

static void take_block(uint32_t *hash, const uint8_t *block)
{
	uint32_t w[64], v[8];

	for (unsigned t = 0; t < 16; t++)
		w[t] = (uint32_t)block[4 * t] << 24 | block[4 * t + 1] << 16 | block[4 * t + 2] << 8 | block[4 * t + 3];
	for (unsigned t = 16; t < 64; t++) {
		uint32_t s0 = rotate(w[t - 15], 7) ^ rotate(w[t - 15], 18) ^ w[t - 15] >> 3;
		uint32_t s1 = rotate(w[t - 2], 17) ^ rotate(w[t - 2], 19) ^ w[t - 2] >> 10;

		w[t] = s1 + w[t - 7] + s0 + w[t - 16];
	}
	memcpy(v, hash, sizeof(v));
	for (unsigned t = 0; t < 64; t++) {
		uint32_t s1 = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25);
		uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
		uint32_t first = v[7] + s1 + choice + constants[t] + w[t];
		uint32_t s0 = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22);
		uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);

		memmove(v + 1, v, 7 * sizeof(*v));
		v[4] += first;
		v[0] = first + s0 + majority;
	}
	for (unsigned i = 0; i < 8; i++)
		hash[i] += v[i];
}

void sha256_hex(const void *bytes, size_t length, char *hex)
{
	uint32_t hash[8];
	uint8_t last[128] = {};
	size_t whole = length / 64 * 64, rest = length - whole, padded = rest < 56 ? 64 : 128;

	memcpy(hash, initial, sizeof(hash));
	for (size_t at = 0; at < whole; at += 64)
		take_block(hash, (const uint8_t *)bytes + at);
	if (rest)
		memcpy(last, (const uint8_t *)bytes + whole, rest);
	last[rest] = 0x80;
	for (unsigned i = 0; i < 8; i++)
		last[padded - 1 - i] = (uint8_t)((uint64_t)length * 8 >> 8 * i);
	for (size_t at = 0; at < padded; at += 64)
		take_block(hash, last + at);
	for (unsigned i = 0; i < 8; i++)
		sprintf(hex + 8 * i, "%08x", hash[i]);
}
