/** The benchmarks' document and chart are made of the figures beside them, and of nothing else. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { files } from '../bench/document.mjs';

const docs = join(import.meta.dirname, '../../docs');
const read = (name: string): string => readFileSync(join(docs, name), 'utf8');

test.each(Object.entries(files(JSON.parse(read('benchmarks.json')))))('%s is up to date', (name, text) => {
  expect(read(name)).toBe(text);
});
