/** What a WebSocket's opening handshake says about its frames (RFC 6455 section 4, RFC 7692 section 7.1). */
import { createHash } from 'node:crypto';
import { readParameters } from '../../../http/mediaType.ts';
import type { MessageKind } from '../../exchange.ts';
import type { StoredExchange } from '../../storedExchange.ts';
import type { StoredMessage } from '../../storedMessage.ts';
import type { LabelName } from '../labels.ts';

export interface Deflate {
  /** Messages of this direction may refer to earlier ones (context takeover). */
  readonly takeover: boolean;
  /** How far back messages refer, in bytes. */
  readonly window: number;
}

export interface Handshake {
  /** permessage-deflate; null: not negotiated. */
  readonly deflate: Deflate | null;
  /** Other extensions were negotiated, so reserved bits may be set. */
  readonly extended: boolean;
  readonly broken: readonly LabelName[];
}

/** RFC 6455 section 1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** Longest value that is examined. */
const MAX_LENGTH = 4_096;

/** @param kind the direction whose frames will be read. */
export function readHandshake(exchange: StoredExchange, kind: MessageKind): Handshake {
  const { request, response } = exchange;
  const broken: LabelName[] = [];
  if (!accepts(request, response)) broken.push('ws-accept');
  let deflate: Deflate | null = null;
  let extended = false;
  for (const extension of extensionsOf(response)) {
    const semicolon = extension.indexOf(';');
    const name = (semicolon < 0 ? extension : extension.slice(0, semicolon)).trim().toLowerCase();
    if (name === '') continue;
    if (name === 'permessage-deflate' && deflate === null) {
      deflate = readDeflate(semicolon < 0 ? '' : extension.slice(semicolon), kind, broken);
    } else extended = true;
  }
  return { deflate, extended, broken };
}

/** Does the response answer the request's key? True also where that is unknown. */
function accepts(request: StoredMessage | null, response: StoredMessage | null): boolean {
  const key = request?.field('sec-websocket-key') ?? null;
  const accept = response?.field('sec-websocket-accept') ?? null;
  // HTTP/2 has neither (RFC 8441 section 5).
  if (key === null || response === null || response.headIncomplete || response.status !== 101) return true;
  return (
    accept?.trim() ===
    createHash('sha1')
      .update(key.trim() + GUID)
      .digest('base64')
  );
}

function extensionsOf(response: StoredMessage | null): string[] {
  return (response?.fields ?? [])
    .filter(([name]) => name?.toLowerCase() === 'sec-websocket-extensions')
    .flatMap(([, value]) => (value ?? '').slice(0, MAX_LENGTH).split(','));
}

function readDeflate(parameters: string, kind: MessageKind, broken: LabelName[]): Deflate {
  const own = kind === 'request' ? 'client' : 'server';
  let takeover = true;
  let window = 15;
  const seen = new Set<string>();
  // A parameter without a value has no `=`.
  for (const text of parameters.split(';')) {
    const [[name, value] = [text.trim().toLowerCase(), null]] = readParameters(`;${text}`);
    if (name === '') continue;
    const end = name.startsWith('client_') ? 'client' : 'server';
    const bits = value !== null && /^(?:[89]|1[0-5])$/.test(value) ? Number(value) : null;
    const valid =
      !seen.has(name) &&
      (/^(?:client|server)_no_context_takeover$/.test(name)
        ? value === null
        : /^(?:client|server)_max_window_bits$/.test(name) && bits !== null);
    seen.add(name);
    if (!valid) {
      broken.push('ws-parameter');
      continue;
    }
    if (end !== own) continue;
    if (bits === null) takeover = false;
    else window = bits;
  }
  // zlib uses 9 for 8.
  return { takeover, window: 1 << Math.max(9, window) };
}
