import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { corpus } from '../kit/corpora.mjs';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'http-trace-corpora-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('a corpus that is missing is skipped under a title that says how to get it', () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const { folder: found, title } = corpus('llhttp/test', folder);
  expect(warn).toHaveBeenCalledExactlyOnceWith(title);
  warn.mockRestore();
  expect(found).toBeNull();
  expect(title).toContain('SKIPPED');
  expect(title).toContain(`Clone it at 01e105a into ${join(folder, 'llhttp')}`);
});

test('a clone of the upstream repository is all that is needed', () => {
  mkdirSync(join(folder, 'nghttp2-fuzz/fuzz/corpus'), { recursive: true });
  expect(corpus('nghttp2-fuzz/fuzz/corpus', folder).folder).toBe(join(folder, 'nghttp2-fuzz/fuzz/corpus'));
});
