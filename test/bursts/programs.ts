/** The programs of a burst: servers that listen, clients that wait for the word, each with its process id. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../scripts/freePort.mjs';
import { assert, same } from '../kit/check.ts';
import { nginxIn } from '../kit/nginx.ts';
import { Child, PATIENCE_MS } from '../kit/process.ts';

/** A client that is started, and makes its calls on command. */
export class Client {
  readonly #child: Child;

  constructor(command: readonly string[]) {
    this.#child = new Child('sh', ['-c', 'read go && exec "$@"', 'sh', ...command]);
  }

  get pid(): number {
    return this.#child.pid;
  }

  /**
   * Resolves with its output when it has ended. @throws when it says that something failed
   * @param more milliseconds for which it is meant to run
   */
  async go(more = 0): Promise<string> {
    this.#child.killAfter(PATIENCE_MS + more);
    this.#child.endInput('go\n');
    const { code, stdout, stderr } = await this.#child.ended;
    same(`exit status of the client (${stderr.slice(-300)})`, code, 0);
    return stdout;
  }

  /** The same for h2load. @throws unless each of its calls succeeded */
  async load(): Promise<void> {
    const said = await this.go();
    const [, total, succeeded] = /requests: (\d+) total, .* (\d+) succeeded/.exec(said) ?? [];
    assert(total !== undefined && total === succeeded, `h2load: ${said.slice(0, 600)}`);
  }
}

export interface Server {
  readonly pids: readonly number[];
  readonly port: number;
}

/** A file with `count` paths, for h2load, each of its own; and those paths. */
export function paths(folder: string, port: number, count: number): { file: string; paths: string[] } {
  const made = Array.from({ length: count }, (_, n) => `/body?call=${n}`);
  const file = join(folder, `paths-${port}`);
  writeFileSync(file, made.map((path) => `http://127.0.0.1:${port}${path}\n`).join(''));
  return { file, paths: made };
}

/** Serves a file `body` of so many bytes, over HTTP/2 without TLS. */
export async function nghttpd(folder: string, size: number): Promise<Server> {
  const port = await freePort();
  const root = join(folder, `root-${port}`);
  mkdirSync(root);
  writeFileSync(join(root, 'body'), 'x'.repeat(size));
  const child = new Child('nghttpd', ['--no-tls', '--address=127.0.0.1', '-d', root, String(port)]);
  await answers(port);
  return { pids: [child.pid], port };
}

/** Answers everything with so many bytes. */
export async function nginx(folder: string, size: number): Promise<Server> {
  const port = await freePort();
  const http = `keepalive_requests 1000000; access_log off;
    server { listen 127.0.0.1:${port}; location / { return 200 "${'x'.repeat(size)}"; } }`;
  const child = Child.of(nginxIn(join(folder, `nginx-${port}`), http));
  await answers(port);
  return { pids: [child.pid], port };
}

/** peers/flood.mjs. */
export class Flood {
  readonly #child: Child;
  readonly port: number;

  private constructor(child: Child, port: number) {
    this.#child = child;
    this.port = port;
  }

  static async start(what: string): Promise<Flood> {
    const child = new Child(process.execPath, [join(import.meta.dirname, 'peers/flood.mjs'), what]);
    const [, , port] = (await child.line()).split(' ');
    return new Flood(child, Number(port));
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** For those that are the client as well: resolves when all has arrived. */
  async go(): Promise<void> {
    this.#child.killAfter(PATIENCE_MS);
    this.#child.write('go\n');
    const { code, stderr } = await this.#child.ended;
    same(`exit status (${stderr.slice(-300)})`, code, 0);
  }
}

async function answers(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const socket = connect(port, '127.0.0.1');
    const open = await new Promise((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (open) return;
    await sleep(50);
  }
  throw new Error(`the server on port ${port} does not answer`);
}
