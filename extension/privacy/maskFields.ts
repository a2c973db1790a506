/** Secrets in header and trailer fields, which include gRPC metadata. */
import { maskJwt } from './maskJwt.ts';
import { maskText } from './maskText.ts';
import { maskTarget } from './maskUrl.ts';
import { isOpaque, isSecretField, isSecretValue, MASK, nameKind } from './secrets.ts';

/** null: not known. */
type Field = readonly [name: string | null, value: string | null];

/** Authentication schemes (IANA's registry and AWS) whose name may stay: it is not a secret. */
const SCHEME =
  /^(Basic|Bearer|Concealed|Digest|DPoP|GNAP|HOBA|Mutual|Negotiate|NTLM|OAuth|PrivateToken|SCRAM-SHA-1|SCRAM-SHA-256|vapid|AWS4-HMAC-SHA256|Token|ApiKey) +\S/i;

/** A whole URL or request target. */
const TARGET = /^(?:\/|[a-z][a-z0-9+.-]{0,32}:\/\/)\S*$/i;

export function maskFields(fields: readonly Field[]): Field[] {
  return fields.map(([name, value]) => [name, value === null ? null : maskFieldValue(name, value)]);
}

function maskFieldValue(name: string | null, value: string): string {
  // A value whose name is not known may be anything.
  if (name === null) return value === '' ? value : MASK;
  if (isSecretField(name)) {
    if (value === '') return value;
    const scheme = name.toLowerCase().endsWith('authorization') ? SCHEME.exec(value)?.[1] : undefined;
    return scheme === undefined ? MASK : `${scheme} ${MASK}`;
  }
  if (isSecretValue(nameKind(name), value, 'member')) return MASK;
  const lower = name.toLowerCase();
  if (lower === 'grpc-message') return maskEncoded(value);
  if (lower === 'sec-websocket-protocol') return maskProtocols(value);
  if (lower === 'host' || lower === ':authority') return maskTarget(value);
  if (HARMLESS.has(value)) return value;
  const masked = TARGET.test(value) ? maskTarget(value) : maskText(value);
  if (masked === value && value.length <= MAX_HARMLESS_LENGTH) {
    if (HARMLESS.size >= MAX_HARMLESS) HARMLESS.clear();
    HARMLESS.add(Buffer.from(value, 'utf16le').toString('utf16le'));
  }
  return masked;
}

/** The same few values recur. Bounded, and copies: a slice would keep the whole head in memory. */
const HARMLESS = new Set<string>();
const MAX_HARMLESS = 512;
const MAX_HARMLESS_LENGTH = 256;

/** Browsers cannot set Authorization on a WebSocket, so some clients send a token as a subprotocol. */
function maskProtocols(value: string): string {
  let named = false;
  return value
    .split(',')
    .map((item) => {
      const protocol = item.trim();
      const secret = named || isOpaque(protocol) || /\bbearer\b/i.test(protocol);
      named = nameKind(protocol) === 'secret';
      return secret && protocol !== '' ? item.replace(protocol, () => MASK) : maskJwt(item);
    })
    .join(',');
}

/** grpc-message is percent-encoded text (gRPC over HTTP/2, "Responses"). */
function maskEncoded(value: string): string {
  if (!value.includes('%')) return maskText(value);
  const text = Buffer.from(
    value.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  ).toString('utf8');
  const masked = maskText(text);
  if (masked === text) return value;
  return masked
    .replace(/[^ -$&-~]+/g, (run) => encodeURIComponent(run))
    .replaceAll(encodeURIComponent(MASK), MASK);
}
