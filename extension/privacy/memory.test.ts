/** Bodies with millions of values that are replaced: memory stays in proportion to the text. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { variants } from '../../test/kit/tier.mjs';
import { maskBody } from './maskBody.ts';
import { MASK } from './secrets.ts';

/** MiB of a process, in which the result, two bytes a character, has to be twice while it is put together. */
const HEAP = 190;
/** Characters: without bounds these took more. */
const KINDS = [
  ['text/csv', 12_000_000, 'pin,token\n', '1,2\n', ''],
  ['application/graphql', 12_000_000, '', 'pin:"1" ', ''],
  ['application/json', 20_000_000, '[', '{"pin":"1"},', '1]'],
  ['application/x-www-form-urlencoded', 20_000_000, '', 'pin=1&', 'a=b'],
  ['text/plain', 20_000_000, '', 'pin=1 ', ''],
] as const;

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'http-trace-masks-'));
  buildSync({
    stdin: {
      contents: `import { maskBody } from './maskBody.ts';
        const [essence, size, first, unit, last] = JSON.parse(process.argv[2]);
        const text = Buffer.from(first + unit.repeat(size / unit.length) + last).toString('latin1');
        process.stdout.write(maskBody(text, { essence, boundary: null }).slice(-40));`,
      resolveDir: import.meta.dirname,
      loader: 'ts',
    },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    outfile: join(folder, 'mask.cjs'),
    logLevel: 'error',
  });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

for (const kind of variants(KINDS, 1, 2)) {
  it(`${kind[0]}: not hundreds of bytes for each value`, () => {
    const end = execFileSync(
      process.execPath,
      [`--max-old-space-size=${HEAP}`, join(folder, 'mask.cjs'), JSON.stringify(kind)],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
    );
    expect(end).toContain(MASK);
  });
}

it('hides all from where more values than any program writes are undecided', () => {
  const many = 1_100_000;
  const text = `{"a":"shown","data":{${'"token":"hidden",'.repeat(many)}"b":1},"c":"hidden"}`;
  expect(maskBody(text, { essence: 'application/json', boundary: null })).toBe(
    `{"a":"shown","data":"${MASK}"`,
  );
});

it('is right where very many are decided', () => {
  const many = 200_000;
  const text = `[{"data":{"token":"hidden"}},${'{"token":"hidden","a":[1]},'.repeat(many)}"shown"]`;
  const masked = maskBody(text, { essence: 'application/json', boundary: null });
  expect(masked).toBe(text.replaceAll('"hidden"', `"${MASK}"`));
});
