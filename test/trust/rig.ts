/**
 * A requester that is not root: a small program under another user's id listens for the helper and passes the
 * bytes on to the test, which can then be any kind of client.
 */
import type { ChildProcess } from 'node:child_process';
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { release } from 'node:os';
import { join, resolve } from 'node:path';
import { decodeJson, FrameDecoder, HELPER_FRAMES } from '../../helper/frames.ts';
import { FrameType, MAX_FRAME } from '../../helper/protocol.ts';

/** An emulated machine takes its time. */
const SLOWNESS = process.env['HTTP_TRACE_EMULATED'] === undefined ? 1 : 6;
const FRAME_TIMEOUT_MS = 40_000 * SLOWNESS;
const GONE_TIMEOUT_MS = 60_000 * SLOWNESS;

/** `nobody`, which every Debian and Ubuntu has. */
export const NOBODY = 65_534;
const root = resolve(import.meta.dirname, '../..');
const dist = join(root, 'dist');

export function whySkipped(): string | null {
  if (process.getuid?.() !== 0) return 'needs root';
  if (!existsSync('/sys/kernel/btf/vmlinux')) return 'needs a kernel with BTF';
  if (!existsSync(join(dist, 'native/loader'))) return 'needs `npm run build`';
  return null;
}

/** Files that `nobody` can reach, wherever the checkout is. */
export class Installed {
  readonly directory = join('/run', `http-trace-test-${randomBytes(6).toString('hex')}`);
  readonly loader = join(this.directory, 'native/loader');
  readonly helper = join(this.directory, 'helper.js');
  readonly node: string;

  constructor() {
    mkdirSync(join(this.directory, 'native'), { recursive: true, mode: 0o755 });
    for (const name of ['native/loader', 'native/addon.node', 'helper.js']) {
      copyFileSync(join(dist, name), join(this.directory, name));
    }
    const reachable = ['/usr/bin/node', process.execPath].find(
      (candidate) => spawnSync(candidate, ['-v'], { uid: NOBODY, gid: NOBODY }).status === 0,
    );
    this.node = reachable ?? join(this.directory, 'node');
    if (reachable === undefined) {
      copyFileSync(process.execPath, this.node);
      chmodSync(this.node, 0o755);
    }
  }

  socketDirectory(owner: number, mode = 0o700): string {
    const path = join(this.directory, randomBytes(4).toString('hex'));
    mkdirSync(path);
    chmodSync(path, mode);
    chownSync(path, owner, owner);
    return path;
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

const LISTENER = `
const server = require('node:net').createServer((socket) => {
  process.stdin.pipe(socket); socket.pipe(process.stdout);
  socket.on('error', () => process.exit(0)); socket.on('close', () => process.exit(0));
});
server.listen(process.argv[1], () => process.stderr.write('listening\\n'));
`;

export interface Said {
  readonly type: FrameType;
  readonly json: Record<string, unknown> | null;
  readonly payload: Uint8Array;
}

/** A client of the helper, under the user id that is asked for. */
export class Requester {
  readonly frames: Said[] = [];
  readonly ended: Promise<void>;
  #listeners = new Set<() => void>();

  private constructor(
    readonly process: ChildProcess,
    readonly socket: string,
  ) {
    const decoder = new FrameDecoder(MAX_FRAME, HELPER_FRAMES);
    process.stdout?.on('data', (piece: Buffer) => {
      for (const { type, payload } of decoder.push(piece)) {
        const json = type === FrameType.Records ? null : decodeJson(payload);
        this.frames.push({ type, json, payload: payload.slice() });
      }
      for (const listener of this.#listeners) listener();
    });
    this.ended = new Promise((done) => process.once('exit', () => done()));
  }

  /** @param groups further ones of its user */
  static async listen(
    installed: Installed,
    directory: string,
    uid: number,
    groups: readonly number[] = [],
  ): Promise<Requester> {
    const socket = join(directory, 'helper');
    const user = ['--reuid', `${uid}`, '--regid', `${uid}`, '--groups', [uid, ...groups].join(',')];
    const child = spawn('setpriv', [...user, installed.node, '-e', LISTENER, socket], { stdio: 'pipe' });
    await new Promise<void>((done, failed) => {
      child.stderr?.once('data', () => done());
      child.once('exit', (code) => failed(new Error(`the listener ended with ${code}`)));
    });
    return new Requester(child, socket);
  }

  write(bytes: Uint8Array): void {
    this.process.stdin?.write(bytes);
  }

  /** The first frame for which `wanted` holds, also one that has come already. */
  async frame(wanted: (frame: Said) => boolean, timeoutMs = FRAME_TIMEOUT_MS): Promise<Said> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const found = this.frames.find(wanted);
      if (found !== undefined) return found;
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`no such frame; got ${JSON.stringify(this.frames.map((f) => f.json))}`);
      await new Promise<void>((again) => {
        const timer = setTimeout(again, left);
        const listener = (): void => {
          clearTimeout(timer);
          this.#listeners.delete(listener);
          again();
        };
        this.#listeners.add(listener);
      });
    }
  }
}

/** How the broker can attach here: uprobe_multi came with 6.6. */
const [major = 0, minor = 0] = release().split('.').map(Number);
export const TLS_WAYS: readonly ('multi' | 'perf')[] =
  major > 6 || (major === 6 && minor >= 6) ? ['multi', 'perf'] : ['perf'];

export interface LoaderRun {
  readonly process: ChildProcess;
  readonly result: Promise<{ readonly status: number | null; readonly stderr: string }>;
}

export function runLoader(
  installed: Installed,
  socket: string,
  environment: Record<string, string>,
  extra: readonly string[] = [],
): LoaderRun {
  const child = spawn(
    installed.loader,
    ['--socket', socket, '--node', installed.node, '--helper', installed.helper, ...extra],
    { env: environment, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let stderr = '';
  child.stderr?.on('data', (piece: Buffer) => {
    stderr += piece;
  });
  const result = new Promise<{ status: number | null; stderr: string }>((done) =>
    child.once('close', (status) => done({ status, stderr })),
  );
  return { process: child, result };
}

export function statusOf(pid: number): Map<string, string> {
  const lines = readFileSync(`/proc/${pid}/status`, 'utf8').split('\n');
  return new Map(lines.map((line) => [line.split(':\t')[0] ?? '', line.split(':\t')[1] ?? '']));
}

/** The programs behind the links that a helper holds. @throws when it holds none. */
export function programsOf(pid: number): string[] {
  const ids = readdirSync(`/proc/${pid}/fdinfo`).flatMap((descriptor) => {
    const path = `/proc/${pid}/fdinfo/${descriptor}`;
    if (!existsSync(path)) return []; // closed meanwhile
    const found = /^prog_id:\s*(\d+)$/m.exec(readFileSync(path, 'utf8'));
    return found?.[1] === undefined ? [] : [found[1]];
  });
  if (ids.length === 0) throw new Error(`process ${pid} holds no link to a program`);
  return ids;
}

/** Waits until none of these programs is in the kernel. @throws when they are still there. */
export async function programsGone(ids: readonly string[], timeoutMs = GONE_TIMEOUT_MS): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const left = ids.filter((id) => spawnSync('bpftool', ['prog', 'show', 'id', id]).status === 0);
    if (left.length === 0) return;
    if (Date.now() > deadline) throw new Error(`programs ${left.join(', ')} are still in the kernel`);
    await new Promise((later) => setTimeout(later, 50));
  }
}
