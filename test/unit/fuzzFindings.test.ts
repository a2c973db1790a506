/** What the fuzzer once found, each input by its target: `TARGET-what.bin`. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { TARGETS } from '../fuzz/targets.ts';

const FOLDER = join(import.meta.dirname, '../fuzz/findings');
const names = readdirSync(FOLDER);

it.each(names)('%s', (name) => {
  const target = TARGETS.find((candidate) => name.startsWith(`${candidate.name}-`));
  expect(target).toBeDefined();
  target?.run(readFileSync(join(FOLDER, name)));
});

it('is complete: the findings are there', () => {
  expect(names.length).toBeGreaterThan(0);
});
