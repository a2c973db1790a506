/** HTTP exchanges that tshark finds in a capture. */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';

/** Name and value of a field. */
export type Field = readonly [name: string, value: string];

/** One message as an observer saw it. Bodies are text, decoded from their transfer coding. */
export interface SeenMessage {
  headers: Field[];
  trailers: Field[];
  body: string;
}

/** One exchange as an observer saw it. */
export interface SeenExchange {
  method: string;
  path: string;
  /** HTTP/2; else what is the same for all. */
  authority: string;
  scheme: string;
  status: number;
  /** The response was promised and not asked for. */
  pushed: boolean;
  interim: { status: number; headers: Field[] }[];
  request: SeenMessage;
  response: SeenMessage;
}

/** By the client's port, and the stream or the number of the request on the connection. */
export type SeenExchanges = Map<string, SeenExchange>;

type Json = string | readonly Json[] | { readonly [key: string]: Json };

export interface Ports {
  readonly http1: number;
  readonly http2: number;
  readonly tls: number;
}

/** @throws when tshark fails */
export function readCapture(capture: string, keys: string, ports: Ports): SeenExchanges {
  const decode = [`${ports.http1},http`, `${ports.http2},http2`, `${ports.tls},tls`];
  const output = `${capture}.json`;
  const file = openSync(output, 'w', 0o600);
  const { status, stderr } = spawnSync(
    'tshark',
    [
      ...[
        '-r',
        capture,
        '-o',
        `tls.keylog_file:${keys}`,
        '-o',
        'tcp.reassemble_out_of_order:TRUE',
        '-Y',
        'http or http2',
      ],
      ...decode.flatMap((one) => ['-d', `tcp.port==${one}`]),
      ...['-T', 'json', '--no-duplicate-keys', '-J', 'tcp http http2'],
    ],
    { stdio: ['ignore', file, 'pipe'], encoding: 'utf8' },
  );
  closeSync(file);
  if (status !== 0) throw new Error(`tshark: ${stderr}`);
  const reader = new Reader(new Set(Object.values(ports)));
  for (const packet of JSON.parse(readFileSync(output, 'utf8')) as Json[])
    reader.packet(at(at(packet, '_source'), 'layers'));
  return reader.exchanges;
}

class Reader {
  readonly exchanges: SeenExchanges = new Map();
  readonly #servers: ReadonlySet<number>;
  /** How many requests and responses of HTTP/1 a connection has had. */
  readonly #counts = new Map<string, number>();

  constructor(servers: ReadonlySet<number>) {
    this.#servers = servers;
  }

  packet(layers: Json | undefined): void {
    const tcp = at(layers, 'tcp');
    const [source, destination] = [number(at(tcp, 'tcp.srcport')), number(at(tcp, 'tcp.dstport'))];
    const fromClient = this.#servers.has(destination);
    const port = fromClient ? source : destination;
    for (const message of all(at(layers, 'http'))) this.#http1(port, message);
    for (const layer of all(at(layers, 'http2')))
      for (const frame of all(at(layer, 'http2.stream'))) this.#http2(port, frame, fromClient);
  }

