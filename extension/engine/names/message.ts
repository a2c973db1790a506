/**
 * Reads DNS messages (RFC 1035 section 4): the question, and the addresses in the answer. Strict: anything but a message
 * with one question is null. Only the beginning of a message may have been copied.
 */
import { formatIPv6 } from '../address.ts';

export const TYPE_A = 1;
export const TYPE_AAAA = 28;
const TYPE_CNAME = 5;
const CLASS_IN = 1;

const HEADER = 12;
/** Bytes after a record's name: type, class, time to live, length of the data. */
const RECORD = 10;
const MAX_LABEL = 63;
const MAX_NAME = 255;
/** Records of one message that are read. No name has this many addresses. */
const MAX_RECORDS = 256;

export interface DnsMessage {
  readonly id: number;
  readonly response: boolean;
  readonly truncated: boolean;
  /** RCODE: 0 is success. */
  readonly code: number;
  /** The name asked for, in lower case, without the final dot. */
  readonly name: string;
  /** QTYPE. */
  readonly type: number;
  /** Addresses of the name, or of the name that it is an alias of. */
  readonly addresses: readonly string[];
  /** The last alias; null: the name is not an alias. */
  readonly alias: string | null;
  /** All answers were read. */
  readonly whole: boolean;
}

interface Name {
  readonly text: string;
  /** Offset after the name. */
  readonly end: number;
}

/** @param bytes the beginning of a message, or all of it. */
export function readDnsMessage(bytes: Buffer): DnsMessage | null {
  if (bytes.length < HEADER) return null;
  const flags = bytes.readUInt16BE(2);
  const answers = bytes.readUInt16BE(6);
  // OPCODE 0 is a query; it has one question (RFC 9619).
  if ((flags & 0x7800) !== 0 || bytes.readUInt16BE(4) !== 1) return null;
  const asked = readName(bytes, HEADER);
  if (asked === null || asked.end + 4 > bytes.length) return null;
  if (bytes.readUInt16BE(asked.end + 2) !== CLASS_IN) return null;
  const found = readAnswers(bytes, asked.end + 4, answers, asked.text);
  return {
    id: bytes.readUInt16BE(0),
    response: (flags & 0x8000) !== 0,
    truncated: (flags & 0x0200) !== 0,
    code: flags & 0x000f,
    name: asked.text,
    type: bytes.readUInt16BE(asked.end),
    ...found,
  };
}

function readAnswers(
  bytes: Buffer,
  from: number,
  count: number,
  name: string,
): Pick<DnsMessage, 'addresses' | 'alias' | 'whole'> {
  const addresses: string[] = [];
  // Aliases come before what they lead to (RFC 1034 section 3.6.2); addresses of other names do not count.
  const names = new Set([name]);
  let alias: string | null = null;
  let at = from;
  for (let i = 0; i < count; i++) {
    const owner = i < MAX_RECORDS ? readName(bytes, at) : null;
    if (owner === null || owner.end + RECORD > bytes.length) return { addresses, alias, whole: false };
    const type = bytes.readUInt16BE(owner.end);
    const length = bytes.readUInt16BE(owner.end + 8);
    const data = owner.end + RECORD;
    at = data + length;
    if (at > bytes.length) return { addresses, alias, whole: false };
    if (bytes.readUInt16BE(owner.end + 2) !== CLASS_IN || !names.has(owner.text)) continue;
    if (type === TYPE_A && length === 4) addresses.push(bytes.subarray(data, at).join('.'));
    else if (type === TYPE_AAAA && length === 16) addresses.push(plainAddress(bytes.subarray(data, at)));
    else if (type === TYPE_CNAME) {
      const target = readName(bytes, data);
      if (target === null || target.end !== at) continue;
      names.add(target.text);
      alias = target.text;
    }
  }
  return { addresses, alias, whole: true };
}

/** An address in a form that can be compared: an IPv4-mapped IPv6 address is written as IPv4. */
export function plainAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const text = formatIPv6(bytes);
  return text.startsWith('::ffff:') && text.includes('.') ? text.slice(7) : text;
}

/**
 * Reads a name, which may end in a pointer to an earlier one (section 4.1.4). Each pointer must point further back, so
 * that reading terminates. null if it is invalid or incomplete.
 */
function readName(bytes: Buffer, from: number): Name | null {
  const labels: string[] = [];
  let length = 1;
  let at = from;
  let lowest = from;
  let end: number | null = null;
  for (;;) {
    const size = bytes[at];
    if (size === undefined) return null;
    if ((size & 0xc0) === 0xc0) {
      const low = bytes[at + 1];
      if (low === undefined) return null;
      const to = ((size & 0x3f) << 8) | low;
      if (to >= lowest || to < HEADER) return null;
      end ??= at + 2;
      lowest = to;
      at = to;
      continue;
    }
    if (size > MAX_LABEL) return null;
    at++;
    if (size === 0) return { text: labels.join('.'), end: end ?? at };
    length += size + 1;
    if (length > MAX_NAME || at + size > bytes.length) return null;
    labels.push(labelText(bytes.subarray(at, at + size)));
    at += size;
  }
}

/** Printable ASCII in lower case; other bytes, dots and backslashes as RFC 1035 section 5.1 writes them. */
function labelText(label: Uint8Array): string {
  let text = '';
  for (const byte of label) {
    if (byte === 0x2e || byte === 0x5c) text += `\\${String.fromCharCode(byte)}`;
    else if (byte > 0x20 && byte < 0x7f) text += String.fromCharCode(byte).toLowerCase();
    else text += `\\${String(byte).padStart(3, '0')}`;
  }
  return text;
}
