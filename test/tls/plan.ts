/**
 * The requests that the peers make and answer, and the protocol between test and peers.
 *
 * A client reads one line for each request from its standard input: `METHOD PATH ID FRAMING FILE`. It sends the content
 * of the file as body (`-`: none) with that framing (`length` or `chunked`), and the id as X-Trace-Id. Then it prints
 * `done STATUS SIZE SHA256` of the response. It first prints `pid N`, keeps one connection, and ends with its input.
 *
 * A server prints `ready PORT PID` and ends with its input. It answers with the status X-Status and a body of X-Size
 * random bytes, framed as X-Framing says, a random X-Answer, and the SHA-256 of the request's body as X-Received.
 *
 * The other end is in the test itself, is not traced, and records what it sends and receives (counterpart.ts).
 */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newId } from '../kit/peers.ts';

export type Version = '1.2' | '1.3';
export const VERSIONS: readonly Version[] = ['1.2', '1.3'];

export type Framing = 'length' | 'chunked';

export interface Step {
  readonly method: string;
  readonly path: string;
  readonly id: string;
  readonly framing: Framing;
  /** The request's body; null without one. */
  readonly body: Buffer | null;
  /** The file that holds `body`; `-` without one. */
  readonly file: string;
  readonly answer: { readonly status: number; readonly size: number; readonly framing: Framing };
}

type Shape = [
  method: string,
  framing: Framing,
  size: number | null,
  status: number,
  answerFraming: Framing,
  answerSize: number,
];

const KIB = 1024;

/** Sizes about the borders of TLS records and buffers, up to a MiB; every framing. */
const SHAPES: readonly Shape[] = [
  ['GET', 'length', null, 200, 'length', 0],
  ['POST', 'length', 1, 201, 'chunked', 1024 * KIB],
  ['PUT', 'chunked', 70_001, 404, 'length', 16 * KIB + 1],
  ['POST', 'length', 1024 * KIB, 503, 'chunked', 1],
  ['GET', 'length', null, 202, 'length', 300_000],
];
/** An emulated machine needs seconds for what takes milliseconds otherwise. */
const SMALL = 8;

export interface PlanOptions {
  readonly folder: string;
  /** In the path. */
  readonly name: string;
  readonly slow: boolean;
  /** Without request bodies. */
  readonly readOnly?: boolean;
  /** Without chunks from this end. */
  readonly lengthOnly?: boolean;
}

/** The requests of one connection. */
export function makePlan({ folder, name, slow, readOnly = false, lengthOnly = false }: PlanOptions): Step[] {
  return SHAPES.map(([method, framing, size, status, answerFraming, answerSize]) => {
    const shrink = (bytes: number): number => (slow && bytes > 65_536 ? Math.ceil(bytes / SMALL) : bytes);
    const body = size === null || readOnly ? null : randomBytes(shrink(size));
    return makeStep(folder, {
      method: readOnly ? 'GET' : method,
      path: `/${name}/${newId()}?x=${newId()}`,
      framing: lengthOnly ? 'length' : framing,
      body,
      // wget fails on an error status, and does not read the body.
      answer: { status: readOnly ? 200 : status, size: shrink(answerSize), framing: answerFraming },
    });
  });
}

export function makeStep(folder: string, step: Omit<Step, 'id' | 'file'>): Step {
  const id = newId();
  const file = step.body === null ? '-' : join(folder, id);
  if (step.body !== null) writeFileSync(file, step.body);
  return { ...step, id, file };
}

export function lineOf({ method, path, id, framing, file }: Step): string {
  return `${method} ${path} ${id} ${framing} ${file}\n`;
}
