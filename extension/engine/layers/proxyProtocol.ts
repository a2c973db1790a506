/** PROXY protocol, versions 1 and 2: before any other bytes, a proxy names the client whose connection it forwards. */
import { formatAddress } from '../address.ts';
import { hostAndPort, type LayerPart, type LayerResult } from './layer.ts';

const V1 = 'PROXY ';
/** Section 2.1, CRLF included. */
const V1_LONGEST = 107;
const V2 = '\r\n\r\n\0\r\nQUIT\n';
const V2_HEADER = 16;

/** Command in the lower four bits of a version 2 header's 13th byte. */
const COMMAND_PROXY = 1;

export function readProxyHeader(bytes: Buffer): LayerResult {
  const text = bytes.toString('latin1', 0, V1_LONGEST);
  if (text.startsWith(V1)) return readLine(text);
  if (text.startsWith(V2)) return readBinary(bytes);
  return V1.startsWith(text) || V2.startsWith(text) ? 'more' : null;
}

function readLine(text: string): LayerResult {
  const end = text.indexOf('\n');
  if (end < 0) return text.length < V1_LONGEST ? 'more' : null;
  const [, family, source = '', destination = '', sourcePort, destinationPort] = text
    .slice(0, end)
    .trimEnd()
    .split(' ');
  const part = { end: end + 1, client: null, target: null };
  if (family !== 'TCP4' && family !== 'TCP6') return family === 'UNKNOWN' ? part : null;
  return {
    ...part,
    client: hostAndPort(source, Number(sourcePort)),
    target: hostAndPort(destination, Number(destinationPort)),
  };
}

function readBinary(bytes: Buffer): LayerResult {
  if (bytes.length < V2_HEADER) return 'more';
  const command = bytes[12] as number;
  if (command >> 4 !== 2) return null;
  const family = (bytes[13] as number) >> 4;
  const length = bytes.readUInt16BE(14);
  const end = V2_HEADER + length;
  if (bytes.length < end) return 'more';
  const none: LayerPart = { end, client: null, target: null };
  const size = family === 1 ? 4 : family === 2 ? 16 : 0;
  // LOCAL: the proxy's own connection, such as a health check.
  if ((command & 15) !== COMMAND_PROXY || size === 0 || length < 2 * size + 4) return none;
  const address = (at: number, port: number): string | null =>
    formatAddress(family === 1 ? 'ipv4' : 'ipv6', bytes.subarray(at, at + size), bytes.readUInt16BE(port));
  const ports = V2_HEADER + 2 * size;
  return { end, client: address(V2_HEADER, ports), target: address(V2_HEADER + size, ports + 2) };
}
