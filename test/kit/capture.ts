/** A trace in this process: the capture and the engine without the command line, so that targets may come and go. */
import { join } from 'node:path';
import { type Capture, type CaptureOptions, startCapture } from '../../extension/capture/capture.ts';
import type { KeptHelper } from '../../extension/capture/keptHelper.ts';
import { Pipeline } from '../../extension/capture/pipeline.ts';
import { Engine } from '../../extension/engine/engine.ts';
import type { ExchangeJson } from '../../extension/engine/exchangeJson.ts';
import type { Backend, Hello, Status, TlsWay } from '../../helper/protocol.ts';

const BODY_LIMIT = 65_536;

/** For a capture with the product built in this folder. */
export function builtIn(dist: string): Pick<CaptureOptions, 'nativePath' | 'helperPath' | 'programsFile'> {
  return {
    nativePath: join(dist, 'native'),
    helperPath: join(dist, 'helper.js'),
    // Programs of other tests would be attached unexpectedly.
    programsFile: null,
  };
}

export class CaptureTrace {
  readonly #engine = new Engine({ bodyLimit: BODY_LIMIT });
  readonly #capture: Capture;
  /** Once it has stopped; null: the helper died before. */
  final: Status | null = null;

  private constructor(capture: Capture) {
    this.#capture = capture;
    const pipeline = new Pipeline(this.#engine);
    capture.onEvent((event) => pipeline.take(event));
  }

  /**
   * @param context with the folder of the built product; a backend of null: any
   * @param kept the helper of an earlier trace, for this one
   * @param minLatencyMs as in the options
   */
  static async start(
    context: { readonly dist: string; readonly backend: Backend | null; readonly tls: TlsWay },
    kept: KeptHelper | null = null,
    bodyLimit = BODY_LIMIT,
    minLatencyMs = 0,
  ): Promise<CaptureTrace> {
    const capture = await startCapture({
      ...builtIn(context.dist),
      bodyLimit,
      kept,
      backend: context.backend ?? 'auto',
      tls: context.tls,
      minLatencyMs,
    });
    return new CaptureTrace(capture);
  }

  /** The helper's process id. */
  get helper(): number {
    return this.hello.helperPid;
  }

  /** What the helper said as it started. */
  get hello(): Hello {
    return this.#capture.hello;
  }

  /** Traces this process and its children. */
  async attach(pid: number): Promise<void> {
    await this.#capture.attach(pid, true);
  }

  /** @param keepMs for how long the helper is kept for another trace */
  async stop(keepMs = 0): Promise<KeptHelper | null> {
    this.final = await this.#capture.stop(keepMs);
    return this.#capture.kept ?? null;
  }

  /** All exchanges, once it has stopped. */
  exchanges(): ExchangeJson[] {
    this.#engine.finish();
    const { changed } = this.#engine.takeChanges();
    return changed.map((id) => this.#engine.json(id)).filter((exchange) => exchange !== undefined);
  }
}
