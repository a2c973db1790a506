import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { runs } from '../../test/kit/runs.ts';
import { readDynamic } from './dynamic.ts';
import { ElfError, ElfFile } from './elf.ts';
import { ExpectedLibraries } from './expectedLibraries.ts';
import { compile } from './testing/binaries.ts';

// Compiling takes long on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'http-trace-expected-')));
afterAll(() => rmSync(folder, { recursive: true }));

function makeFolder(...names: string[]): string {
  const path = join(folder, ...names);
  mkdirSync(path, { recursive: true });
  return path;
}

function emptyFile(...names: string[]): string {
  const path = join(folder, ...names);
  writeFileSync(path, '');
  return path;
}

/** Without this option the linker drops libraries from which nothing is used. */
const NEEDED = '-Wl,--no-as-needed';

function makeLibrary(path: string, ...words: string[]): string {
  return compile('void nothing(void) {}', path, '-shared', '-fPIC', NEEDED, ...words);
}

/** One of the two forms; the other is `$ORIGIN`. */
const ORIGIN = '$'.concat('{ORIGIN}');

/** app/bin/program → app/private/libown.so → app/private/deep/libssl.so.9, and libplain.so by its path */
const bin = makeFolder('app', 'bin');
const own = makeFolder('app', 'private');
const deep = makeFolder('app', 'private', 'deep');
makeFolder('app', 'lib');
const elsewhere = makeFolder('elsewhere');
const ssl = makeLibrary(join(deep, 'libssl.so.9'), '-Wl,-soname,libssl.so.9');
const inner = makeLibrary(join(own, 'libown.so'), '-Wl,-soname,libown.so', '-Wl,-rpath,$ORIGIN/deep', ssl);
const byPath = makeLibrary(join(elsewhere, 'libplain.so'));
const program = compile(
  'int main(void) { return 0; }',
  join(bin, 'program'),
  ...[NEEDED, inner, byPath, `-Wl,-rpath,${ORIGIN}/../private:/nowhere`, `-Wl,-rpath-link,${deep}`],
);
const gnutls = emptyFile('app', 'lib', 'libgnutls.so.30');
emptyFile('app', 'lib', 'libgnutls.a');
const crypto = emptyFile('elsewhere', 'libcrypto.so.1.1');

describe('the libraries that a program is likely to load', () => {
  it('are its dependencies and theirs from their RUNPATH, and the TLS libraries of its installation prefix', () => {
    const expected = new ExpectedLibraries();
    const found = expected.of({ path: program, view: '', root: '', libraryPath: '' });
    // Names of TLS libraries come first. The system's C library is not among them.
    expect(found.slice(0, 2).sort()).toEqual([gnutls, ssl].sort());
    expect(found.slice(2).sort()).toEqual([byPath, inner].sort());
  });

  it('include those in the folders of LD_LIBRARY_PATH', () => {
    const expected = new ExpectedLibraries();
    const without = expected.of({ path: program, view: '', root: '', libraryPath: 'here:' });
    const found = expected.of({ path: program, view: '', root: '', libraryPath: `here:${elsewhere}` });
    expect(found.filter((path) => !without.includes(path))).toEqual([crypto]);
  });

  it("include the system's rarer ones that plugins need, which lie in a folder of the program's name", () => {
    const root = join(folder, 'plugins');
    const modules = makeFolder('plugins', 'usr', 'lib', 'httpd', 'modules');
    makeFolder('plugins', 'usr', 'sbin');
    const nss = makeLibrary(join(root, 'usr/lib/libssl3.so'), '-Wl,-soname,libssl3.so');
    makeLibrary(join(modules, 'mod_nss.so'), nss, byPath);
    for (const name of ['httpd', 'other'])
      compile('int main(void) { return 0; }', join(root, 'usr/sbin', name));
    const expected = new ExpectedLibraries();
    const inside = { view: '', root, libraryPath: '' };
    expect(expected.of({ path: '/usr/sbin/httpd', ...inside })).toEqual([nss]);
    expect(expected.of({ path: '/usr/sbin/other', ...inside })).toEqual([]);
  });

  it('are looked for again when the program has changed', () => {
    const expected = new ExpectedLibraries();
    const path = compile('int main(void) { return 0; }', join(bin, 'changing'));
    expect(expected.of({ path, view: '', root: '', libraryPath: '' })).toEqual([gnutls]);
    compile('int main(void) { return 1; }', path, NEEDED, byPath);
    expect(expected.of({ path, view: '', root: '', libraryPath: '' })).toEqual([gnutls, byPath]);
  });

  it("include the system's libraries in a container", () => {
    // Another root, as /proc/PID/root leads to.
    makeFolder('root', 'usr', 'lib');
    const its = emptyFile('root', 'usr', 'lib', 'libssl.so.3');
    makeFolder('root', 'usr', 'bin');
    compile('int main(void) { return 0; }', join(folder, 'root', 'usr', 'bin', 'program'));
    const expected = new ExpectedLibraries();
    const inside = { path: '/usr/bin/program', view: 'container', libraryPath: '' };
    expect(expected.of({ ...inside, root: join(folder, 'root') })).toEqual([its]);
    // Another process in the same container: the same files, through that process's root.
    symlinkSync(join(folder, 'root'), join(folder, 'also'));
    expect(expected.of({ ...inside, root: join(folder, 'also') })).toEqual([
      join(folder, 'also/usr/lib/libssl.so.3'),
    ]);
  });

  it('are empty for a missing program, and only the prefix for a file that is not a program', () => {
    const expected = new ExpectedLibraries();
    expect(expected.of({ path: join(bin, 'missing'), view: '', root: '', libraryPath: '' })).toEqual([]);
    expect(
      expected.of({ path: emptyFile('app', 'bin', 'empty'), view: '', root: '', libraryPath: '' }),
    ).toEqual([gnutls]);
  });
});

describe('the dynamic section', () => {
  function read(path: string): ReturnType<typeof readDynamic> {
    const descriptor = openSync(path, 'r');
    try {
      return readDynamic(ElfFile.read(descriptor));
    } finally {
      closeSync(descriptor);
    }
  }

  it('holds the dependencies, and the folders in which they are looked for', () => {
    const { needed, folders } = read(program);
    expect(needed.slice(0, 2)).toEqual(['libown.so', byPath]);
    expect(needed).toContain('libc.so.6');
    expect(folders).toEqual([`${ORIGIN}/../private`, '/nowhere']);
  });

  it('throws only ElfError when the file is damaged', () => {
    const whole = readFileSync(inner);
    const damaged = join(folder, 'damaged');
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat({ max: whole.length - 4 }), fc.nat({ max: 0xffffffff })), { minLength: 1 }),
        fc.nat({ max: whole.length }),
        (changes, length) => {
          const bytes = Buffer.from(whole);
          for (const [at, value] of changes) bytes.writeUInt32LE(value, at);
          writeFileSync(damaged, bytes.subarray(0, length % 3 === 0 ? length : whole.length));
          try {
            read(damaged);
          } catch (error) {
            expect(error).toBeInstanceOf(ElfError);
          }
        },
      ),
      { numRuns: runs(400) },
    );
  });
});
