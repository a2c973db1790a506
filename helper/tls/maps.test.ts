import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { statAfterName } from '../procStat.ts';
import { parseCodeMappings, readCodeMappings, readMaps } from './maps.ts';

const MAPS = `\
00400000-00401000 r--p 00000000 08:01 100                                /usr/bin/my program
00401000-00500000 r-xp 00001000 08:01 100                                /usr/bin/my program
00600000-00601000 r-xp 00100000 08:01 100                                /usr/bin/my program
7f0000000000-7f0000100000 r-xp 00000000 fd:0a 18446744073709551615       /lib/libssl.so.3 (deleted)
7f0000200000-7f0000201000 rwxp 00000000 00:00 0
7f0000300000-7f0000301000 r-xp 00000000 00:00 0                          [vdso]
7f0000400000-7f0000401000 r-xp 00000000 08:02 100                        /a\\012b
7f0000500000-7f0000501000 rw-p 00000000 08:02 200                        /data
7f0000600000-7f0000601000 --xp 00000000 08:02 300 /execute-only
`;

const isZombie = (pid: number): boolean =>
  statAfterName(readFileSync(`/proc/${pid}/stat`, 'latin1')).startsWith('Z');

describe('mappings of a process', () => {
  it('name each file once whose code is in memory', () => {
    expect(parseCodeMappings(MAPS)).toEqual([
      {
        key: '08:01 100',
        inode: 100n,
        path: '/usr/bin/my program',
        written: '/usr/bin/my program',
        deleted: false,
        range: '00401000-00500000',
        executed: false,
      },
      {
        key: 'fd:0a 18446744073709551615',
        inode: 18446744073709551615n,
        path: '/lib/libssl.so.3',
        written: '/lib/libssl.so.3',
        deleted: true,
        range: '7f0000000000-7f0000100000',
        executed: false,
      },
      {
        key: '08:02 100',
        inode: 100n,
        path: '/a\nb',
        written: '/a\nb',
        deleted: false,
        range: '7f0000400000-7f0000401000',
        executed: false,
      },
      {
        key: '08:02 300',
        inode: 300n,
        path: '/execute-only',
        written: '/execute-only',
        deleted: false,
        range: '7f0000600000-7f0000601000',
        executed: false,
      },
    ]);
  });

  it('say which program is executed, also where its file was removed', () => {
    const executed = (program: string): (string | null)[] =>
      parseCodeMappings(MAPS, '', program).flatMap((one) => (one.executed ? [one.path] : []));
    expect(executed('/usr/bin/my program')).toEqual(['/usr/bin/my program']);
    expect(executed('/lib/libssl.so.3 (deleted)')).toEqual(['/lib/libssl.so.3']);
    expect(executed('/lib/libssl.so.3')).toEqual([]);
  });

  it('are as the process sees them, whatever its root folder is', () => {
    const maps = `\
1000-2000 r-xp 00000000 08:01 1 /srv/jail/usr/lib/libssl.so.3
2000-3000 r-xp 00000000 08:01 2 /srv/jailed/libc.so.6
3000-4000 r-xp 00000000 08:01 3 /srv/jail/srv/jail/program (deleted)
`;
    expect(parseCodeMappings(maps, '/srv/jail').map(({ path, written }) => [path, written])).toEqual([
      ['/usr/lib/libssl.so.3', '/srv/jail/usr/lib/libssl.so.3'],
      // Loaded before the process changed its root.
      ['/srv/jailed/libc.so.6', '/srv/jailed/libc.so.6'],
      ['/srv/jail/program', '/srv/jail/srv/jail/program'],
    ]);
  });

  it('never throw, whatever names there are', () => {
    const piece = fc.constantFrom(
      '1-2',
      ' ',
      'r-xp',
      '08:01',
      '1',
      '/',
      '\n',
      ' (deleted)',
      '\\012',
      'é',
      '\0',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        for (const { path } of parseCodeMappings(pieces.join(''))) expect(path[0]).toBe('/');
      }),
    );
  });

  it('are unknown for a process that ends while they are read', async () => {
    const child = spawn(process.execPath, ['-e', 'process.stdin.resume(); console.log("ready")'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const pid = child.pid ?? 0;
    expect(readMaps(pid)).toContain('[stack]');
    let pieces = 0;
    const ending = ((...args: Parameters<typeof readSync>) => {
      const count = readSync(...args);
      if (pieces++ === 0) {
        child.kill('SIGKILL');
        // Its memory is gone with the last of its threads; the first remains, as nobody waits for it while this loop runs.
        while (readdirSync(`/proc/${pid}/task`).length > 1 || !isZombie(pid)) {}
      }
      return count;
    }) as typeof readSync;
    expect(readMaps(pid, ending)).toBeNull();
    // The kernel gave a part.
    expect(pieces).toBeGreaterThan(1);
  });

  it('are empty for a process that does not exist', () => {
    expect(readCodeMappings(2 ** 22 + 1)).toEqual([]);
  });
});
