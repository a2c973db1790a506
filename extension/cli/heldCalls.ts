/** The calls of a live trace or a recording, held in memory within the engine's bounds. */
import type { HelperEvent } from '../../helper/events.ts';
import { Pipeline } from '../capture/pipeline.ts';
import { Engine } from '../engine/engine.ts';
import type { ExchangeJson } from '../engine/exchangeJson.ts';
import type { ProtoSchema } from '../engine/protobuf/schema.ts';
import type { ExchangeRow } from '../engine/row.ts';
import { parseFilter } from '../filter/parser.ts';
import { detailsFound } from '../filter/subject.ts';
import type { CallSource } from '../tools/callSource.ts';

export class HeldCalls implements CallSource {
  readonly #engine: Engine;
  readonly #pipeline: Pipeline;
  readonly #ids = new Set<number>();
  #ended: string | null = null;

  constructor(bodyLimit: number | null, protos: ProtoSchema | null) {
    this.#engine = new Engine({ bodyLimit });
    if (protos !== null) this.#engine.setProtos(protos);
    this.#pipeline = new Pipeline(this.#engine);
  }

  /** @throws RecordError for malformed records. */
  take(event: HelperEvent): void {
    this.#pipeline.take(event);
    this.#learn();
  }

  /** The source has ended. @param why one sentence. */
  end(why: string): void {
    this.#engine.finish();
    this.#learn();
    this.#ended = why;
  }

  *rows(): Iterable<ExchangeRow> {
    for (const id of this.#ids) {
      const row = this.#engine.row(id);
      if (row !== undefined) yield row;
    }
  }

  details(id: number): Promise<ExchangeJson | null> {
    return Promise.resolve(this.#engine.json(id) ?? null);
  }

  search(query: string, ids: readonly number[]): Promise<readonly (readonly [number, number])[]> {
    const { details } = parseFilter(query);
    const found = ids.flatMap((id): (readonly [number, number])[] => {
      const exchange = this.#engine.json(id);
      return exchange === undefined ? [] : [[id, detailsFound(details, exchange)]];
    });
    return Promise.resolve(found);
  }

  state(): string {
    return this.#ended ?? 'The trace is running; the program has not made or answered a call yet.';
  }

  #learn(): void {
    const { changed, removed } = this.#engine.takeChanges();
    for (const id of changed) this.#ids.add(id);
    for (const id of removed) this.#ids.delete(id);
  }
}
