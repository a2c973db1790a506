import { appendFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { areEnds, connectionsOf } from './connections.ts';
import { isCommand, jobOf, localProcess, rubyDebuggeesBelow, tracedBelow } from './debuggeeProcesses.ts';
import type { ProcessEntry } from './processes.ts';

let proc = '';
beforeEach(() => {
  proc = mkdtempSync(join(tmpdir(), 'proc-'));
});
afterEach(() => rmSync(proc, { recursive: true }));

interface Made {
  readonly parent: number;
  readonly name?: string;
  readonly group?: number;
  readonly foreground?: number;
  readonly command?: readonly string[];
  readonly tracer?: number;
  readonly threadGroup?: number;
  readonly environment?: readonly string[];
  /** By their inodes: local and remote address of established ones, as in /proc/net/tcp; null: another socket. */
  readonly sockets?: Readonly<Record<number, string | null>>;
}

/** A process as /proc shows it. */
function make(pid: number, made: Made): void {
  const { parent, name = 'x', group = pid, foreground = -1, command = [name], tracer = 0 } = made;
  const folder = join(proc, String(pid));
  mkdirSync(folder);
  const fields = ['S', parent, group, 1, 34816, foreground, ...Array(13).fill(0), 100 + pid, 0];
  writeFileSync(join(folder, 'stat'), `${pid} (${name}) ${fields.join(' ')}`);
  writeFileSync(join(folder, 'cmdline'), command.map((arg) => `${arg}\0`).join(''));
  writeFileSync(join(folder, 'environ'), (made.environment ?? []).map((text) => `${text}\0`).join(''));
  writeFileSync(
    join(folder, 'status'),
    `Name:\t${name}\nTgid:\t${made.threadGroup ?? pid}\nTracerPid:\t${tracer}\n`,
  );
  mkdirSync(join(folder, 'fd'));
  mkdirSync(join(folder, 'net'));
  for (const file of ['tcp', 'tcp6'])
    writeFileSync(join(folder, 'net', file), '  sl  local_address rem_address\n');
  for (const [inode, addresses] of Object.entries(made.sockets ?? {})) {
    symlinkSync(`socket:[${inode}]`, join(folder, 'fd', inode));
    if (addresses === null) continue;
    const line = `   0: ${addresses} 01 00000000:00000000 00:00000000 00000000  1000        0 ${inode} 1 ffff 20 4\n`;
    appendFileSync(join(folder, 'net', addresses.length > 30 ? 'tcp6' : 'tcp'), line);
  }
}

describe("a terminal's job", () => {
  const shell = { parent: 1, name: 'bash', group: 10 };

  test('is not a child of an rc file, which is in the group of the shell', async () => {
    make(10, { ...shell, foreground: 10 });
    make(11, { parent: 10, name: 'lesspipe', group: 10, foreground: 10 });
    expect(await jobOf(10, [], proc)).toBeNull();
    expect(await jobOf(10, ['node', 'a.js'], proc)).toBeNull();
  });

  test('is the typed command, which is in the foreground', async () => {
    make(10, { ...shell, foreground: 12 });
    make(12, { parent: 10, name: 'npm', command: ['npm', 'start'], foreground: 12 });
    expect(await jobOf(10, [], proc)).toEqual({ pid: 12, sure: false });
    expect(await jobOf(10, ['yarn', 'start', 'x'], proc)).toEqual({ pid: 12, sure: false });
  });

  test('is recognised by its command line more surely than by its group', async () => {
    make(10, { ...shell, foreground: 10 });
    make(11, { parent: 10, name: 'env', command: ['env', 'A=1', 'node', 'b.js'], group: 10 });
    make(12, { parent: 11, name: 'node', command: ['/usr/bin/node', 'a.js'], group: 10 });
    expect(await jobOf(10, ['node', 'a.js'], proc)).toEqual({ pid: 12, sure: true });
  });

  test('does not exist when the shell is gone', async () => {
    expect(await jobOf(10, ['node', 'a.js'], proc)).toBeNull();
  });

  test.each<[string[], string[], boolean]>([
    [['/usr/bin/node', 'a.js'], ['node', 'a.js'], true],
    [['/usr/bin/python3', '/opt/tool', 'x'], ['/opt/tool', 'x'], true],
    [['node', 'a.js', 'more'], ['node', 'a.js'], false],
    [['bash', '--rcfile', 'x'], ['/bin/node'], false],
    [['/bin/prog'], ['./prog'], true],
    [[], ['node'], false],
    [[], ['node', 'a.js'], false],
    [['a.js'], ['node', 'a.js'], false],
  ])('%j is %j: %s', (commandLine, args, is) => {
    expect(isCommand(commandLine, args)).toBe(is);
  });
});

test('a debuggee is what a debugger of that name, or a thread of it, traces', async () => {
  make(10, { parent: 1, name: 'node' });
  make(11, { parent: 10, name: 'dlv' });
  make(12, { parent: 11, name: 'worker', threadGroup: 11 });
  make(13, { parent: 11, name: 'debuggee', tracer: 12 });
  make(14, { parent: 13, name: 'child' });
  make(20, { parent: 1, name: 'dlv' });
  make(21, { parent: 20, name: "another window's", tracer: 20 });
  make(22, { parent: 10, name: 'strace' });
  make(23, { parent: 22, name: 'straced', tracer: 22 });
  expect(await tracedBelow([10], /^dlv/, proc)).toEqual([13]);
  expect(await tracedBelow([10, 1], /^dlv/, proc)).toEqual([13, 21]);
});

describe("Ruby's debuggee", () => {
  const environment = ['LANG=C', 'RUBYOPT=-r /usr/lib/gems/debug-1.4.0/lib/debug/open'];

  test('is the first that has the variable of the debugger, whatever that starts', async () => {
    make(10, { parent: 1, name: 'node' });
    make(11, { parent: 10, name: 'ruby', environment });
    make(12, { parent: 11, name: 'ruby', environment: ['RUBYOPT=-w -r/usr/lib/debug/open_nonstop'] });
    make(14, { parent: 12, name: 'sh', environment });
    make(15, { parent: 14, name: 'ruby', environment });
    make(13, {
      parent: 10,
      name: 'ruby',
      environment: ['RUBYOPT=-r /usr/lib/nodebug/opener', 'RUBY_DEBUG_PORT=1'],
    });
    expect(await rubyDebuggeesBelow([10], 10, proc)).toEqual([11]);
  });

  test('is the newest, as one that was disconnected goes on', async () => {
    make(10, { parent: 1, name: 'node' });
    make(11, { parent: 10, name: 'ruby', environment });
    make(12, { parent: 10, name: 'ruby', environment });
    expect(await rubyDebuggeesBelow([10], 10, proc)).toEqual([12, 11]);
  });

  test('is what the editor is connected to, even if there are newer ones', async () => {
    make(10, { parent: 1, name: 'node', sockets: { 501: '0100007F:9000 0100007F:1F90' } });
    make(11, { parent: 10, name: 'ruby', environment, sockets: { 502: '0100007F:1F90 0100007F:9000' } });
    make(12, { parent: 10, name: 'ruby', environment, sockets: { 503: '0100007F:1F91 0100007F:9000' } });
    expect(await rubyDebuggeesBelow([10], 10, proc)).toEqual([11, 12]);
  });
});

test('the ends of connections of a process: TCP over IPv4 and IPv6, established', async () => {
  const six = '00000000000000000000000001000000';
  make(10, {
    parent: 1,
    sockets: { 501: '0100007F:9000 0100007F:1F90', 502: `${six}:9001 ${six}:1F91`, 503: null },
  });
  expect(await connectionsOf(10, proc)).toEqual([
    { local: '0100007F:9000', remote: '0100007F:1F90' },
    { local: `${six}:9001`, remote: `${six}:1F91` },
  ]);
  expect(await connectionsOf(11, proc)).toEqual([]);
});

test('ends of one connection have the same addresses, the other way round', () => {
  const one = { local: 'A:1', remote: 'B:2' };
  expect(areEnds(one, { local: 'B:2', remote: 'A:1' })).toBe(true);
  expect(areEnds(one, one)).toBe(false);
});

// A server on IPv6 that takes IPv4, too, has the client's address in its longer form.
test('an address of IPv4 in IPv6 is that of IPv4', () => {
  const mapped = (four: string) => `0000000000000000FFFF0000${four}`;
  expect(
    areEnds(
      { local: '0100007F:9000', remote: '0100007F:1F90' },
      { local: mapped('0100007F:1F90'), remote: mapped('0100007F:9000') },
    ),
  ).toBe(true);
});

describe('the process that a program says it is', () => {
  /** @param parents what it says, and what is there when this is looked at (null: no such process) */
  const found = (...parents: readonly (readonly [said: number | null, there: number | null])[]) => {
    let asked = 0;
    const answers = async function* () {
      for (const [parent] of parents) {
        asked++;
        yield { pid: 4242, parent };
      }
    };
    const entryOf = async (): Promise<ProcessEntry | null> => {
      const parent = parents[asked - 1]?.[1] ?? null;
      return parent === null ? null : ({ pid: 4242, parent } as ProcessEntry);
    };
    return localProcess(answers(), entryOf);
  };

  test('is here if its parent is the same', async () => {
    expect(await found([7, 7])).toBe(4242);
    expect(await found([null, 7])).toBe(4242);
    expect(await found()).toBeNull();
  });

  test('is here if its parent has ended between the answer and the look', async () => {
    expect(await found([7, 1], [1, 1])).toBe(4242);
  });

  test('is elsewhere if another process, or none, has its id', async () => {
    expect(await found([7, 1], [7, 1], [1, 1])).toBe('remote');
    expect(await found([7, null], [7, null])).toBe('remote');
    expect(await found([7, 1])).toBe('remote');
  });
});
