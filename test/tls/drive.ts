/** Runs peers: starts each, has it do the planned steps, and collects its reports. */
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../scripts/freePort.mjs';
import { assert, same } from '../kit/check.ts';
import { newId, sha } from '../kit/peers.ts';
import { Child, PATIENCE_MS } from '../kit/process.ts';
import type { TlsContext } from './context.ts';
import { PlannedClient, PlannedServer, type Truth } from './counterpart.ts';
import { type ClientPeer, family, type ServerPeer } from './peers.ts';
import { lineOf, makePlan, makeStep, type Step, type Version } from './plan.ts';

/** Runs a command line: untraced, or inside a trace. */
export type Start = (command: readonly string[]) => Child;

export const untraced: Start = Child.of;

/** A traced client and the test's server. */
export class DrivenClient {
  readonly steps: readonly Step[];
  readonly process: Child;
  readonly #server: PlannedServer;
  readonly #hold: PlannedServer;
  #asked = 0;

  private constructor(
    private readonly context: TlsContext,
    readonly peer: ClientPeer,
    parts: { process: Child; server: PlannedServer; hold: PlannedServer; steps: readonly Step[] },
  ) {
    this.process = parts.process;
    this.#server = parts.server;
    this.#hold = parts.hold;
    this.steps = parts.steps;
  }

  /** @param pauseAt index of the step before which a scripted client waits until it is finished; null: it does not wait */
  static async start(
    context: TlsContext,
    peer: ClientPeer,
    version: Version,
    start: Start,
    { pauseAt = null, mutual = false }: { pauseAt?: number | null; mutual?: boolean } = {},
  ): Promise<DrivenClient> {
    const server = new PlannedServer(context.certificates, { version, mutual });
    const hold = new PlannedServer(context.certificates, null);
    const [port, holdPort] = [await server.listen(), await hold.listen()];
    let steps = makePlan({
      folder: context.folder,
      name: 'call',
      slow: context.slow,
      readOnly: peer.readOnly === true,
      lengthOnly: peer.lengthOnly === true,
    });
    // All requests of a wget have the same fields.
    if (peer.readOnly === true) steps = steps.map((step) => ({ ...step, id: steps[0]?.id ?? step.id }));
    server.expect(steps);
    let command: string[];
    if (peer.script !== undefined) {
      const paused: (Step | null)[] = [...steps];
      if (pauseAt !== null) paused.splice(pauseAt, 0, null);
      const url = `http://127.0.0.1:${holdPort}/hold/${newId()}`;
      command = peer.script(context, port, url, paused, version);
    } else {
      command = peer.command?.(context, port, version) ?? [];
      if (mutual) command.push('mtls');
    }
    return new DrivenClient(context, peer, { process: start(command), server, hold, steps });
  }

