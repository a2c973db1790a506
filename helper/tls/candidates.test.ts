import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { candidatePaths, parseLoaderCache } from './candidates.ts';

const CACHE = '/etc/ld.so.cache';

describe.skipIf(!existsSync(CACHE))("the dynamic loader's cache", () => {
  it('lists the paths of libraries', () => {
    const libraries = [...parseLoaderCache(readFileSync(CACHE))];
    const path = new Map(libraries).get('libc.so.6') ?? '';
    expect(path.endsWith('/libc.so.6') && existsSync(path)).toBe(true);
    expect(libraries.length).toBeGreaterThan(20);
  });

  it('never throws when it is damaged', () => {
    const whole = readFileSync(CACHE).subarray(0, 4_096);
    fc.assert(
      fc.property(
        fc.nat({ max: 2_048 }),
        fc.nat({ max: 0xffffffff }),
        fc.nat({ max: 4_096 }),
        (at, value, length) => {
          const changed = Buffer.from(whole);
          changed.writeUInt32LE(value, at);
          for (const [, path] of parseLoaderCache(changed.subarray(0, length))) expect(path[0]).toBe('/');
        },
      ),
    );
  });
});

it('candidates are libraries that are there, and the C library among them', () => {
  const paths = candidatePaths();
  for (const path of paths) expect(existsSync(path)).toBe(true);
  expect(paths.some((path) => /\/(?:libc\.so|ld-musl-)/.test(path))).toBe(true);
  expect(paths.length).toBeLessThanOrEqual(64);
  // Programs that nobody traces would pay for NSPR's probes at each file they read.
  expect(paths.filter((path) => /libnspr4|libssl3|libmbed|wolfssl|mono/.test(path))).toEqual([]);
});
