/** The other end of every traced peer: in this process, untraced. It records what it sent and received. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { Agent, createServer, request } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { sha } from '../kit/peers.ts';
import type { Step, Version } from './plan.ts';

/** What went over the wire for one id, as this end saw it; addresses from the view of the other end. */
export interface Truth {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly answer: string;
  readonly requestSize: number;
  readonly requestSha: string;
  readonly responseSize: number;
  readonly responseSha: string;
  readonly local: string;
  readonly remote: string;
  readonly version: Version | null;
  readonly alpn: string | null;
  /** null: not known, as when a session is resumed. */
  readonly serverName: string | null;
}

const PATIENCE_MS = 120_000;

function versionOf(socket: TLSSocket): Version {
  return socket.getProtocol() === 'TLSv1.2' ? '1.2' : '1.3';
}

function ends(socket: Socket): [peer: string, own: string] {
  const plain = (address: string | undefined): string => (address ?? '').replace(/^::ffff:/, '');
  return [
    `${plain(socket.remoteAddress)}:${socket.remotePort}`,
    `${plain(socket.localAddress)}:${socket.localPort}`,
  ];
}

export interface ServerOptions {
  readonly version: Version;
  readonly mutual?: boolean;
  /** Milliseconds that it waits for each request. */
  readonly patience?: number;
}

/** A server that answers the planned steps. */
export class PlannedServer {
  /** By path. */
  readonly truths = new Map<string, Truth>();
  readonly #steps = new Map<string, Step>();
  readonly #held: ServerResponse[] = [];
  readonly #server: Server;
  readonly #patience: number;
  #wake: () => void = () => {};

  /** @param options null: without TLS. */
  constructor(folder: string, options: ServerOptions | null) {
    this.#patience = options?.patience ?? PATIENCE_MS;
    const file = (name: string): Buffer => readFileSync(join(folder, name));
    const listener = (incoming: IncomingMessage, response: ServerResponse): void =>
      this.#answer(incoming, response);
    if (options === null) this.#server = createHttpServer(listener);
    else {
      this.#server = createServer(
        {
          cert: file('cert.pem'),
          key: file('key.pem'),
          ca: file('ca.pem'),
          ALPNProtocols: ['http/1.1'],
          requestCert: options.mutual === true,
          minVersion: `TLSv${options.version}`,
          maxVersion: `TLSv${options.version}`,
        },
        listener,
      );
    }
    // Sent to the client, so that it keeps an idle connection for as long as attaching may take.
    this.#server.keepAliveTimeout = 2 * PATIENCE_MS;
    this.#server.requestTimeout = 0;
    this.#server.headersTimeout = 0;
    this.#server.on('tlsClientError', () => {}); // The client reports it, too.
  }

  async listen(): Promise<number> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
    return this.port;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  expect(steps: readonly Step[]): void {
    for (const step of steps) this.#steps.set(step.path, step);
  }

  /** The response to `/hold/…` waits until it is released; resolves when the request has arrived. */
  async held(): Promise<void> {
    while (this.#held.length === 0) await this.#event();
  }

  letGo(): void {
    for (const response of this.#held.splice(0)) response.end('.');
  }

  /** Resolves when a step was answered. */
  async answered(step: Step): Promise<Truth> {
    for (;;) {
      const truth = this.truths.get(step.path);
      if (truth !== undefined) return truth;
      await this.#event();
    }
  }

  close(): void {
    this.letGo();
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #event(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('the client did not ask')), this.#patience);
    });
    const event = new Promise<void>((resolve) => {
      const before = this.#wake;
      this.#wake = () => {
        before();
        resolve();
      };
    });
    await Promise.race([event, limit]).finally(() => clearTimeout(timer));
  }

  #happened(): void {
    const wake = this.#wake;
    this.#wake = () => {};
    wake();
  }

  #answer(incoming: IncomingMessage, response: ServerResponse): void {
    if (incoming.url?.startsWith('/hold/')) {
      response.setHeader('Connection', 'close');
      response.setHeader('Content-Length', '1');
      this.#held.push(response);
      this.#happened();
      return;
    }
    const hash = createHash('sha256');
    let size = 0;
    incoming.on('data', (piece: Buffer) => {
      hash.update(piece);
      size += piece.length;
    });
    incoming.on('end', () => {
      const step = this.#steps.get(incoming.url ?? '');
      if (step === undefined) {
        response.writeHead(599).end();
        return;
      }
      const { status, size: answerSize, framing } = step.answer;
      const body = randomBytes(answerSize);
      const answer = randomBytes(8).toString('hex');
      response.statusCode = status;
      response.setHeader('X-Answer', answer);
      if (framing === 'length') response.setHeader('Content-Length', body.length);
      const { socket } = incoming;
      const [local, remote] = ends(socket);
      const secure = socket instanceof TLSSocket ? socket : null;
      this.truths.set(step.path, {
        id: step.id,
        method: incoming.method ?? '',
        path: incoming.url ?? '',
        status,
        answer,
        requestSize: size,
        requestSha: hash.digest('hex'),
        responseSize: body.length,
        responseSha: sha(body),
        local,
        remote,
        version: secure === null ? null : versionOf(secure),
        alpn: secure === null || secure.alpnProtocol === false ? null : secure.alpnProtocol,
        serverName: serverNameOf(secure),
      });
      for (let at = 0; at < body.length; at += 50_000) response.write(body.subarray(at, at + 50_000));
      response.end(() => this.#happened());
    });
  }
}

