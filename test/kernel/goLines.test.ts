/** Source lines of Go programs, without a debugger or a hook in the program. */
import { execFileSync } from 'node:child_process';
import { closeSync, copyFileSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { GoLines } from '../../extension/capture/goLines.ts';
import type { ExchangeJson } from '../../extension/engine/exchangeJson.ts';
import { ElfError, ElfFile } from '../../helper/tls/elf.ts';
import { Child } from '../kit/process.ts';
import { variants } from '../kit/tier.mjs';
import { CallTracing, describeTraced, PEERS, temporaryFolder, tracingIn } from './support/environment.ts';

const folder = temporaryFolder();
const context = tracingIn(folder);
const SOURCE = join(PEERS, 'golines');

/** How the program is built, and what the paths in it begin with. */
const BUILDS = {
  plain: { options: [], root: `${SOURCE}/` },
  'not optimised': { options: ['-gcflags=-N -l'], root: `${SOURCE}/` },
  'stripped, with -trimpath': {
    options: ['-trimpath', '-ldflags=-s -w'],
    root: 'example.test/golines/',
  },
  'loaded anywhere': { options: ['-buildmode=pie'], root: `${SOURCE}/` },
} as const;

/** The line that the call was made on, as the program itself has put it into the path. */
function lineInUrl({ url }: ExchangeJson): number {
  return Number(new URL(url ?? '').pathname.split('/').at(-1));
}

/** The program as Go builds it by itself, once for all tests. */
let usual: string | null = null;
function built(): string {
  if (usual === null) {
    const program = join(folder, 'usual');
    execFileSync('go', ['build', '-o', program, '.'], { cwd: SOURCE });
    usual = program;
  }
  return usual;
}

function kindOf({ protocol, connection, url }: ExchangeJson): string {
  return `${protocol} ${connection.transport} ${new URL(url ?? '').protocol}`;
}

describeTraced('source lines of Go', () => {
  // Each of the others compiles Go's standard library anew.
  it.each(variants(Object.entries(BUILDS)))(
    'every call has the line that made it: %s',
    async (name, build) => {
      const program = name === 'plain' ? built() : join(folder, name.replaceAll(/\W/g, ''));
      if (name !== 'plain') {
        execFileSync('go', ['build', ...build.options, '-o', program, '.'], { cwd: SOURCE });
      }
      const trace = await CallTracing.run(context, [program]).result();
      const calls = trace.exchanges.filter(({ side, method }) => side === 'client' && method !== null);
      expect(calls.length).toBe(Number(trace.ended.stdout.trim()));
      expect(new Set(calls.map(lineInUrl)).size).toBeGreaterThan(20);
      expect(new Set(calls.map(kindOf))).toEqual(
        new Set(['HTTP/1.1 tcp http:', 'HTTP/1.1 tcp https:', 'HTTP/2 tcp https:', 'HTTP/1.1 unix http:']),
      );
      const shown = calls.map((call) => ({ url: call.url, line: call.debug?.source?.line }));
      expect(shown).toEqual(calls.map((call) => ({ url: call.url, line: lineInUrl(call) })));
      for (const { debug } of calls) {
        expect(debug?.source?.path.startsWith(build.root)).toBe(true);
        expect(debug).toMatchObject({ session: null, source: { column: null } });
      }
      const deep = calls.find(({ url }) => url?.includes('/deep/'))?.debug?.source;
      expect(deep?.function).toBe('main.deep');
      expect(deep?.stack.length).toBeGreaterThan(20);
      const inner = calls.find(({ url }) => url?.includes('/interface/'))?.debug?.source;
      expect(inner?.path).toBe(`${build.root}shop/shop.go`);
      expect(inner?.stack.slice(0, 2).map(({ function: of }) => of)).toEqual([
        'example.test/golines/shop.Store.Get',
        'main.all',
      ]);
      const server = trace.exchanges.filter(({ side }) => side === 'server');
      expect(server.every(({ debug }) => debug === null)).toBe(true);
    },
  );

  it('a program that was running before has lines too', async () => {
    const child = new Child(built(), ['wait']);
    await child.untilStdout('ready');
    const tracing = await CallTracing.attach(context, [child.pid]);
    child.write('\n');
    await child.ended;
    const trace = await tracing.result();
    const calls = trace.exchanges.filter(({ side, method }) => side === 'client' && method !== null);
    expect(calls.length).toBeGreaterThan(100);
    for (const call of calls) {
      const line = call.debug?.source?.line;
      expect({ url: call.url, line }).toEqual({ url: call.url, line: lineInUrl(call) });
    }
  });

  it('a damaged table of functions gives frames or an ElfError, and ends', () => {
    const program = join(folder, 'damaged');
    copyFileSync(built(), program);
    const descriptor = openSync(program, 'r+');
    const elf = ElfFile.read(descriptor);
    const [table, code] = ['.gopclntab', '.text'].map((name) => elf.section(name));
    if (table == null || code == null) throw new Error('no sections');
    let seed = 1;
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return seed % below;
    };
    let read = 0;
    let refused = 0;
    const value = Buffer.alloc(4);
    const before = Buffer.alloc(4);
    for (let round = 0; round < 3_000; round++) {
      // Half of them in the header.
      const at = table.offset + random(round % 2 === 0 ? 72 : table.size - 4);
      readSync(descriptor, before, 0, 4, at);
      value.writeUInt32LE(random(2 ** 31) * (round % 3 === 0 ? 2 : 1));
      writeSync(descriptor, value, 0, 4, at);
      try {
        new GoLines(ElfFile.read(descriptor)).framesOf(code.address + random(code.size));
        read++;
      } catch (error) {
        if (!(error instanceof ElfError)) throw error;
        refused++;
      }
      writeSync(descriptor, before, 0, 4, at);
    }
    closeSync(descriptor);
    expect(read).toBeGreaterThan(100);
    expect(refused).toBeGreaterThan(100);
  });

  it('without the probes for TLS there are calls, and no lines', async () => {
    const trace = await CallTracing.run({ ...context, tls: 'none' }, [built()]).result();
    const calls = trace.exchanges.filter(({ side, method }) => side === 'client' && method !== null);
    expect(calls.length).toBeGreaterThan(100);
    expect(calls.every(({ debug }) => debug === null)).toBe(true);
  });
});
