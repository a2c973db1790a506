/**
 * The beginning of one direction, and which protocol it indicates. bpf/recognise.h uses the same grammar to choose the
 * connections that are copied; here the decision is made again, with both directions in sight (recogniser.ts).
 */
import { isCutMethod } from '../http1/methods.ts';
import { readRequestLine } from '../http1/startLine.ts';
import { looksLikeHttp2 } from '../http2/detection.ts';

export type Found =
  /** Nothing so far. */
  | 'nothing'
  /** A request line, with a version at its end. */
  | 'request'
  /** A status line. */
  | 'response'
  /** The client's preface. */
  | 'preface'
  /** The server's first frames. */
  | 'frames'
  | 'tls'
  /** A line of text: only the other direction can show that it is a request. */
  | 'doubtful'
  /** No evidence of HTTP. */
  | 'foreign'
  /** The first bytes are missing. */
  | 'lost';

/** Bytes that are examined: the longest start line. */
export const MAX_BEGINNING = 64 * 1024;

/** Bytes that are searched for HTTP/2 frames. */
const FRAMES = 64;

const PREFACE_LINE = 'PRI * HTTP/2.0\r\n';
const STATUS = /^HTTP\/\d\.\d \d{3}/;
const VERSION_AT_END = /[ \t](?:HTTP|ICE)\/\d\.\d[ \t]*$/;
const UNFINISHED_REQUEST = /^[A-Z][A-Z-]{0,31} \S/;
/** Octets that no start line contains; HTAB, LF and CR are not among them. */
const CONTROL = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/;

export class Beginning {
  /** Offset after the layers, such as a SOCKS handshake. */
  passed = 0;
  #bytes: Buffer = Buffer.alloc(0);
  #lost = false;
  #found: Found = 'nothing';

  add(bytes: Buffer): void {
    if (this.#lost || this.#bytes.length >= MAX_BEGINNING) return;
    this.#bytes = Buffer.concat([this.#bytes, bytes.subarray(0, MAX_BEGINNING - this.#bytes.length)]);
    this.#found = 'nothing';
  }

  /** Bytes are missing: what follows is not the beginning of the stream. */
  lost(): void {
    if (this.found === 'nothing') this.#lost = true;
  }

  get rest(): Buffer {
    return this.#bytes.subarray(this.passed);
  }

  get found(): Found {
    if (this.#lost) return 'lost';
    if (this.#found === 'nothing') this.#found = beginningOf(this.rest);
    return this.#found;
  }

  /** A layer ends after `end` further bytes. */
  pass(end: number): void {
    this.passed += end;
    this.#found = 'nothing';
  }

  /** True for an unfinished line that can only be a request. */
  get isUnfinishedRequest(): boolean {
    if (this.found !== 'nothing') return false;
    const text = this.rest.toString('latin1', 0, FRAMES);
    return UNFINISHED_REQUEST.test(text) || isCutMethod(text);
  }
}

export function beginningOf(bytes: Buffer): Found {
  if (bytes.length === 0) return 'nothing';
  if (bytes[0] === 0x16) return bytes.length < 2 ? 'nothing' : bytes[1] === 3 ? 'tls' : 'foreign';
  if (bytes[0] === 0) {
    if (looksLikeHttp2(bytes.subarray(0, FRAMES))) return 'frames';
    return bytes.length < FRAMES ? 'nothing' : 'foreign';
  }
  const end = bytes.indexOf(10, skipBlanks(bytes));
  const text = bytes.toString('latin1', 0, end < 0 ? bytes.length : end + 1).trimStart();
  if (text === '') return bytes.length < MAX_BEGINNING ? 'nothing' : 'foreign';
  if (CONTROL.test(text) || text.charCodeAt(0) >= 0x80) return 'foreign';
  if (STATUS.test(text)) return 'response';
  if (end < 0) return bytes.length < MAX_BEGINNING ? 'nothing' : 'foreign';
  if (text === PREFACE_LINE) return 'preface';
  const line = text.trimEnd();
  if (!/[ \t]/.test(line)) return 'foreign';
  return VERSION_AT_END.test(line) && readRequestLine(line) !== null ? 'request' : 'doubtful';
}

function skipBlanks(bytes: Buffer): number {
  let at = 0;
  while (at < bytes.length && (bytes[at] === 32 || bytes[at] === 9 || bytes[at] === 13 || bytes[at] === 10))
    at++;
  return at;
}
