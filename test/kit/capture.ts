/** A trace in this process: the capture and the engine without the command line, so that targets may come and go. */
import { join } from 'node:path';
import { type Capture, startCapture } from '../../extension/capture/capture.ts';
import { Pipeline } from '../../extension/capture/pipeline.ts';
import { Engine } from '../../extension/engine/engine.ts';
import type { ExchangeJson } from '../../extension/engine/exchangeJson.ts';
import type { Backend, TlsWay } from '../../helper/protocol.ts';

const BODY_LIMIT = 65_536;

export class CaptureTrace {
  readonly #engine = new Engine({ bodyLimit: BODY_LIMIT });
  readonly #capture: Capture;

  private constructor(capture: Capture) {
    this.#capture = capture;
    const pipeline = new Pipeline(this.#engine);
    capture.onEvent((event) => pipeline.take(event));
  }

  /** @param context with the folder of the built product; a backend of null: any */
  static async start(context: {
    readonly dist: string;
    readonly backend: Backend | null;
    readonly tls: TlsWay;
  }): Promise<CaptureTrace> {
    const capture = await startCapture({
      nativePath: join(context.dist, 'native'),
      helperPath: join(context.dist, 'helper.js'),
      bodyLimit: BODY_LIMIT,
      backend: context.backend ?? 'auto',
      tls: context.tls,
    });
    return new CaptureTrace(capture);
  }

  /** The helper's process id. */
  get helper(): number {
    return this.#capture.hello.helperPid;
  }

  /** Traces this process and its children. */
  async attach(pid: number): Promise<void> {
    await this.#capture.attach(pid, true);
  }

  async stop(): Promise<void> {
    await this.#capture.stop();
  }

  /** All exchanges, once it has stopped. */
  exchanges(): ExchangeJson[] {
    this.#engine.finish();
    const { changed } = this.#engine.takeChanges();
    return changed.map((id) => this.#engine.json(id)).filter((exchange) => exchange !== undefined);
  }
}
