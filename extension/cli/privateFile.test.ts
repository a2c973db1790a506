import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PrivateFile } from './privateFile.ts';

let folder = '';
let file = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'private-file-'));
  file = join(folder, 'calls.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true }));

const bytes = Buffer.from('captured\n');
const modeOf = (path: string): number => statSync(path).mode & 0o777;

describe('a file', () => {
  it('has its name when it is whole, and until then one that says what it is', () => {
    writeFileSync(file, 'older', { mode: 0o644 });
    const written = PrivateFile.open(file);
    written.write(bytes);
    expect(readFileSync(file, 'utf8')).toBe('older');
    expect(readFileSync(`${file}.partial`, 'utf8')).toBe('captured\n');
    expect(modeOf(`${file}.partial`)).toBe(0o600);
    written.commit();
    expect(readdirSync(folder)).toEqual(['calls.jsonl']);
    expect(readFileSync(file, 'utf8')).toBe('captured\n');
    expect(modeOf(file)).toBe(0o600);
  });

  it('that is discarded leaves nothing, and what was there', () => {
    writeFileSync(file, 'older');
    const written = PrivateFile.open(file);
    written.write(bytes);
    written.discard();
    expect(readdirSync(folder)).toEqual(['calls.jsonl']);
    expect(readFileSync(file, 'utf8')).toBe('older');
  });

  it('does not touch the partial file of another trace, and never writes through a link', () => {
    const precious = join(folder, 'precious');
    writeFileSync(precious, 'precious');
    writeFileSync(`${file}.partial`, 'killed');
    symlinkSync(precious, `${file}.partial-2`);
    symlinkSync(join(folder, 'nowhere'), `${file}.partial-3`);
    const written = PrivateFile.open(file);
    written.write(bytes);
    written.commit();
    expect(readFileSync(precious, 'utf8')).toBe('precious');
    expect(readFileSync(`${file}.partial`, 'utf8')).toBe('killed');
    expect(existsSync(join(folder, 'nowhere'))).toBe(false);
    expect(readFileSync(file, 'utf8')).toBe('captured\n');
  });

  it('is not written where a link leads to', () => {
    const precious = join(folder, 'precious');
    writeFileSync(precious, 'precious');
    symlinkSync(precious, file);
    expect(() => PrivateFile.open(file)).toThrow('it is a link, and links are not followed');
    // Put there meanwhile, it is replaced.
    rmSync(file);
    const written = PrivateFile.open(file);
    symlinkSync(precious, file);
    written.write(bytes);
    written.commit();
    expect(readFileSync(precious, 'utf8')).toBe('precious');
    expect(readFileSync(file, 'utf8')).toBe('captured\n');
  });

  it('is refused at once if it could not be renamed', () => {
    expect(() => PrivateFile.open(folder)).toThrow('it is a folder');
    expect(() => PrivateFile.open(join(folder, 'none', 'x'))).toThrow('does not exist');
    expect(() => PrivateFile.open(join(folder, 'x'.repeat(300)))).toThrow('the name is too long');
  });

  it('with a long name has a shorter one until it is whole', () => {
    const long = join(folder, `${'ä'.repeat(120)}.jsonl`);
    const written = PrivateFile.open(long);
    written.commit();
    expect(existsSync(long)).toBe(true);
  });

  it('whose name is taken meanwhile is kept, and the message says where', () => {
    const written = PrivateFile.open(file);
    written.write(bytes);
    mkdirSync(file);
    expect(() => written.commit()).toThrow(`it is kept as "${file}.partial"`);
    expect(readFileSync(`${file}.partial`, 'utf8')).toBe('captured\n');
  });

  it.runIf(process.getuid?.() === 0)('of another user in a shared folder is refused at once', () => {
    const shared = join(folder, 'shared');
    mkdirSync(shared);
    chmodSync(folder, 0o755);
    chmodSync(shared, 0o1777);
    writeFileSync(join(shared, 'x'), 'root', { mode: 0o666 });
    chmodSync(join(shared, 'x'), 0o666);
    const [status, message] = asNobody(join(shared, 'x'));
    expect(message).toContain('it belongs to another user');
    expect(status).toBe(1);
    execFileSync('mkfifo', ['-m', '666', join(shared, 'pipe')]);
    execFileSync('chown', ['65533', join(shared, 'pipe')]);
    expect(asNobody(join(shared, 'pipe'))[1]).toContain('it is a pipe of another user');
  });
});

/** Opens it as an ordinary user, in a process of its own. */
function asNobody(path: string): [status: number | null, message: string] {
  const script = `
    const { PrivateFile } = await import(${JSON.stringify(join(import.meta.dirname, 'privateFile.ts'))});
    process.setgroups([]); process.setgid(65534); process.setuid(65534);
    try { PrivateFile.open(${JSON.stringify(path)}); } catch (error) { console.log(error.message); process.exit(1); }`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--experimental-transform-types', '--input-type=module', '-e', script],
    { encoding: 'utf8' },
  );
  return [status, stdout + stderr];
}

describe('a device, a pipe or a descriptor', () => {
  it('is written to as it is', () => {
    const written = PrivateFile.open('/dev/null');
    written.write(bytes);
    written.commit();
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
  });

  it('says that it is full', () => {
    const written = PrivateFile.open('/dev/full');
    expect(() => written.write(bytes)).toThrow('ENOSPC');
    written.write(bytes);
    written.commit();
  });

  it('a pipe', () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    // Both ends, so that opening it does not wait.
    const both = openSync(pipe, 'r+');
    const written = PrivateFile.open(pipe);
    written.write(bytes);
    written.commit();
    closeSync(both);
    expect(statSync(pipe).isFIFO()).toBe(true);
  });

  it('a descriptor goes on where it is, and stays open', () => {
    writeFileSync(file, 'before\n');
    const descriptor = openSync(file, 'a');
    for (const name of ['/dev/fd', '/proc/self/fd']) {
      const written = PrivateFile.open(`${name}/${descriptor}`);
      written.write(bytes);
      written.commit();
    }
    closeSync(descriptor);
    expect(readFileSync(file, 'utf8')).toBe('before\ncaptured\ncaptured\n');
    expect(() => PrivateFile.open('/dev/fd/999')).toThrow('it is not open for writing');
  });
});
