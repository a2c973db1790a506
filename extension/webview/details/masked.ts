import type { ExchangeJson, MessageJson, StreamMessageJson } from '../../engine/exchangeJson.ts';
import { MASK } from '../../privacy/secrets.ts';

/** In a URL the mask may be percent-encoded. */
const ENCODED = encodeURIComponent(MASK);

const holds = (text: string | null): boolean =>
  text !== null && (text.includes(MASK) || text.includes(ENCODED));

/** true when a secret is hidden, so that there is something to show. */
export function isMasked(exchange: ExchangeJson): boolean {
  return (
    holds(exchange.url) ||
    holds(exchange.statusText) ||
    holds(exchange.grpc?.message ?? null) ||
    holds(exchange.http2?.goAway?.text ?? null) ||
    exchange.interim.some(({ headers }) => headers.some(([, value]) => holds(value))) ||
    inMessage(exchange.request) ||
    inMessage(exchange.response) ||
    exchange.messages.some(holdsMask) ||
    (exchange.ai?.completion ?? []).some(({ parts }) => parts.some(({ text }) => holds(text)))
  );
}

export function holdsMask(message: StreamMessageJson): boolean {
  return ('text' in message && holds(message.text)) || message.fields.some(([, value]) => holds(value));
}

function inMessage(message: MessageJson | null): boolean {
  if (message === null) return false;
  const { headers, trailers, body } = message;
  return (
    [...headers, ...trailers].some(([, value]) => holds(value)) ||
    (body !== null && 'text' in body && holds(body.text))
  );
}
