/**
 * The inputs of llhttp's own tests, read by this engine and compared with the spans that llhttp reports.
 * llhttp stops at its first error, the engine labels and reads on: what llhttp reports before its error must
 * be read the same, and where it reports an error, a rule must be labelled as broken. Every disagreement is
 * listed below with its reason.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { corpus } from '../../../test/kit/corpora.mjs';
import type { Outcome } from '../byteStream.ts';
import type { MessageKind } from '../exchange.ts';
import type { StoredMessage } from '../storedMessage.ts';
import { DISAGREEMENTS } from '../testing/llhttpDisagreements.ts';
import { mayBecomeTunnel, requestFraming, responseFraming } from './framing.ts';
import type { FramingFields } from './framingFields.ts';
import { Reader } from './reader.ts';
import type { HeadResult, ReaderSink } from './readerSink.ts';

const CORPUS = corpus('llhttp/test');

interface Case {
  readonly name: string;
  readonly kind: MessageKind;
  /** llhttp runs with a flag by which it accepts what it otherwise refuses. */
  readonly lenient: boolean;
  readonly finish: boolean;
  readonly skipBody: boolean;
  readonly input: Buffer;
  readonly log: readonly string[];
}

/** What both parsers can say of a message. */
interface Read {
  method: string | null;
  url: string | null;
  version: string | null;
  status: number | null;
  statusText: string | null;
  headers: [string, string][];
  trailers: [string, string][];
  headComplete: boolean;
  body: string;
  complete: boolean;
}

interface Reading {
  messages: Read[];
  /** A rule was broken, or bytes were no message. */
  error: boolean;
}

// ── the corpus ─────────────────────────────────────────────────────────────────────────────────────────────

function readCases(corpusFolder: string, kind: MessageKind): Case[] {
  const folder = join(corpusFolder, kind);
  return readdirSync(folder)
    .filter((file) => file.endsWith('.md'))
    .sort()
    .flatMap((file) => readFile(kind, file, readFileSync(join(folder, file), 'utf8')));
}

function readFile(kind: MessageKind, file: string, text: string): Case[] {
  const cases: Case[] = [];
  const names = new Map<string, number>();
  let title = '';
  const pattern =
    /^#+ (.*)$|<!-- meta=(\{.*?\}) -->\s*```http\n([\s\S]*?)\n?```[\s\S]*?```log\n([\s\S]*?)```/gm;
  for (const match of text.matchAll(pattern)) {
    if (match[1] !== undefined) {
      title = match[1];
      continue;
    }
    const meta = JSON.parse(match[2] ?? '{}') as { type: string; skipBody?: boolean };
    const plain = `${kind}/${file} ${title}`;
    const count = (names.get(plain) ?? 0) + 1;
    names.set(plain, count);
    cases.push({
      name: count === 1 ? plain : `${plain} (${count})`,
      kind,
      lenient: meta.type.includes('lenient'),
      finish: meta.type.endsWith('finish'),
      skipBody: meta.skipBody === true,
      input: Buffer.from(unescapeInput(match[3] ?? ''), 'utf8'),
      log: (match[4] ?? '').split('\n').filter((line) => line !== ''),
    });
  }
  return cases;
}

/**
 * llhttp's conventions: lines end with CRLF, `\` before a line end joins, and these escapes denote bytes.
 */
