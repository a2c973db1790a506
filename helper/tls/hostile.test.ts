/** Libraries that are made to cost time: the helper reads what any process of its user has in memory. */
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cpuTime } from '../../extension/engine/testing/cpuTime.ts';
import { SSL_FUNCTIONS } from './functions.ts';
import { identify } from './libraries.ts';
import { loadDisassembler } from './returns.ts';
import { compile } from './testing.ts';

const folder = mkdtempSync(join(tmpdir(), 'http-trace-hostile-'));
beforeAll(loadDisassembler);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const NAMED = SSL_FUNCTIONS.filter(({ calledBy }) => calledBy === null);

/** Every function of OpenSSL's that has a name, with that body. */
function library(name: string, body: string): string {
  const functions = NAMED.map(
    ({ symbol }) =>
      `.globl ${symbol}\n.type ${symbol}, @function\n${symbol}:\n${body}\n.size ${symbol}, . - ${symbol}\n`,
  );
  const source = `__asm__(${JSON.stringify(`.text\n${functions.join('')}`)});`;
  return compile(source, join(folder, `${name}.so`), '-shared', '-fPIC', '-nostdlib');
}

describe.skipIf(process.arch !== 'x64')('a library of', () => {
  it.each([
    ['4 MB of returns', `.fill ${4 * 1024 * 1024 + 1}, 1, 0xc3`],
    ['as many returns as a function may have', '.fill 65000, 1, 0xc3'],
    ['jumps to elsewhere', '.rept 10000\njmp . + 0x100000\n.endr\nret'],
    ['jumps to the next instruction', '.rept 30000\n.byte 0xeb, 0\n.endr\nret'],
    ['nothing that an instruction is', '.fill 65000, 1, 0x06'],
  ])('%s is looked at within two seconds of processor time, and has its probes', (name, body) => {
    const descriptor = openSync(library(name.replaceAll(' ', '-'), body), 'r');
    const found: ReturnType<typeof identify>[] = [];
    expect(cpuTime(() => found.push(identify(descriptor)))).toBeLessThan(2_000);
    closeSync(descriptor);
    const entries = found[0]?.probes.filter(({ kind }) => kind === 'entry') ?? [];
    expect(entries).toHaveLength(NAMED.length);
  });
});
