/**
 * Break on Calls in processes that are debugged by ptrace: probes on send functions, and one stop per arming
 * (bpf/breaks.h). The debugger handles the stop: it receives the signal, and resumes the process.
 */
import type { Descriptors } from './facts.ts';
import type { Native } from './native.ts';
import { AUTOMATON_SIZE, type BreakHit, type BreakRequest, type BreakState } from './protocol.ts';
import type { Attachments } from './tls/attachments.ts';

export class Breaks {
  readonly #native: Native;
  readonly #maps: Pick<Descriptors, 'breaks' | 'automaton'>;
  readonly #attachments: Pick<Attachments, 'attachSends'>;
  /** Processes that have these probes, with the function that removes them. */
  readonly #probed = new Map<number, () => Promise<void>>();
  /** Processes whose stop has not been reported to the client yet. */
  readonly #armed = new Set<number>();

  constructor(
    native: Native,
    maps: Pick<Descriptors, 'breaks' | 'automaton'>,
    attachments: Pick<Attachments, 'attachSends'>,
  ) {
    this.#native = native;
    this.#maps = maps;
    this.#attachments = attachments;
  }

  answer({ request, pid, action, automaton }: BreakRequest): BreakState {
    const hit = this.#hit(pid);
    let reason: string | null = null;
    if (action === 'arm') reason = this.#arm(pid, automaton);
    if (action === 'read' && hit !== null) this.#armed.delete(pid);
    if (action === 'release') this.release(pid);
    return { request, pid, reason, hit };
  }

  /** Stops that have not been reported to the client; returns each once. */
  takeHits(): BreakState[] {
    return [...this.#armed].flatMap((pid) => {
      const hit = this.#hit(pid);
      if (hit === null) return [];
      this.#armed.delete(pid);
      return [{ request: 0, pid, reason: null, hit }];
    });
  }

  /** The process has ended, or must not be stopped any more. */
  release(pid: number): void {
    this.#native.deleteTarget(this.#maps.breaks, pid);
    this.#armed.delete(pid);
    void this.#probed.get(pid)?.();
    this.#probed.delete(pid);
  }

  /** When the promise resolves, nothing is left in the kernel. */
  async close(): Promise<void> {
    const taking = [...this.#probed.values()];
    for (const pid of this.#probed.keys()) this.#native.deleteTarget(this.#maps.breaks, pid);
    this.#probed.clear();
    this.#armed.clear();
    await Promise.all(taking.map((take) => take()));
  }

  /** @returns why the process cannot be armed; null when it is. */
  #arm(pid: number, automaton: string | null): string | null {
    try {
      if (automaton !== null) {
        const bytes = Buffer.from(automaton, 'base64');
        if (bytes.length !== AUTOMATON_SIZE) return 'its conditions are malformed';
        this.#native.setAutomaton(this.#maps.automaton, bytes);
      }
      if (!this.#probed.has(pid)) this.#probed.set(pid, this.#attachments.attachSends(pid));
      this.#native.armBreak(this.#maps.breaks, pid);
      this.#armed.add(pid);
      return null;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      return code === 'E2BIG' ? 'breaks are set in too many processes' : message;
    }
  }

  #hit(pid: number): BreakHit | null {
    const hit = this.#native.readBreak(this.#maps.breaks, pid);
    if (hit === null) return null;
    const [thread, encrypted, head] = hit;
    return { thread, encrypted, head: head.toString('base64') };
  }
}
