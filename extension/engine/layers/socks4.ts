/** SOCKS 4 and 4A: the client's request and the server's reply. */
import { formatAddress } from '../address.ts';
import { hostAndPort, type LayerResult } from './layer.ts';

const VERSION = 4;
const FIXED = 8;
const REPLY_SIZE = 8;
const GRANTED = 90;
/** Bytes of a user id or host name that are accepted. */
const LONGEST = 512;

export function readSocks4Request(bytes: Buffer): LayerResult {
  if (bytes[0] !== VERSION) return null;
  const command = bytes[1];
  if (command !== undefined && command !== 1 && command !== 2) return null;
  if (bytes.length < FIXED) return 'more';
  const port = bytes.readUInt16BE(2);
  const userEnd = bytes.indexOf(0, FIXED);
  if (userEnd < 0 || userEnd > FIXED + LONGEST) return bytes.length > FIXED + LONGEST ? null : 'more';
  // Only after 0.0.0.x does a name to look up follow.
  if (bytes.readUIntBE(4, 3) !== 0 || bytes[7] === 0) {
    const target = formatAddress('ipv4', bytes.subarray(4, 8), port);
    return { end: userEnd + 1, client: null, target };
  }
  const nameEnd = bytes.indexOf(0, userEnd + 1);
  if (nameEnd < 0) return bytes.length > userEnd + LONGEST ? null : 'more';
  const name = bytes.toString('latin1', userEnd + 1, nameEnd);
  return { end: nameEnd + 1, client: null, target: hostAndPort(name, port) };
}

/** Are these bytes exactly a client's request? */
export function isSocks4Client(bytes: Buffer): boolean {
  const request = readSocks4Request(bytes);
  return request !== null && request !== 'more' && request.end === bytes.length;
}

export function readSocks4Reply(bytes: Buffer): LayerResult {
  if (bytes.length === 0) return 'more';
  if (bytes[0] !== 0 || (bytes.length > 1 && bytes[1] !== GRANTED)) return null;
  return bytes.length < REPLY_SIZE ? 'more' : { end: REPLY_SIZE, client: null, target: null };
}

/** Why the proxy refuses to connect, in words; null: it does not refuse, or has not answered yet. */
export function socks4Refusal(bytes: Buffer): string | null {
  if (bytes[0] !== 0) return null;
  return REFUSALS[bytes[1] ?? GRANTED] ?? null;
}

const REFUSALS: Readonly<Record<number, string>> = {
  91: 'rejected or failed',
  92: 'the proxy cannot reach identd on the client',
  93: 'identd on the client names another user',
};
