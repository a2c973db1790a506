/**
 * Break on Calls in processes that a debugger holds by ptrace: probes on what sends, and one shot for each arming
 * (bpf/breaks.h). Whoever is stopped is stopped by the debugger: it gets the signal, and lets the process go on.
 */
import type { Descriptors } from './facts.ts';
import type { Native } from './native.ts';
import { AUTOMATON_SIZE, type BreakHit, type BreakRequest, type BreakState } from './protocol.ts';
import type { Attachments } from './tls/attachments.ts';

export class Breaks {
  readonly #native: Native;
  readonly #maps: Pick<Descriptors, 'breaks' | 'automaton'>;
  readonly #attachments: Pick<Attachments, 'attachSends'>;
  /** Processes that have probes for it, with what takes them away. */
  readonly #probed = new Map<number, () => Promise<void>>();
  /** Those whose stop the client does not know yet. */
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

  /** Stops that the client has not been told of; each once. */
  takeHits(): BreakState[] {
    return [...this.#armed].flatMap((pid) => {
      const hit = this.#hit(pid);
      if (hit === null) return [];
      this.#armed.delete(pid);
      return [{ request: 0, pid, reason: null, hit }];
    });
  }

  /** The process has ended, or is not to be stopped any more. */
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

  /** @returns why it cannot be. */
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
