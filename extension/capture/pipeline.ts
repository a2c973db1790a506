/** Passes the events of a helper, live or recorded, to the engine. */
import type { HelperEvent } from '../../helper/events.ts';
import { FrameType, type Hello, type Status } from '../../helper/protocol.ts';
import type { EngineApi } from '../engine/engine.ts';

export class Pipeline {
  readonly #engine: EngineApi;
  #hello: Hello | null = null;
  #status: Status | null = null;

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

  /** @throws RecordError for records that no helper writes. */
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
        this.#engine.setTls(event.tls.pid, event.tls.libraries);
        return;
      case FrameType.TlsFile:
        this.#engine.setTlsFile(event.file.file, event.file.version);
        return;
      case FrameType.Records:
        this.#engine.push(event.records);
        return;
      case FrameType.Status:
        this.#status = event.status;
        this.#engine.advance(event.upTo);
        return;
      case FrameType.Fault:
        return;
      default:
        event satisfies never;
    }
  }
}
