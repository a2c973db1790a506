/** Writes an archive entry by entry: an archive of all calls may not fit into memory. */
import type { ExchangeJson } from '../engine/exchangeJson.ts';
import { jsonLine } from '../escape/jsonLine.ts';
import { harEntry } from './har.ts';

export class HarWriter {
  readonly #write: (text: string) => void;
  readonly #comment: string;
  #entries = 0;
  #without = 0;

  /** @param version of HTTP Trace. @param secrets the archive holds them. */
  constructor(version: string, secrets: boolean, write: (text: string) => void) {
    this.#write = write;
    this.#comment = secrets ? 'With secrets.' : 'Secrets are masked.';
    const creator = { name: 'HTTP Trace', version };
    write(`{"log":{"version":"1.2","creator":${JSON.stringify(creator)},"pages":[],"entries":[`);
  }

  /** Entries written. */
  get count(): number {
    return this.#entries;
  }

  add(exchange: ExchangeJson): void {
    const entry = harEntry(exchange);
    if (entry === null) {
      this.#without++;
      return;
    }
    this.#write(`${this.#entries === 0 ? '\n' : ','}${jsonLine(entry)}`);
    this.#entries++;
  }

  /** @param notes about the archive, such as losses. */
  end(notes: readonly string[] = []): void {
    const left =
      this.#without === 0 ? [] : [`${this.#without} without an HTTP request with a URL are left out.`];
    const comment = [this.#comment, ...left, ...notes].join(' ');
    this.#write(`],"comment":${jsonLine(comment).trimEnd()}}}\n`);
  }
}
