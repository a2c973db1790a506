import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { seeds } from './seeds.ts';

const folder = mkdtempSync(join(tmpdir(), 'seeds-'));
afterAll(() => rmSync(folder, { recursive: true }));

const [SERVER, HOST, PTY_HOST, STRANGER] = [100, 120, 130, 140];

/** A /proc. @param children of the server, by its threads; null: a kernel without these lists */
function procWith(name: string, terminal: string, children: readonly string[] | null): string {
  const proc = join(folder, name);
  const add = (pid: number, parent: number, command: string) => {
    mkdirSync(join(proc, `${pid}/task/${pid}`), { recursive: true });
    writeFileSync(
      join(proc, `${pid}/stat`),
      `${pid} (a (b) c) S ${parent} 7 7 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 9 1 2`,
    );
    writeFileSync(join(proc, `${pid}/cmdline`), command.split(' ').join('\0'));
  };
  add(SERVER, 1, 'node server-main.js');
  add(HOST, SERVER, 'node bootstrap-fork --type=extensionHost');
  add(PTY_HOST, SERVER, terminal);
  // Of that name, but of another server.
  add(STRANGER, 1, 'node bootstrap-fork --type=ptyHost');
  for (const [index, list] of (children ?? []).entries()) {
    mkdirSync(join(proc, `${SERVER}/task/${SERVER + index}`), { recursive: true });
    writeFileSync(join(proc, `${SERVER}/task/${SERVER + index}/children`), list);
  }
  return proc;
}

test.each([
  ['by the lists of its threads', [`${HOST} `, `${PTY_HOST} `]],
  ['where the kernel has no lists', null],
])('the extension host, and the host of the terminals beside it: %s', async (name, children) => {
  const proc = procWith(name, 'node bootstrap-fork --type=ptyHost', children);
  expect(await seeds(HOST, proc)).toEqual([HOST, PTY_HOST]);
});

test.each([
  ['none yet', [`${HOST} ${PTY_HOST} `]],
  ['none yet, no lists', null],
])('without a host of terminals, who will start it: %s', async (name, children) => {
  const proc = procWith(name, 'node bootstrap-fork --type=fileWatcher', children);
  expect(await seeds(HOST, proc)).toEqual([HOST, SERVER]);
});

test('a process that is not there is the only one', async () => {
  expect(await seeds(99, procWith('gone', '', null))).toEqual([99]);
});
