/** The whole way of an ordinary user: sudo for the loader, nothing elevated afterwards. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Installed, NOBODY, whySkipped } from './rig.ts';

const reason = whySkipped();
const dist = resolve(import.meta.dirname, '../../dist');

describe.skipIf(reason !== null)(
  reason === null ? 'an ordinary user' : `an ordinary user (${reason})`,
  () => {
    let installed: Installed;
    let home = '';
    const paths: string[] = [];
    const server = createServer((request, response) => {
      paths.push(request.url ?? '');
      response.end('ok');
    });

    beforeAll(async () => {
      installed = new Installed();
      for (const name of ['http-trace', 'native/gate']) {
        copyFileSync(join(dist, name), join(installed.directory, name));
        chmodSync(join(installed.directory, name), 0o755);
      }
      home = join(installed.directory, 'home');
      mkdirSync(home, { mode: 0o700 });
      chownSync(home, NOBODY, NOBODY);
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    });
    afterAll(() => {
      server.close();
      installed.remove();
    });

    /** Runs http-trace as that user, where /etc/sudoers holds these lines; the system's own is not touched. */
    async function trace(
      sudoers: string,
      args: readonly string[],
    ): Promise<{ code: number; stdout: string; stderr: string }> {
      const file = join(installed.directory, 'sudoers');
      writeFileSync(file, `Defaults !use_pty\n${sudoers}\n`);
      chmodSync(file, 0o440);
      const script = `mount --bind ${file} /etc/sudoers && exec setpriv --reuid ${NOBODY} --regid ${NOBODY} --clear-groups env -i HOME=${home} PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"`;
      const command = [installed.node, join(installed.directory, 'http-trace'), ...args];
      const child = spawn('unshare', ['--mount', 'sh', '-c', script, 'sh', ...command], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let stdout = '';
      let stderr = '';
      child.stdout.on('data', (piece: Buffer) => {
        stdout += piece;
      });
      child.stderr.on('data', (piece: Buffer) => {
        stderr += piece;
      });
      const [code] = (await once(child, 'close')) as [number];
      return { code, stdout, stderr };
    }

    const url = (path: string): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;

    it('who may use sudo without a password traces at once', async () => {
      const { code, stdout, stderr } = await trace('nobody ALL=(root) NOPASSWD: ALL', [
        'run',
        '--format',
        'json',
        '--',
        'curl',
        '-s',
        '-o',
        '/dev/null',
        url('/by-sudo'),
      ]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const [exchange, summary] = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(exchange).toMatchObject({
        url: url('/by-sudo'),
        status: 200,
        side: 'client',
        process: { name: 'curl' },
      });
      expect(summary.summary).toMatchObject({ exchanges: 1, dropped: 0 });
    });

    it('and only its own processes', async () => {
      const { code, stderr } = await trace('nobody ALL=(root) NOPASSWD: ALL', [
        'attach',
        String(process.pid),
      ]);
      expect(code).toBe(1);
      expect(stderr).toMatch(/belongs to another user/);
    });

    it('who would have to be asked, with nobody there to ask, is told what to do, and the command is not run', async () => {
      const { code, stderr } = await trace('nobody ALL=(root) ALL', [
        'run',
        '--',
        'curl',
        '-s',
        url('/never'),
      ]);
      expect(code).toBe(125);
      expect(stderr).toMatch(/needs root.*sudo -v/);
      expect(paths).not.toContain('/never');
    });
  },
);