  #http1(port: number, message: Json): void {
    const [first = ''] = Object.keys(message as object);
    const line = at(message, first);
    const kind = at(line, 'http.request.method') === undefined ? 'response' : 'request';
    const order = this.#counts.get(`${kind} ${port}`) ?? 1;
    this.#counts.set(`${kind} ${port}`, order + 1);
    const exchange = this.#exchange(port, order);
    const seen = exchange[kind];
    if (kind === 'request') {
      exchange.method = string(at(line, 'http.request.method'));
      exchange.path = string(at(line, 'http.request.uri'));
      exchange.authority = string(at(message, 'http.host'));
      exchange.scheme = 'http';
    } else exchange.status = number(at(line, 'http.response.code'));
    seen.headers = all(at(message, `http.${kind}.line`)).map(fieldOf);
    const chunks = at(message, 'HTTP chunked response');
    seen.trailers = all(at(chunks, 'http.chunked_trailer_part')).map(fieldOf);
    const body = at(message, 'http.file_data');
    seen.body = body === undefined ? '' : string(body);
  }

  #http2(port: number, frame: Json, fromClient: boolean): void {
    const type = at(frame, 'http2.type') === undefined ? -1 : number(at(frame, 'http2.type'));
    const promised = at(frame, 'http2.push_promise.promised_stream_id');
    const stream = promised === undefined ? at(frame, 'http2.streamid') : promised;
    if (![0, 1, 5, 9].includes(type)) return;
    const exchange = this.#exchange(port, number(stream));
    const toRequest = fromClient || type === 5;
    const seen = exchange[toRequest ? 'request' : 'response'];
    if (type === 5) exchange.pushed = true;
    if (type === 0) {
      const whole = at(frame, 'http2.body.fragments') !== undefined;
      seen.body = whole ? shown(frame) : seen.body + shown(frame).slice(0, dataLength(frame));
      return;
    }
    const fields = all(at(frame, 'http2.header')).map(
      (field): Field => [string(at(field, 'http2.header.name')), string(at(field, 'http2.header.value'))],
    );
    const pseudo = new Map<string, string>(fields.filter(([name]) => name.startsWith(':')));
    const plain = fields.filter(([name]) => !name.startsWith(':'));
    const status = pseudo.get(':status');
    if (status?.startsWith('1')) {
      exchange.interim.push({ status: Number(status), headers: plain });
      return;
    }
    if (toRequest && pseudo.size > 0) {
      exchange.method = pseudo.get(':method') ?? '';
      exchange.path = pseudo.get(':path') ?? '';
      exchange.authority = pseudo.get(':authority') ?? '';
      exchange.scheme = pseudo.get(':scheme') ?? '';
    }
    if (status !== undefined) exchange.status = Number(status);
    // A CONTINUATION goes on with the headers; a second HEADERS frame has the trailers.
    if (pseudo.size > 0 || type === 9) seen.headers.push(...plain);
    else seen.trailers.push(...plain);
  }

  #exchange(port: number, order: number): SeenExchange {
    const key = `${port} ${order}`;
    const known = this.exchanges.get(key);
    if (known !== undefined) return known;
    const made: SeenExchange = {
      ...{ method: '', path: '', authority: '', scheme: '', status: 0, pushed: false, interim: [] },
      request: { headers: [], trailers: [], body: '' },
      response: { headers: [], trailers: [], body: '' },
    };
    this.exchanges.set(key, made);
    return made;
  }
}

/** What tshark shows of a DATA frame: with the last one of several the whole body; where there is but one, its padding, too. */
function shown(frame: Json): string {
  const data = at(frame, 'http2.data.data');
  const hex = data === undefined ? '' : string(data).replaceAll(':', '');
  return Buffer.from(hex, 'hex').toString('latin1');
}

/** Bytes of a DATA frame that are not padding (RFC 9113 section 6.1). */
function dataLength(frame: Json): number {
  const length = number(at(frame, 'http2.length'));
  return at(frame, 'http2.padding') === undefined
    ? length
    : length - 1 - number(at(frame, 'http2.pad_length'));
}

/** A field line as it was sent: `Name: value\r\n`. */
function fieldOf(line: Json): Field {
  const text = string(line);
  const colon = text.indexOf(':');
  return [text.slice(0, colon), text.slice(colon + 1).trim()];
}

function at(value: Json | undefined, key: string): Json | undefined {
  return typeof value === 'object' && !Array.isArray(value)
    ? (value as { readonly [key: string]: Json })[key]
    : undefined;
}

/** None, one, or the many that tshark puts into an array. */
function all(value: Json | undefined): readonly Json[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

function string(value: Json | undefined): string {
  if (typeof value !== 'string') throw new Error(`tshark has no text here: ${JSON.stringify(value)}`);
  return value;
}

function number(value: Json | undefined): number {
  return Number(string(value));
}