function unescapeInput(text: string): string {
  return text
    .replace(/\\(\r\n|\r|\n)/g, '')
    .replace(/\r\n|\r|\n/g, '\r\n')
    .replace(/\\r/g, '\r')
    .replace(/\\n/g, '\n')
    .replace(/\\t/g, '\t')
    .replace(/\\f/g, '\f')
    .replace(/\\x([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function blank(): Read {
  return {
    method: null,
    url: null,
    version: null,
    status: null,
    statusText: null,
    headers: [],
    trailers: [],
    headComplete: false,
    body: '',
    complete: false,
  };
}

/** What llhttp reported, from the log. Spans are taken from the input: the log escapes some bytes. */
function readLog(test: Case): Reading & { finish: number | null } {
  const messages: Read[] = [];
  let error = false;
  let finish: number | null = null;
  let message = blank();
  let last = '';
  for (const line of test.log) {
    const span = /^off=(\d+) len=(\d+) span\[(\w+)\]/.exec(line);
    if (span !== null) {
      const from = Number(span[1]);
      const text = test.input.toString('latin1', from, from + Number(span[2]));
      const name = span[3] ?? '';
      const fields = message.headComplete ? message.trailers : message.headers;
      if (name === 'method') message.method = (message.method ?? '') + text;
      else if (name === 'url') message.url = (message.url ?? '') + text;
      else if (name === 'protocol') message.version = `${text}/`;
      else if (name === 'version') message.version += text;
      else if (name === 'status') message.statusText = (message.statusText ?? '') + text;
      else if (name === 'body') message.body += text;
      else if (name === 'header_field') {
        if (last === 'header_field') (fields[fields.length - 1] as [string, string])[0] += text;
        else fields.push([text, '']);
      } else if (name === 'header_value') (fields[fields.length - 1] as [string, string])[1] += text;
      last = name;
      continue;
    }
    if (/message begin/.test(line)) {
      message = blank();
      messages.push(message);
    } else if (/headers complete/.test(line)) {
      message.headComplete = true;
      const status = /status=(\d+)/.exec(line);
      if (status !== null) message.status = Number(status[1]);
    } else if (/message complete/.test(line)) message.complete = true;
    else if (/error code=(?!22 )/.test(line)) error = true;
    finish = /finish=(\d)/.test(line) ? Number(/finish=(\d)/.exec(line)?.[1]) : finish;
    if (!/complete$/.test(line)) last = '';
  }
  return { messages, error, finish };
}

// ── the engine ─────────────────────────────────────────────────────────────────────────────────────────────

function readInput(test: Case): Reading {
  const messages: Read[] = [];
  const stored: StoredMessage[] = [];
  let ended: StoredMessage | null = null;
  let tunnel = false;
  let error = false;
  const sink: ReaderSink = {
    surplus: (_, position) => ended?.breaks('surplus', position),
    // llhttp pauses behind a request that may change the protocol.
    mayBegin: () => !tunnel,
    mayBeForeign: () => false,
    answerBegins: () => {},
    messageBegan: (message) => {
      stored.push(message);
      messages.push({
        ...blank(),
        method: test.kind === 'request' ? message.method : null,
        url: test.kind === 'request' ? message.target : null,
        version: message.version,
        status: test.kind === 'response' ? message.status : null,
        statusText: test.kind === 'response' ? message.statusText : null,
      });
    },
    headEnded: (message: StoredMessage, fields: FramingFields): HeadResult => {
      const read = messages[messages.length - 1] as Read;
      read.headComplete = true;
      if (test.kind === 'request') {
        tunnel = mayBecomeTunnel(message.method, fields);
        const result = requestFraming(message.version, fields);
        const none = test.skipBody || message.method === 'CONNECT';
        return { ...result, doubtful: false, ...(none ? { framing: { kind: 'none' } as const } : {}) };
      }
      const result = responseFraming('GET', message.version, message.status, fields);
      return { ...result, doubtful: false, ...(test.skipBody ? { framing: { kind: 'none' } as const } : {}) };
    },
    mayLackBody: () => false,
    progressed: () => {},
    messageEnded: (message: StoredMessage, outcome: Outcome) => {
      ended = message;
      (messages[messages.length - 1] as Read).complete = outcome === 'complete';
    },
    hidden: () => {
      error = true;
    },
    bodyBytes: () => {},
    bodyGap: () => {},
    tunnelled: () => {},
    tunnelGap: () => {},
    mayKeep: () => true,
  };
  const reader = new Reader(test.kind, sink, Number.POSITIVE_INFINITY, false);
  reader.feed(test.input, 0, { time: 0, end: 0, pid: 1, file: null });
  const beforeEnd = messages.map((message) => message.complete);
  reader.end(true);
  for (const [i, message] of stored.entries()) {
    const read = messages[i] as Read;
    if (!test.finish) read.complete = beforeEnd[i] ?? false;
    read.headers = message.fields.map(([name, value]) => [name ?? '', value ?? '']);
    read.trailers = message.trailers.map(([name, value]) => [name ?? '', value ?? '']);
    read.body = Buffer.concat(message.body.chunks).toString('latin1');
    // llhttp does not ask for Host.
    if (message.violations.some(({ rule }) => rule !== 'RFC 9112 section 3.2')) error = true;
    if (message.violations.some(({ message: text }) => /no URI|more than one Host/.test(text))) error = true;
  }
  return { messages, error };
}

// ── comparison ─────────────────────────────────────────────────────────────────────────────────────────────

/** Optional white space is no part of a value, and folds are joined by any white space (RFC 9112 section 5). */
function withoutBlanks([name, value]: [string, string]): [string, string] {
  return [name, value.replace(/[ \t]+/g, ' ').trim()];
}

/** In words, what llhttp says that the engine does not, or the other way round. */
function differences(test: Case): string[] {
  const expected = readLog(test);
  const actual = readInput(test);
  const found: string[] = [];
  const differ = (what: string, theirs: unknown, ours: unknown): void => {
    if (JSON.stringify(theirs) !== JSON.stringify(ours)) {
      found.push(`${what}: llhttp ${JSON.stringify(theirs)}, engine ${JSON.stringify(ours)}`);
    }
  };
  if (expected.error && !actual.error) found.push('llhttp reports an error, the engine none');
  if (!expected.error && actual.error && !test.lenient)
    found.push('the engine labels a broken rule, llhttp none');
  const messages = expected.messages.filter((message) => message.method !== null || message.version !== null);
  if (!expected.error) differ('messages', messages.length, actual.messages.length);
  for (const [i, theirs] of messages.entries()) {
    const ours = actual.messages[i];
    const at = `message ${i + 1}`;
    // llhttp stopped here, possibly within what it was reading.
    const stopped = expected.error && i === messages.length - 1 && !theirs.complete;
    if (ours === undefined) {
      if (!stopped || theirs.headComplete) found.push(`${at}: not read`);
      continue;
    }
    const versionRead = /\/\d/.test(theirs.version ?? '');
    if (!stopped || theirs.url !== null) {
      differ(`${at} method`, theirs.method, ours.method);
      if (!stopped || versionRead) differ(`${at} target`, theirs.url, ours.url);
    }
    if (theirs.headComplete) differ(`${at} version`, theirs.version, ours.version);
    else if (versionRead && ours.version?.startsWith(theirs.version ?? '') !== true) {
      differ(`${at} version`, theirs.version, ours.version);
    }
    if (theirs.status !== null) differ(`${at} status`, theirs.status, ours.status);
    if (theirs.headComplete) {
      differ(
        `${at} reason`,
        theirs.statusText?.trim() ?? (test.kind === 'response' ? '' : null),
        ours.statusText,
      );
      differ(`${at} headers`, theirs.headers.map(withoutBlanks), ours.headers.map(withoutBlanks));
    } else {
      // The last field may be half read, and a fold may follow.
      const whole = theirs.headers.slice(0, -1).map(withoutBlanks);
      differ(`${at} headers so far`, whole, ours.headers.slice(0, whole.length).map(withoutBlanks));
    }
    if (theirs.complete) {
      differ(`${at} trailers`, theirs.trailers, ours.trailers);
      differ(`${at} body`, theirs.body, ours.body);
    } else if (!ours.body.startsWith(theirs.body)) differ(`${at} body so far`, theirs.body, ours.body);
    if (!stopped || theirs.complete)
      differ(`${at} complete`, theirs.complete || expected.finish === 1, ours.complete);
  }
  return found;
}

describe.skipIf(CORPUS.folder === null)(CORPUS.title, () => {
  const { folder } = CORPUS;
  const cases = folder === null ? [] : [...readCases(folder, 'request'), ...readCases(folder, 'response')];

  it('has its 251 inputs, each with a name', () => {
    expect(cases.length).toBe(251);
    expect(new Set(cases.map((test) => test.name)).size).toBe(cases.length);
  });

  for (const test of cases) {
    it(test.name, () => {
      const reason = DISAGREEMENTS[test.name];
      const found = differences(test).join('\n');
      // Not compared with '': the message of that would be cut.
      if (reason === undefined && found !== '') expect.fail(found);
      if (reason !== undefined && found === '') expect.fail(`no longer disagrees, but is listed: ${reason}`);
    });
  }

  it('has every input that is listed as a disagreement', () => {
    expect(Object.keys(DISAGREEMENTS).filter((name) => !cases.some((test) => test.name === name))).toEqual(
      [],
    );
  });
});
