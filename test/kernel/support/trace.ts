/** `http-trace` as a test uses it: every line checked against the schema, the balance, and the replay. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'vitest';
import schema from '../../../extension/cli/exchange.schema.json';
import type { ExchangeJson, SummaryJson } from '../../../extension/engine/exchangeJson.ts';
import { Child, type Ended } from './child.ts';
import { HTTP_TRACE } from './environment.ts';

const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schema);

export interface Traced {
  readonly exchanges: readonly ExchangeJson[];
  readonly summary: SummaryJson['summary'];
  /** Lines of the exchanges, as written. */
  readonly text: string;
  /** The recorded trace. */
  readonly recording: string;
  readonly ended: Ended;
}

/** @throws when a line does not fit the schema or the last one is no summary */
export function parseLines(text: string): Pick<Traced, 'exchanges' | 'summary' | 'text'> {
  const lines = text.split('\n');
  expect(lines.pop(), 'the output ends with a line end').toBe('');
  const summaryLine = lines.pop();
  const exchanges = lines.map((line) => parseLine<ExchangeJson>(line));
  for (const exchange of exchanges) expect(exchange).toHaveProperty('id');
  const last = parseLine<SummaryJson>(summaryLine ?? '');
  expect(Object.keys(last), 'the last line').toEqual(['summary']);
  return { exchanges, summary: last.summary, text: lines.join('\n') };
}

function parseLine<T>(line: string): T {
  const value: unknown = JSON.parse(line);
  if (!validate(value)) throw new Error(`${JSON.stringify(validate.errors)} in ${line.slice(0, 2000)}`);
  return value as T;
}

export class Tracing {
  readonly child: Child;
  readonly recording: string;
  readonly #output: string;

  readonly #shown: readonly string[];

  private constructor(folder: string, verb: string, args: readonly string[], options: readonly string[]) {
    this.#shown = shownBy(options);
    const own = mkdtempSync(join(folder, 'trace-'));
    this.#output = join(own, 'out.jsonl');
    this.recording = join(own, 'trace.recording');
    const files = ['--format', 'json', '--output', this.#output, '--record', this.recording];
    this.child = new Child(HTTP_TRACE, [verb, ...files, ...args]);
  }

  static run(folder: string, command: readonly string[], options: readonly string[] = []): Tracing {
    return new Tracing(folder, 'run', [...options, '--', ...command], options);
  }

  /** Resolves once the processes are traced. */
  static async attach(
    folder: string,
    pids: readonly number[],
    options: readonly string[] = [],
  ): Promise<Tracing> {
    const tracing = new Tracing(folder, 'attach', [...options, '--verbose', ...pids.map(String)], options);
    await tracing.child.said('Ctrl+C stops');
    return tracing;
  }

  /** What has been written so far. */
  get written(): string {
    // Until it ends it is beside the name that it will have.
    const partial = `${this.#output}.partial`;
    return readFileSync(existsSync(partial) ? partial : this.#output, 'utf8');
  }

  /** Stops as Ctrl+C does. */
  stop(): Promise<Traced> {
    this.child.kill('SIGINT');
    return this.result();
  }

  /** Waits for the end; checks everything that must hold for every trace. */
  async result(expected: { whole?: boolean } = {}): Promise<Traced> {
    const ended = await this.child.ended;
    const traced = { ...parseLines(this.written), recording: this.recording, ended };
    for (const file of [this.#output, this.recording]) expect(statSync(file).mode & 0o777).toBe(0o600);
    if (expected.whole !== false) {
      const { produced, delivered, dropped, bytes } = traced.summary;
      expect({ produced, note: traced.summary.note }).toMatchObject({
        produced: delivered + (dropped ?? Number.NaN),
      });
      expect(bytes?.seen).toBe(
        (bytes?.copied ?? 0) + (bytes?.omitted ?? 0) + (bytes?.dropped ?? 0) + (bytes?.unseen ?? 0),
      );
    }
    // A connection that stays encrypted has a line, and counts as no call.
    expect(traced.summary.exchanges + traced.summary.encrypted).toBe(traced.exchanges.length);
    expect(
      replay(this.recording, this.#shown).text,
      'the replay shows the same exchanges, byte for byte',
    ).toBe(traced.text);
    return traced;
  }
}

/** With a value. */
const SHOWN: ReadonlySet<string> = new Set(['--capture', '--proto']);

/** Of the options of a trace, those that say what is shown: a replay needs them as well. */
function shownBy(options: readonly string[]): string[] {
  return options.flatMap((option, i) => {
    if (option === '--show-secrets') return [option];
    return SHOWN.has(option) ? [option, options[i + 1] ?? ''] : [];
  });
}

/** The same trace from its recording. */
export function replay(
  recording: string,
  options: readonly string[] = [],
): Pick<Traced, 'text' | 'summary'> & { status: number | null } {
  const result = spawnSync(HTTP_TRACE, ['replay', recording, '--format', 'json', ...options], {
    encoding: 'utf8',
    maxBuffer: 1 << 30,
  });
  return { ...parseLines(result.stdout), status: result.status };
}
