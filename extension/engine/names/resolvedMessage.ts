/**
 * systemd-resolved's own protocol (Varlink, interface io.systemd.Resolve): JSON messages, each ended by a NUL. Only
 * ResolveHostname is read, which is what getaddrinfo calls through nss-resolve.
 */
import { plainAddress } from './message.ts';

export type ResolvedMessage =
  | { readonly kind: 'call'; readonly name: string; readonly types: readonly ('A' | 'AAAA')[] }
  /** @property code RCODE; null: the server sent none. */
  | { readonly kind: 'error'; readonly error: string; readonly code: number | null }
  | { readonly kind: 'answer'; readonly addresses: readonly string[]; readonly name: string | null };

const METHOD = 'io.systemd.Resolve.ResolveHostname';
const ERROR = 'io.systemd.Resolve.';
const INET = 2;
const INET6 = 10;
const MAX_NAME = 255;

/** null: not such a message, or incomplete. */
export function readResolvedMessage(bytes: Buffer): ResolvedMessage | null {
  const message = parse(bytes);
  if (message === null) return null;
  const { method, error } = message;
  const parameters: Fields = isObject(message.parameters) ? message.parameters : {};
  if (method !== undefined) {
    const { name, family } = parameters;
    if (method !== METHOD || typeof name !== 'string' || name === '' || name.length > MAX_NAME) return null;
    const types =
      family === INET
        ? ['A' as const]
        : family === INET6
          ? ['AAAA' as const]
          : ['A' as const, 'AAAA' as const];
    return { kind: 'call', name: lowerName(name), types };
  }
  if (error !== undefined) {
    if (typeof error !== 'string') return null;
    const { rcode } = parameters;
    return {
      kind: 'error',
      error: error.startsWith(ERROR) ? error.slice(ERROR.length) : error,
      code: typeof rcode === 'number' ? rcode : null,
    };
  }
  const { addresses, name } = parameters;
  if (!Array.isArray(addresses)) return null;
  return {
    kind: 'answer',
    addresses: addresses.flatMap(addressOf),
    name: typeof name === 'string' && name.length <= MAX_NAME ? lowerName(name) : null,
  };
}

/** The members that are read; their types are not checked yet. */
interface Fields {
  readonly method?: unknown;
  readonly error?: unknown;
  readonly parameters?: unknown;
  readonly name?: unknown;
  readonly family?: unknown;
  readonly rcode?: unknown;
  readonly addresses?: unknown;
  readonly address?: unknown;
}

function parse(bytes: Buffer): Fields | null {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function addressOf(entry: unknown): string[] {
  if (!isObject(entry) || !Array.isArray(entry.address)) return [];
  const { family, address } = entry;
  const length = family === INET ? 4 : family === INET6 ? 16 : 0;
  if (length === 0 || address.length !== length) return [];
  if (!address.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255)) return [];
  return [plainAddress(Uint8Array.from(address as number[]))];
}

function lowerName(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}
