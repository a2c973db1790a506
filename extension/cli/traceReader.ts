/**
 * Frames in, lines out: the single path from the helper's frames to the output, for live traces and recordings, so that
 * both show the same.
 */
import type { HelperEvent } from '../../helper/events.ts';
import type { Status } from '../../helper/protocol.ts';
import { missingPartNotes } from '../capture/missingParts.ts';
import { Pipeline } from '../capture/pipeline.ts';
import { Engine } from '../engine/engine.ts';
import type { ProtoSchema } from '../engine/protobuf/schema.ts';
import type { ShowOptions } from './arguments.ts';
import type { Output } from './output.ts';
import { type AlsoTo, Printer } from './printer.ts';
import { summarize } from './summary.ts';

export class TraceReader {
  readonly #engine: Engine;
  readonly #pipeline: Pipeline;
  readonly #printer: Printer;

  /** @param protos the messages of .proto files; null: there are none. @param also gets shown exchanges. */
  constructor(options: ShowOptions, output: Output, protos: ProtoSchema | null, also: AlsoTo | null = null) {
    this.#engine = new Engine({ bodyLimit: options.bodyLimit });
    if (protos !== null) this.#engine.setProtos(protos);
    this.#pipeline = new Pipeline(this.#engine);
    this.#printer = new Printer(this.#engine, options, output, also);
  }

  get status(): Status | null {
    return this.#pipeline.status;
  }

  /** @throws RecordError for malformed records. */
  take(event: HelperEvent): void {
    this.#pipeline.take(event);
    this.#printer.flush();
  }

  /** Shows what is left and the summary. */
  finish(troubles: readonly string[]): void {
    this.#engine.finish();
    this.#printer.flush();
    const { hello } = this.#pipeline;
    this.#printer.end(
      summarize({
        status: this.#pipeline.status,
        stats: this.#engine.stats(),
        exchanges: this.#printer.count,
        encrypted: this.#printer.encrypted,
        behindMs: Math.round(this.#pipeline.mostBehindMs),
        backend: hello?.backend ?? 'unknown',
        troubles: [...troubles, ...(hello === null ? [] : missingPartNotes(hello))],
      }),
    );
  }
}
