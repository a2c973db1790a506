/** Passes the events of a helper, live or recorded, to the engine. */
import type { HelperEvent } from '../../helper/events.ts';
import { FrameType, type Hello, type Status } from '../../helper/protocol.ts';
import type { EngineApi } from '../engine/engine.ts';

/**
 * How far the engine is behind the program at this status, in milliseconds: from the last record that it has received to
 * the newest one that waits in the helper. 0: nothing waits.
 */
export function behindMs({ backlog, upTo }: Pick<Status, 'backlog' | 'upTo'>): number {
  if (backlog.records === 0 || upTo === '0') return 0;
  return Math.max(0, Number(BigInt(backlog.newest) - BigInt(upTo)) / 1e6);
}

export class Pipeline {
  readonly #engine: EngineApi;
  #hello: Hello | null = null;
  #status: Status | null = null;
  #mostBehindMs = 0;

  constructor(engine: EngineApi) {
    this.#engine = engine;
  }

  get hello(): Hello | null {
    return this.#hello;
  }

  /** The latest. */
  get status(): Status | null {
    return this.#status;
  }

  /** The engine's longest delay behind the program, in milliseconds. */
  get mostBehindMs(): number {
    return this.#mostBehindMs;
  }

  /** @throws RecordError for malformed records. */
  take(event: HelperEvent): void {
    switch (event.type) {
      case FrameType.Hello:
        this.#hello = event.hello;
        this.#engine.setTlsOff(event.hello.tlsOff);
        return;
      case FrameType.Clock:
        this.#engine.setClock(event);
        return;
      case FrameType.Process:
        if (event.info.error === null) this.#engine.setProcess(event.info.pid, event.info.name);
        return;
      case FrameType.Tls:
        this.#engine.setTls(event.tls.pid, event.tls.libraries, event.tls.partial, event.tls.unseen);
        return;
      case FrameType.TlsFile:
        this.#engine.setTlsFile(event.file.file, event.file.version);
        return;
      case FrameType.Records:
        this.#engine.push(event.records);
        return;
      case FrameType.Status:
        this.#status = event.status;
        this.#mostBehindMs = Math.max(this.#mostBehindMs, behindMs(event.status));
        this.#engine.advance(event.upTo);
        return;
      case FrameType.Fault:
      case FrameType.Break:
      case FrameType.GoProgram:
      case FrameType.NativeProgram:
        return;
      default:
        event satisfies never;
    }
  }
}
