/** Makes DNS messages (RFC 1035 section 4), for tests. */

export type Answer =
  | { readonly owner?: string; readonly a: string }
  | { readonly owner?: string; readonly aaaa: string }
  | { readonly owner?: string; readonly cname: string }
  /** A record of another type. */
  | { readonly owner?: string; readonly type: number; readonly data: Uint8Array };

export interface Message {
  readonly id: number;
  readonly name: string;
  readonly type: 'A' | 'AAAA' | number;
}

export interface Response {
  /** RCODE. */
  readonly code?: number;
  readonly truncated?: boolean;
  readonly answers?: readonly Answer[];
}

const TYPES = { A: 1, AAAA: 28 } as const;

export function dnsQuery(message: Message): Buffer {
  return Buffer.concat([head(message.id, 0x0100, 0), question(message)]);
}

export function dnsResponse(
  message: Message,
  { code = 0, truncated = false, answers = [] }: Response = {},
): Buffer {
  const flags = 0x8180 | (truncated ? 0x0200 : 0) | code;
  return Buffer.concat([head(message.id, flags, answers.length), question(message), ...answers.map(record)]);
}

/** As it is on a stream. */
export function prefixed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

export function encodeName(name: string): Buffer {
  const labels = name === '' ? [] : name.split('.');
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')])),
    Buffer.alloc(1),
  ]);
}

function head(id: number, flags: number, answers: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt16BE(id, 0);
  bytes.writeUInt16BE(flags, 2);
  bytes.writeUInt16BE(1, 4);
  bytes.writeUInt16BE(answers, 6);
  return bytes;
}

function question({ name, type }: Message): Buffer {
  const rest = Buffer.alloc(4);
  rest.writeUInt16BE(typeof type === 'number' ? type : TYPES[type], 0);
  rest.writeUInt16BE(1, 2);
  return Buffer.concat([encodeName(name), rest]);
}

/** An owner that is left out is a pointer to the question. */
function record(answer: Answer): Buffer {
  const owner = answer.owner === undefined ? Buffer.from([0xc0, 12]) : encodeName(answer.owner);
  const [type, data] = contentOf(answer);
  const rest = Buffer.alloc(10);
  rest.writeUInt16BE(type, 0);
  rest.writeUInt16BE(1, 2);
  rest.writeUInt32BE(60, 4);
  rest.writeUInt16BE(data.length, 8);
  return Buffer.concat([owner, rest, data]);
}

function contentOf(answer: Answer): [number, Uint8Array] {
  if ('a' in answer) return [TYPES.A, Buffer.from(answer.a.split('.').map(Number))];
  if ('aaaa' in answer) return [TYPES.AAAA, ipv6(answer.aaaa)];
  if ('cname' in answer) return [5, encodeName(answer.cname)];
  return [answer.type, answer.data];
}

function ipv6(text: string): Buffer {
  const [head = '', tail = ''] = text.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === '' ? [] : tail.split(':');
  const zeros = text.includes('::') ? 8 - left.length - right.length : 0;
  const bytes = Buffer.alloc(16);
  for (const [i, group] of [...left, ...Array<string>(zeros).fill('0'), ...right].entries()) {
    bytes.writeUInt16BE(Number.parseInt(group, 16), 2 * i);
  }
  return bytes;
}
