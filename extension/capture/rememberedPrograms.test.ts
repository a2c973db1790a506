import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { TlsLibrary } from '../../helper/protocol.ts';
import { RememberedPrograms } from './rememberedPrograms.ts';

const folder = mkdtempSync(join(tmpdir(), 'remembered-'));
afterAll(() => rmSync(folder, { recursive: true }));

let count = 0;
const newFile = (): string => join(folder, `cache-${count++}`, 'http-trace', 'programs.json');

function library(path: string, more: Partial<TlsLibrary> = {}): TlsLibrary {
  return {
    ...{ kind: 'go', version: null, path, inExecutable: true, attached: true, returns: 'instructions' },
    ...{ reason: null, ...more },
  };
}

function trace(file: string, libraries: readonly TlsLibrary[]): string[] {
  const remembered = new RememberedPrograms(file);
  for (const one of libraries) remembered.saw({ pid: 1, libraries: [one] });
  remembered.save();
  return new RememberedPrograms(file).read();
}

describe('what a trace remembers', () => {
  it('Go programs, and libraries outside the folders of the system, if they were read', () => {
    const own: Partial<TlsLibrary> = { kind: 'openssl', inExecutable: false };
    const paths = trace(newFile(), [
      library('/home/me/bin/tool'),
      library('/home/me/venv/lib/libssl.so.3', own),
      library('/usr/lib/x86_64-linux-gnu/libssl.so.3', own),
      library('/lib64/libssl.so.3', own),
      library('/usr/local/lib/libssl.so.3', own),
      library('/usr/bin/node', { kind: 'openssl' }),
      library('/home/me/bin/old', { attached: false }),
      library('relative'),
    ]);
    expect(paths).toEqual(['/home/me/venv/lib/libssl.so.3', '/home/me/bin/tool']);
  });

  it('the last 16, over several traces, each once', () => {
    const file = newFile();
    trace(
      file,
      Array.from({ length: 20 }, (_, at) => library(`/a/${at}`)),
    );
    const paths = trace(file, [library('/a/10'), library('/b')]);
    expect(paths.slice(0, 4)).toEqual(['/b', '/a/10', '/a/19', '/a/18']);
    expect(paths).toHaveLength(16);
    expect(new Set(paths).size).toBe(16);
  });

  it('in a file for its owner only, of which nothing else is left', () => {
    const file = newFile();
    trace(file, [library('/a')]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(file, '..')).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(file, '..'))).toEqual(['programs.json']);
    expect(readFileSync(file, 'utf8')).toBe('["/a"]');
  });

  it('nothing without a file, or of a damaged one, which is written anew', () => {
    expect(new RememberedPrograms(null).read()).toEqual([]);
    for (const text of [
      '',
      '{',
      '{"a":1}',
      '[1,null,"relative","/a\\u0000b"]',
      `["/${'x'.repeat(2000)}"]`,
      ' '.repeat(70_000),
    ]) {
      const file = newFile();
      mkdirSync(join(file, '..'), { recursive: true });
      writeFileSync(file, text);
      expect(new RememberedPrograms(file).read()).toEqual([]);
      expect(trace(file, [library('/a')])).toEqual(['/a']);
    }
  });

  it('leaves a folder that cannot be written as it is', () => {
    const file = join('/proc/nowhere', 'programs.json');
    expect(trace(file, [library('/a')])).toEqual([]);
  });
});
