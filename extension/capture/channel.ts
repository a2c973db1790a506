/** The socket to which the helper connects: in a folder that only this user can enter, for one connection. */
import { randomBytes } from 'node:crypto';
import { accessSync, constants, mkdirSync, rmSync, statSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { TraceError } from './trace.ts';

/**
 * A folder of this user that no other user can write to: XDG_RUNTIME_DIR or /run/user/UID, for root /run; in a
 * container, where these are often missing, the home folder. Never /tmp. What is made in it is removed as soon
 * as the helper has connected. Under sudo the environment may name folders of another user: these are ignored.
 * @throws TraceError when there is none.
 */
function privateDirectory(): string {
  const uid = process.geteuid?.() ?? 0;
  const candidates = [
    process.env['XDG_RUNTIME_DIR'],
    `/run/user/${uid}`,
    ...(uid === 0 ? ['/run'] : []),
    ...[homedir(), ...ownHome()].flatMap((home) => [join(home, '.cache'), home]),
  ];
  for (const candidate of candidates) {
    if (candidate === undefined || !candidate.startsWith('/')) continue;
    try {
      const status = statSync(candidate);
      const others = status.mode & 0o022;
      if (!status.isDirectory() || status.uid !== uid || others !== 0) continue;
      accessSync(candidate, constants.W_OK);
      return candidate;
    } catch {}
  }
  throw new TraceError(
    'helper',
    `There is no private folder for the helper's socket: set XDG_RUNTIME_DIR to a folder that only you can access.`,
  );
}

/** From the user database, whatever HOME says. */
function ownHome(): string[] {
  try {
    return [userInfo().homedir];
  } catch {
    return []; // No user database entry.
  }
}

export class Channel {
  #loaderEnded: Promise<TraceError> = new Promise(() => {});
  #onLoaderEnded: (how: TraceError) => void = () => {};
  readonly #directory: string;
  #server: Server;
  #socket: Socket | null = null;
  #onData: (piece: Uint8Array) => void = () => {};
  #onClose: () => void = () => {};
  #closed = false;

  private constructor(
    directory: string,
    readonly path: string,
    server: Server,
  ) {
    this.#directory = directory;
    this.#server = server;
    server.on('connection', (socket) => this.#accept(socket));
  }

  static async open(): Promise<Channel> {
    const directory = join(privateDirectory(), `http-trace-${randomBytes(8).toString('hex')}`);
    mkdirSync(directory, { mode: 0o700 });
    const path = join(directory, 'helper');
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
    return new Channel(directory, path, server);
  }

  /** How the process at the other end has ended: `Launched` of elevation/launch.ts. */
  get loaderEnded(): Promise<TraceError> {
    return this.#loaderEnded;
  }

  set loaderEnded(ended: Promise<TraceError>) {
    this.#loaderEnded = ended;
    void ended.then((how) => this.#onLoaderEnded(how));
  }

  /**
   * Replaces the previous listener, like the other setters: a handler on the promise itself would live as long as a
   * helper that is kept for further traces.
   */
  onLoaderEnded(listener: (how: TraceError) => void): void {
    this.#onLoaderEnded = listener;
  }

  onData(listener: (piece: Uint8Array) => void): void {
    this.#onData = listener;
  }

  /** False pauses reading, so the peer has to wait. */
  flow(open: boolean): void {
    if (open) this.#socket?.resume();
    else this.#socket?.pause();
  }

  /** Once, when the peer is gone or {@link close} was called. */
  onClose(listener: () => void): void {
    this.#onClose = listener;
  }

  write(bytes: Uint8Array): void {
    this.#socket?.write(bytes);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopListening();
    this.#socket?.destroy();
    this.#onClose();
  }

  #accept(socket: Socket): void {
    if (this.#socket !== null || this.#closed) {
      socket.destroy();
      return;
    }
    this.#socket = socket;
    // Only one connection is accepted, so the name in the file system is not needed any more.
    this.#stopListening();
    socket.on('data', (piece) => this.#onData(piece));
    socket.on('error', () => {});
    socket.on('close', () => this.close());
  }

  #stopListening(): void {
    this.#server.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
