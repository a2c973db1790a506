/** Real programs that talk HTTP and say what they sent and received. */
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { ExchangeJson, MessageJson } from '../../../extension/engine/exchangeJson.ts';
import { Child } from './child.ts';
import { PEERS, PYTHON } from './environment.ts';

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

/** What a peer recorded of one exchange. Hashes are of the bodies without content coding. */
export interface Said {
  readonly side: 'client' | 'server';
  readonly pid: number;
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly answer: string | null;
  readonly requestSize: number;
  readonly requestSha: string;
  /** Bytes of the body as sent, after transfer decoding; null where the peer does not know. */
  readonly responseSize: number | null;
  readonly responseSha: string;
  readonly localPort: number | null;
  /** As the peer's own clock has it, around everything that it did for the exchange. */
  readonly ms: number;
}

/** An id that nobody can guess, in the path and in a field of every request. */
export function plan(method: string, kind: string, more: Partial<Plan> & { query?: string } = {}): Plan {
  const id = randomBytes(12).toString('hex');
  const { query = '', ...rest } = more;
  return { method, path: `/${kind}/${id}${query}`, id, ...rest };
}

export function parseSaid(text: string): Said[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line)).filter((value) => 'id' in value);
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
    const [program = '', ...args] = command;
    const child = new Child(program, args);
    const { port, pid } = JSON.parse(await child.line());
    return new Server(child, port, pid);
  }

  static node(host = '127.0.0.1'): Promise<Server> {
    return Server.start(SERVERS['Node http'](host));
  }

  async said(): Promise<Said> {
    return JSON.parse(await this.child.line());
  }

  /** Ends it; resolves with all that it said. */
  async end(): Promise<Said[]> {
    this.child.endInput();
    return parseSaid((await this.child.ended).stdout);
  }
}

/** A client peer that is asked one plan after the other. */
export class Client {
  readonly child: Child;

  constructor(command: readonly string[]) {
    const [program = '', ...args] = command;
    this.child = new Child(program, args);
  }

  async ask(one: Plan): Promise<Said> {
    this.child.write(`${JSON.stringify(one)}\n`);
    return JSON.parse(await this.child.line());
  }

  async end(): Promise<void> {
    this.child.endInput();
    await this.child.ended;
  }
}

export function sha(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function bodyOf(message: MessageJson | null): Buffer {
  const body = message?.body ?? null;
  if (body === null) return Buffer.alloc(0);
  return 'text' in body ? Buffer.from(body.text) : Buffer.from(body.base64, 'base64');
}

/** Values of a field, by its case-insensitive name. */
export function field(message: MessageJson | null, name: string): string[] {
  const found = message?.headers.filter(([n]) => n?.toLowerCase() === name.toLowerCase()) ?? [];
  return found.map(([, value]) => value ?? '');
}

/** The exchange whose request carries this id, seen from this side. @throws unless there is exactly one */
export function find(
  exchanges: readonly ExchangeJson[],
  id: string,
  side: 'client' | 'server',
): ExchangeJson {
  const found = exchanges.filter((e) => e.side === side && field(e.request, 'X-Trace-Id').includes(id));
  const [exchange] = found;
  if (found.length !== 1 || exchange === undefined) {
    const urls = exchanges.map((e) => `${e.side} ${e.method} ${e.url}`).slice(0, 50);
    throw new Error(
      `${found.length} exchanges of the ${side} have the id ${id}; there are:\n${urls.join('\n')}`,
    );
  }
  return exchange;
}

/** What the server said, as it holds for a client that says nothing itself; only the time is unknown then. */
export function seenByClient(said: Said, exchange: ExchangeJson): Said {
  return { ...said, side: 'client', pid: exchange.process?.pid ?? 0, ms: Number.POSITIVE_INFINITY };
}

/** How much longer than the peer's own measure a duration may be: timers of a busy machine. */
const SLACK_MS = 50;

/** The exchange says what the peer says. `whole`: the bodies were captured to the end. */
export function expectSame(exchange: ExchangeJson, said: Said, whole = true): void {
  expect(said).not.toHaveProperty('error');
  expect({
    side: exchange.side,
    pid: exchange.process?.pid,
    method: exchange.method,
    status: exchange.status,
    ids: field(exchange.request, 'X-Trace-Id'),
    answers: field(exchange.response, 'X-Answer'),
    requestSize: exchange.request?.bodySize,
    violations: exchange.violations,
  }).toEqual({
    side: said.side,
    pid: said.pid,
    method: said.method,
    status: said.status,
    ids: [said.id],
    answers: said.answer === null ? [] : [said.answer],
    requestSize: said.requestSize,
    violations: [],
  });
  expect(new URL(exchange.url ?? '').pathname + new URL(exchange.url ?? '').search).toBe(said.path);
  if (said.responseSize !== null) expect(exchange.response?.bodySize).toBe(said.responseSize);
  if (said.localPort !== null) expect(exchange.connection.local).toMatch(new RegExp(`:${said.localPort}$`));
  if (!whole) return;
  expect(exchange.completeness).toEqual(['complete']);
  expect(exchange.request?.bodyNote).toBeNull();
  expect(exchange.response?.bodyNote).toBeNull();
  expect(sha(bodyOf(exchange.request))).toBe(said.requestSha);
  expect(sha(bodyOf(exchange.response))).toBe(said.responseSha);
  expect(exchange.durationMs).not.toBeNull();
  if (said.side === 'client') expect(exchange.durationMs).toBeLessThanOrEqual(said.ms + SLACK_MS);
}
