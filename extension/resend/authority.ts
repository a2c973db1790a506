/** The server that a request is sent to, and was sent to. */
import type { Socket } from 'node:net';
import type { HttpRequest } from '../export/replay.ts';

/** Name or address, without brackets, and port. */
export function serverOf({ authority, scheme }: HttpRequest): { host: string; port: number } {
  const [, host = authority, port] = /^(.*?)(?::(\d+))?$/.exec(authority) ?? [];
  const bare = host.startsWith('[') ? host.slice(1, -1) : host;
  return { host: bare, port: port === undefined ? (scheme === 'https' ? 443 : 80) : Number(port) };
}

/** Address and port of the other end; null: it is not known any more. */
export function remoteOf({
  remoteAddress,
  remotePort,
}: Pick<Socket, 'remoteAddress' | 'remotePort'>): string | null {
  if (remoteAddress === undefined) return null;
  return `${remoteAddress.includes(':') ? `[${remoteAddress}]` : remoteAddress}:${remotePort}`;
}