function serverNameOf(socket: TLSSocket | null): string | null {
  const { servername } = (socket ?? {}) as { servername?: string | false };
  return typeof servername === 'string' ? servername : null;
}

export interface ClientOptions {
  readonly version: Version;
  readonly mutual?: boolean;
  readonly alpn?: boolean;
}

/** A client with one keep-alive connection. */
export class PlannedClient {
  readonly #agent: Agent;
  readonly #port: number;

  constructor(folder: string, port: number, { version, mutual = false, alpn = true }: ClientOptions) {
    const file = (name: string): Buffer => readFileSync(join(folder, name));
    this.#port = port;
    this.#agent = new Agent({
      keepAlive: true,
      maxSockets: 1,
      ca: file('ca.pem'),
      ...(alpn ? { ALPNProtocols: ['http/1.1'] } : {}),
      minVersion: `TLSv${version}`,
      maxVersion: `TLSv${version}`,
      ...(mutual ? { cert: file('client.pem'), key: file('client.key') } : {}),
    });
  }

  /** @throws when the response differs from the planned one. */
  ask(step: Step): Promise<Truth> {
    return new Promise((resolve, reject) => {
      const headers = {
        'X-Trace-Id': step.id,
        'X-Status': step.answer.status,
        'X-Size': step.answer.size,
        'X-Framing': step.answer.framing,
        ...(step.body !== null && step.framing === 'length' ? { 'Content-Length': step.body.length } : {}),
      };
      const sent = request({
        agent: this.#agent,
        host: 'localhost',
        family: 4,
        port: this.#port,
        method: step.method,
        path: step.path,
        headers,
        timeout: PATIENCE_MS,
      });
      sent.on('timeout', () => sent.destroy(new Error('the server did not answer')));
      sent.on('error', reject);
      sent.on('response', (response) => {
        const socket = response.socket as TLSSocket;
        const [remote, local] = ends(socket);
        const pieces: Buffer[] = [];
        response.on('data', (piece: Buffer) => pieces.push(piece));
        response.on('error', reject);
        response.on('end', () => {
          const body = Buffer.concat(pieces);
          if (response.statusCode !== step.answer.status || body.length !== step.answer.size) {
            reject(new Error(`the server answered ${response.statusCode} with ${body.length} bytes`));
            return;
          }
          resolve({
            id: step.id,
            method: step.method,
            path: step.path,
            status: step.answer.status,
            answer: String(response.headers['x-answer']),
            requestSize: step.body?.length ?? 0,
            requestSha: sha(step.body ?? Buffer.alloc(0)),
            responseSize: body.length,
            responseSha: sha(body),
            local: remote,
            remote: local,
            version: versionOf(socket),
            alpn: socket.alpnProtocol === false ? null : socket.alpnProtocol,
            serverName: 'localhost',
          });
        });
      });
      const body = step.body ?? Buffer.alloc(0);
      for (let at = 0; at < body.length; at += 30_000) sent.write(body.subarray(at, at + 30_000));
      sent.end();
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
