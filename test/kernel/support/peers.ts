/** Real programs that talk HTTP and report what they sent and received. */
import { join } from 'node:path';
import { expect } from 'vitest';
import type { ExchangeJson } from '../../../extension/engine/exchangeJson.ts';
import { newId, type PeerReport, PYTHON, parseReports } from '../../kit/peers.ts';
import { Child } from '../../kit/process.ts';
import { PEERS } from './environment.ts';

export interface Plan {
  readonly method: string;
  readonly path: string;
  readonly id: string;
  /** Bytes of random body; none when absent. */
  readonly size?: number;
  readonly binary?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  readonly expect?: boolean;
}

/** An id that nobody can guess, in the path and in a field of every request. */
export function plan(method: string, kind: string, more: Partial<Plan> & { query?: string } = {}): Plan {
  const id = newId();
  const { query = '', ...rest } = more;
  return { method, path: `/${kind}/${id}${query}`, id, ...rest };
}

/** The reports that a peer has printed, which prints nothing else but JSON. */
export function reportsOf(text: string): PeerReport[] {
  const lines = text.split('\n').filter((line) => line !== '');
  expect(lines.filter((line) => !line.startsWith('{'))).toEqual([]);
  return parseReports(lines);
}

export const CLIENTS = {
  'Node http': (base: string) => [process.execPath, join(PEERS, 'client.mjs'), 'http', base],
  'Node fetch': (base: string) => [process.execPath, join(PEERS, 'client.mjs'), 'fetch', base],
  'Python requests': (base: string) => [PYTHON, join(PEERS, 'client.py'), 'requests', base],
  'Python aiohttp': (base: string) => [PYTHON, join(PEERS, 'client.py'), 'aiohttp', base],
} as const;

export const SERVERS = {
  'Node http': (host: string) => [process.execPath, join(PEERS, 'server.mjs'), host],
  'Python http.server': (host: string) => [PYTHON, join(PEERS, 'server.py'), 'http.server', host],
  'Python aiohttp': (host: string) => [PYTHON, join(PEERS, 'server.py'), 'aiohttp', host],
} as const;

export class Server {
  private constructor(
    private readonly child: Child,
    readonly port: number,
    readonly pid: number,
  ) {}

  /** Resolves when it listens. */
  static async start(command: readonly string[]): Promise<Server> {
    const child = Child.of(command);
    const { port, pid } = JSON.parse(await child.line());
    return new Server(child, port, pid);
  }

  static node(host = '127.0.0.1'): Promise<Server> {
    return Server.start(SERVERS['Node http'](host));
  }

  async said(): Promise<PeerReport> {
    return JSON.parse(await this.child.line());
  }

  /** Ends it; resolves with all its reports. */
  async end(): Promise<PeerReport[]> {
    this.child.endInput();
    return reportsOf((await this.child.ended).stdout);
  }
}

/** A client peer that is asked one plan after the other. */
export class Client {
  readonly child: Child;

  constructor(command: readonly string[]) {
    this.child = Child.of(command);
  }

  async ask(one: Plan): Promise<PeerReport> {
    this.child.write(`${JSON.stringify(one)}\n`);
    return JSON.parse(await this.child.line());
  }

  async end(): Promise<void> {
    this.child.endInput();
    await this.child.ended;
  }
}

/** The server's report, as it holds for a client that reports nothing itself: only the time is unknown. */
export function seenByClient(report: PeerReport, exchange: ExchangeJson): PeerReport {
  return { ...report, side: 'client', pid: exchange.process?.pid ?? 0, ms: Number.POSITIVE_INFINITY };
}
