/** SOCKS 5 (RFC 1928), with user name and password (RFC 1929) or without authentication. */
import { formatAddress } from '../address.ts';
import { hostAndPort, type LayerResult } from './layer.ts';

const VERSION = 5;
const AUTHENTICATION = 1;
const MOST_METHODS = 32;
/** The method that a proxy chooses if it accepts none of the client's methods. */
const NO_METHOD = 0xff;

/** Greeting, user name and password if they are sent, and request. */
export function readSocks5Client(bytes: Buffer): LayerResult {
  if (bytes[0] !== VERSION) return null;
  const methods = bytes[1];
  if (methods === undefined) return 'more';
  if (methods === 0 || methods > MOST_METHODS) return null;
  let at = 2 + methods;
  if (bytes[at] === AUTHENTICATION) {
    const user = bytes[at + 1];
    if (user === undefined) return 'more';
    const password = bytes[at + 2 + user];
    if (password === undefined) return 'more';
    at += 3 + user + password;
  }
  return readAddressed(bytes, at);
}

/** Are these bytes exactly a greeting? The client sends the rest only in reply to the server. */
export function isSocks5Client(bytes: Buffer): boolean {
  const methods = bytes[1] ?? 0;
  return bytes[0] === VERSION && methods > 0 && methods <= MOST_METHODS && bytes.length === 2 + methods;
}

/** The chosen method, the result of authentication if there is one, and reply. */
export function readSocks5Server(bytes: Buffer): LayerResult {
  if (bytes.length === 0) return 'more';
  if (bytes[0] !== VERSION) return null;
  const at = bytes[2] === AUTHENTICATION ? 4 : 2;
  const reply = readAddressed(bytes, at);
  // The address in it is the proxy's own.
  return reply === null || reply === 'more' ? reply : { ...reply, target: null };
}

/** Why the proxy refuses to connect, in words; null: it does not refuse, or has not answered yet. */
export function socks5Refusal(bytes: Buffer): string | null {
  if (bytes[0] !== VERSION) return null;
  if (bytes[1] === NO_METHOD) return 'the proxy accepted none of the offered authentication methods';
  const authenticated = bytes[2] === AUTHENTICATION;
  if (authenticated && (bytes[3] ?? 0) !== 0) return 'user name or password not accepted';
  const at = authenticated ? 4 : 2;
  const code = bytes[at + 1];
  if (bytes[at] !== VERSION || code === undefined || code === 0) return null;
  return REPLIES[code] ?? `reply ${code}`;
}

/** RFC 1928 section 6. */
const REPLIES: Readonly<Record<number, string>> = {
  1: 'the proxy failed',
  2: 'not allowed by the proxy’s rules',
  3: 'network unreachable',
  4: 'host unreachable',
  5: 'connection refused',
  6: 'timed out (TTL expired)',
  7: 'command not supported',
  8: 'type of address not supported',
};

/** Request and reply (RFC 1928 sections 4 and 6). */
function readAddressed(bytes: Buffer, at: number): LayerResult {
  if (bytes[at] !== undefined && bytes[at] !== VERSION) return null;
  const type = bytes[at + 3];
  if (type === undefined) return 'more';
  const named = type === 3;
  const length = named ? bytes[at + 4] : type === 1 ? 4 : type === 4 ? 16 : null;
  if (length === undefined) return 'more';
  if (length === null) return null;
  const from = at + (named ? 5 : 4);
  const end = from + length + 2;
  if (bytes.length < end) return 'more';
  const port = bytes.readUInt16BE(end - 2);
  const address = bytes.subarray(from, from + length);
  const target = named
    ? hostAndPort(address.toString('latin1'), port)
    : formatAddress(type === 1 ? 'ipv4' : 'ipv6', address, port);
  return { end, client: null, target };
}