  /** Resolves when it runs, has loaded its libraries, and has done the steps before the pause. */
  async ready(before: number): Promise<void> {
    if (this.peer.script !== undefined) {
      const over = this.process.ended.then(() => {
        throw new Error(`it ended too early: ${this.process.stderr.slice(-400)}`);
      });
      await Promise.race([this.#hold.held(), over]);
      over.catch(() => {});
      this.#asked = before;
      return;
    }
    await this.#said('pid ', 1);
    await this.#ask(before);
  }

  /** Has the client do its next `count` steps. */
  finishSome(count: number): Promise<void> {
    return this.#ask(count);
  }

  /** Does the rest of its steps, and waits for its end. */
  async finish(): Promise<readonly Truth[]> {
    this.#hold.letGo();
    if (this.peer.script === undefined) {
      await this.#ask(this.steps.length - this.#asked);
      this.process.endInput();
    }
    const status = await this.process.status;
    const truths = await Promise.all(this.steps.map((step) => this.#server.answered(step)));
    same(`exit status (${this.process.stderr.slice(-400)})`, status, 0);
    if (this.peer.script === undefined) this.#compareSaid(truths);
    if (this.peer.name === 'curl') {
      for (const truth of truths) {
        same(
          'what curl got',
          sha(readFileSync(join(this.context.folder, `${truth.id}.got`))),
          truth.responseSha,
        );
      }
    }
    return truths;
  }

  /** For a client that does not pause: writes all steps at once. */
  async runThrough(): Promise<void> {
    if (this.peer.script !== undefined) return;
    for (const step of this.steps) this.process.write(lineOf(step));
    this.process.endInput();
    this.#asked = this.steps.length;
  }

  get pid(): number | null {
    const line = this.process.lines.find((text) => text.startsWith('pid '));
    return line === undefined ? null : Number(line.slice(4));
  }

  close(): void {
    this.#server.close();
    this.#hold.close();
  }

  async #ask(count: number): Promise<void> {
    for (const step of this.steps.slice(this.#asked, this.#asked + count)) {
      this.process.write(lineOf(step));
      this.#asked++;
      await this.#said('done ', this.#asked);
    }
  }

  #said(start: string, count: number): Promise<void> {
    const has = (): boolean => this.process.lines.filter((line) => line.startsWith(start)).length >= count;
    return this.process.until(has, `line ${start}${count}`);
  }

  #compareSaid(truths: readonly Truth[]): void {
    const said = this.process.lines.filter((line) => line.startsWith('done '));
    const expected = truths.map((t) => `done ${t.status} ${t.responseSize} ${t.responseSha}`);
    same('what the client got', said, expected);
  }
}

/** The last request to a server: once it is answered, the calls that wrote the earlier answers have returned. */
export function makeFarewell(context: TlsContext): Step {
  return makeStep(context.folder, {
    method: 'GET',
    path: `/farewell/${newId()}`,
    framing: 'length',
    body: null,
    answer: { status: 200, size: 0, framing: 'length' },
  });
}

/** A traced server and the test's client. */
export class DrivenServer {
  readonly process: Child;
  readonly #truths: Truth[] = [];
  readonly #backend: PlannedServer;
  /** The last request. Once it is answered, the call that wrote the response before it has returned. */
  readonly #farewell: Step;
  #client: PlannedClient | null = null;
  #pid = 0;

  private constructor(
    private readonly context: TlsContext,
    readonly peer: ServerPeer,
    private readonly version: Version,
    readonly steps: readonly Step[],
    parts: { process: Child; backend: PlannedServer; port: number; farewell: Step },
  ) {
    this.process = parts.process;
    this.#farewell = parts.farewell;
    this.#backend = parts.backend;
    this.port = parts.port;
  }

  port: number;

  static async start(
    context: TlsContext,
    peer: ServerPeer,
    version: Version,
    start: Start,
  ): Promise<DrivenServer> {
    const backend = new PlannedServer(context.certificates, null);
    const backendPort = await backend.listen();
    const port = await freePort();
    const steps = makePlan({
      folder: context.folder,
      name: 'serve',
      slow: context.slow,
      lengthOnly: peer.lengthOnly === true,
    });
    const farewell = makeFarewell(context);
    if (peer.proxies === true) backend.expect([...steps, farewell]);
    const process = start(peer.command(context, version, port, `127.0.0.1:${backendPort}`));
    return new DrivenServer(context, peer, version, steps, { process, backend, port, farewell });
  }

  async ready(before: number): Promise<void> {
    if (this.peer.pidFile === undefined) {
      const line = (): string | undefined => this.process.lines.find((text) => text.startsWith('ready '));
      await this.process.until(() => line() !== undefined, 'line with its port');
      [this.port, this.#pid] = (line() ?? '').split(' ').slice(1).map(Number) as [number, number];
    } else {
      this.#pid = await this.#listening(this.peer.pidFile(this.context, this.port));
    }
    await this.ask(before);
  }

  /** The next steps, on the one connection. */
  async ask(count: number): Promise<void> {
    this.#client ??= new PlannedClient(this.context.certificates, this.port, {
      version: this.version,
      alpn: this.peer.alpn,
    });
    for (const step of this.steps.slice(this.#truths.length, this.#truths.length + count)) {
      this.#truths.push(await this.#client.ask(step));
    }
  }

  async finish(): Promise<readonly Truth[]> {
    await this.ask(this.steps.length - this.#truths.length);
    await this.#client?.ask(this.#farewell);
    this.#client?.close();
    if (this.peer.stopSignal === undefined) this.process.endInput();
    else process.kill(this.#pid, this.peer.stopSignal);
    return this.#truths;
  }

  get pid(): number {
    return this.#pid;
  }

  get pids(): number[] {
    return family(this.#pid);
  }

  close(): void {
    this.#client?.close();
    this.#backend.close();
  }

  /** @returns the process id in that file, once the server listens. */
  async #listening(pidFile: string): Promise<number> {
    const limit = Date.now() + PATIENCE_MS;
    for (;;) {
      const socket = connect(this.port, '127.0.0.1');
      const answered = await Promise.race([
        once(socket, 'connect').then(() => true),
        once(socket, 'error').then(() => false),
      ]).catch(() => false);
      socket.destroy();
      // The file is there before anything is in it. A signal to process 0 would go to the test's own group.
      const pid = existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8')) : 0;
      if (answered && pid > 0) return pid;
      assert(!this.process.hasEnded, `it ended: ${this.process.stderr.slice(-400)}`);
      assert(Date.now() < limit, `it does not listen: ${this.process.stderr.slice(-400)}`);
      await sleep(50);
    }
  }
}
