/**
 * A collector for tests: an HTTP server that accepts valid OTLP/HTTP with JSON and rejects the rest, by the fields of
 * opentelemetry-proto (trace, common, resource; version 1).
 */
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Span, TraceRequest } from '../types.ts';

type Check = (value: unknown) => boolean;
type Fields = Readonly<Record<string, Check>>;

const isText: Check = (value) => typeof value === 'string';
const isNumber: Check = (value) => typeof value === 'number' && Number.isInteger(value) && value >= 0;
const isLong: Check = (value) => typeof value === 'string' && /^-?\d{1,20}$/.test(value);
const isId =
  (bytes: number): Check =>
  (value) =>
    typeof value === 'string' && new RegExp(`^[0-9a-f]{${2 * bytes}}$`).test(value) && !/^0+$/.test(value);
const isOneOf =
  (...values: readonly number[]): Check =>
  (value) =>
    values.includes(value as number);

/** An object with these fields and no others. */
const isMessage =
  (fields: () => Fields, required: readonly string[] = []): Check =>
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    required.every((name) => name in value) &&
    Object.entries(value).every(([name, member]) => fields()[name]?.(member) === true);
const isListOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);

const anyValue: Check = isMessage(() => ({
  stringValue: isText,
  boolValue: (value) => typeof value === 'boolean',
  intValue: isLong,
  doubleValue: (value) => typeof value === 'number',
  bytesValue: isText,
  arrayValue: isMessage(() => ({ values: isListOf(anyValue) })),
  kvlistValue: isMessage(() => ({ values: isListOf(keyValue) })),
}));
const keyValue: Check = isMessage(() => ({ key: isText, value: anyValue }), ['key', 'value']);
const attributes = isListOf(keyValue);

const span = isMessage(
  () => ({
    traceId: isId(16),
    spanId: isId(8),
    traceState: isText,
    parentSpanId: isId(8),
    flags: isNumber,
    name: isText,
    kind: isOneOf(0, 1, 2, 3, 4, 5),
    startTimeUnixNano: isLong,
    endTimeUnixNano: isLong,
    attributes,
    droppedAttributesCount: isNumber,
    status: isMessage(() => ({ message: isText, code: isOneOf(0, 1, 2) })),
  }),
  ['traceId', 'spanId', 'name', 'startTimeUnixNano', 'endTimeUnixNano'],
);
const request = isMessage(
  () => ({
    resourceSpans: isListOf(
      isMessage(() => ({
        resource: isMessage(() => ({ attributes, droppedAttributesCount: isNumber })),
        scopeSpans: isListOf(
          isMessage(() => ({
            scope: isMessage(() => ({ name: isText, version: isText, attributes })),
            spans: isListOf(span),
            schemaUrl: isText,
          })),
        ),
        schemaUrl: isText,
      })),
    ),
  }),
  ['resourceSpans'],
);

export function isTraceRequest(value: unknown): value is TraceRequest {
  return request(value);
}

/** Sent in order; after the last one, everything is accepted. */
export interface ScriptedAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** An attribute as plain text; undefined: it is not there. */
export function attributeOf({ attributes: list }: Pick<Span, 'attributes'>, key: string): string | undefined {
  const value = list.find((one) => one.key === key)?.value;
  if (value === undefined) return undefined;
  return 'stringValue' in value
    ? value.stringValue
    : 'intValue' in value
      ? value.intValue
      : JSON.stringify(value);
}

export class Collector {
  readonly #server: Server;
  readonly spans: Span[] = [];
  readonly resources: string[] = [];
  readonly requests: { readonly headers: IncomingHttpHeaders; readonly spans: number }[] = [];
  /** Invalid requests. */
  readonly wrong: string[] = [];
  readonly answers: ScriptedAnswer[] = [];

  private constructor() {
    this.#server = createServer((incoming, outgoing) => {
      let body = '';
      incoming.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      incoming.on('end', () => {
        const {
          status,
          headers = {},
          body: text = '{}',
        } = this.#take(incoming.method, incoming.url, incoming.headers, body);
        outgoing.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(text);
      });
    });
  }

  static start(): Promise<Collector> {
    const collector = new Collector();
    return new Promise((resolve) => collector.#server.listen(0, '127.0.0.1', () => resolve(collector)));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #take(method = '', url = '', headers: IncomingHttpHeaders, body: string): ScriptedAnswer {
    const value: unknown = JSON.parse(body);
    if (
      method !== 'POST' ||
      !url.endsWith('/v1/traces') ||
      headers['content-type'] !== 'application/json' ||
      !isTraceRequest(value)
    ) {
      this.wrong.push(`${method} ${url} ${body.slice(0, 500)}`);
      return { status: 400 };
    }
    const spans = value.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((one) => one.spans));
    this.requests.push({ headers, spans: spans.length });
    const answer = this.answers.shift();
    if (answer !== undefined) return answer;
    this.spans.push(...spans);
    for (const { resource } of value.resourceSpans)
      this.resources.push(attributeOf(resource as Span, 'service.name') ?? '');
    return { status: 200 };
  }
}
