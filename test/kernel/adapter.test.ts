/** lldb's debug adapter, as an editor uses it, with breakpoints on the very functions that are traced. */
import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, it } from 'vitest';
import { childrenOf } from '../kit/kernel.ts';
import { Child } from '../kit/process.ts';
import { Tracing } from '../kit/tracing.ts';
import { describeTraced, temporaryFolder, tracingIn } from './support/environment.ts';
import { buildTalker, expectCalls, PAUSE_MS, PAUSED_CALL, SENDS } from './support/talker.ts';

const folder = temporaryFolder();
const context = tracingIn(folder);
const program = join(folder, 'talker');
/** Milliseconds that the adapter may take to end after the program that it has debugged. */
const DISCONNECT_MS = 15_000;

/** Its name changed with LLVM 18, and distributions add a number. @throws when lldb is not installed */
function adapter(): string {
  const found = readdirSync('/usr/bin').find((name) => /^lldb-(vscode|dap)(-\d+)?$/.test(name));
  if (found === undefined) throw new Error('no debug adapter of lldb: npm run setup -- --test');
  return join('/usr/bin', found);
}

interface Message {
  readonly seq: number;
  readonly type: 'request' | 'response' | 'event';
  readonly command?: string;
  readonly event?: string;
  readonly request_seq?: number;
  readonly success?: boolean;
  readonly message?: string;
  readonly body?: Record<string, unknown>;
}

/** The adapter itself, or the one that http-trace has started. */
function endAdapter(child: Child): void {
  const isAdapter = (pid: number): boolean => {
    try {
      return /lldb-(vscode|dap)/.test(readlinkSync(`/proc/${pid}/exe`));
    } catch {
      return false; // It has ended meanwhile.
    }
  };
  const pid = [child.pid, ...childrenOf(child.pid)].find(isAdapter);
  if (pid !== undefined) process.kill(pid, 'SIGKILL');
}

/** A client of the Debug Adapter Protocol over a program's standard streams. */
class Editor {
  readonly #messages: Message[] = [];
  #rest = Buffer.alloc(0);
  #taken = 0;
  #seq = 0;
  #wake: () => void = () => {};

  constructor(private readonly child: Child) {
    child.process.stdout?.on('data', (text: string) => {
      this.#rest = Buffer.concat([this.#rest, Buffer.from(text, 'latin1')]);
      this.#read();
    });
  }

  #read(): void {
    for (;;) {
      const [header, length] = /^(?:[^\r\n]*\r\n)*?Content-Length: (\d+)\r\n(?:[^\r\n]+\r\n)*\r\n/.exec(
        this.#rest.toString('latin1'),
      ) ?? [undefined];
      if (header === undefined || this.#rest.length < header.length + Number(length)) return;
      const end = header.length + Number(length);
      this.#messages.push(JSON.parse(this.#rest.subarray(header.length, end).toString('utf8')));
      this.#rest = this.#rest.subarray(end);
      this.#wake();
    }
  }

  async #find(what: string, wanted: (message: Message, index: number) => boolean): Promise<Message> {
    const limit = Date.now() + 40_000 + PAUSE_MS;
    for (;;) {
      const found = this.#messages.find(wanted);
      if (found !== undefined) return found;
      if (Date.now() > limit) throw new Error(`no ${what}: ${JSON.stringify(this.#messages.slice(-5))}`);
      await Promise.race([sleep(200), new Promise<void>((resolve) => (this.#wake = resolve))]);
    }
  }

  /** @returns its number */
  #send(command: string, args: object): number {
    const seq = ++this.#seq;
    const text = JSON.stringify({ seq, type: 'request', command, arguments: args });
    this.child.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
    return seq;
  }

  async request(command: string, args: object): Promise<Record<string, unknown>> {
    const seq = this.#send(command, args);
    const { success, message, body } = await this.#find(
      `answer to ${command}`,
      (one) => one.type === 'response' && one.request_seq === seq,
    );
    if (success !== true) throw new Error(`${command}: ${message}`);
    return body ?? {};
  }

  async event(name: string): Promise<void> {
    await this.#find(name, ({ event }) => event === name);
  }

  /**
   * After the program's end. Up to LLVM 15 at least the adapter leaves its loop of requests as soon as it has sent
   * `terminated`: whether it still reads a request is a race that it runs with itself, and so is whether it then ends, or
   * waits for a thread that it did not tell to end. So its end is as good as an answer, and is brought about if need be.
   */
  async disconnect(): Promise<void> {
    await this.event('terminated');
    this.#send('disconnect', {});
    this.child.endInput();
    await Promise.race([this.child.ended, sleep(DISCONNECT_MS)]);
    if (!this.child.hasEnded) endAdapter(this.child);
    await this.child.ended;
  }

  /** The next stop, or null when the program has ended. */
  async stopped(): Promise<number | null> {
    // Not by their numbers: lldb gives all of its own the number 0.
    const next = await this.#find('stop', ({ event }, index) => {
      return index >= this.#taken && (event === 'stopped' || event === 'exited');
    });
    this.#taken = this.#messages.indexOf(next) + 1;
    return next.event === 'exited' ? null : Number(next.body?.['threadId']);
  }
}

/** Frames of each stop, innermost first, without addresses. */
async function debug(child: Child): Promise<string[]> {
  const editor = new Editor(child);
  await editor.request('initialize', { adapterID: 'lldb', linesStartAt1: true });
  await editor.request('launch', { program, args: [], stopOnEntry: false });
  await editor.event('initialized');
  await editor.request('setFunctionBreakpoints', {
    breakpoints: [
      { name: 'send' },
      { name: 'recv' },
      { name: 'middle_of_response', condition: `call == ${PAUSED_CALL}` },
    ],
  });
  await editor.request('configurationDone', {});
  const stops: string[] = [];
  for (;;) {
    const threadId = await editor.stopped();
    if (threadId === null) break;
    const { stackFrames } = (await editor.request('stackTrace', { threadId, startFrame: 0, levels: 50 })) as {
      stackFrames: readonly {
        readonly name: string;
        readonly line?: number;
        readonly source?: { readonly path?: string };
      }[];
    };
    // Without a source, lines are those of a disassembly, which is not the same each time, traced or not.
    const at = ({ name, line, source }: (typeof stackFrames)[number]): string =>
      source?.path === undefined ? name : `${name}:${line}`;
    stops.push(stackFrames.map(at).join(' < '));
    if (stackFrames[0]?.name.startsWith('middle_of_response') === true) await sleep(PAUSE_MS);
    await editor.request('continue', { threadId });
  }
  await editor.disconnect();
  return stops;
}

describeTraced('a program under lldb’s debug adapter', () => {
  beforeAll(() => buildTalker(program, true));

  it(
    'stops in send, recv and a response: same frames, every call',
    async () => {
      const alone = new Child(adapter(), []);
      const expected = await debug(alone);
      for (const name of ['send', 'recv']) {
        expect(expected.filter((frames) => new RegExp(`^(__\\w+_)?${name}\\b`).test(frames))).toHaveLength(
          SENDS,
        );
      }
      expect(
        expected.filter((frames) => /^middle_of_response.* < call_once.* < main/.test(frames)),
      ).toHaveLength(1);
      for (const frames of expected) expect(frames).toContain(' < main:');

      const tracing = Tracing.run(context, [adapter()]);
      expect(await debug(tracing.process)).toEqual(expected);
      const traced = await tracing.result();
      expectCalls(traced.exchanges);
      expect(traced.summary).toMatchObject({ dropped: 0, note: null });
    },
    180_000 + 3 * PAUSE_MS,
  );
});
