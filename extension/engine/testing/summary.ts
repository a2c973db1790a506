/** One line per exchange, for tests that compare many. */
import type { BodyJson, ExchangeJson, StreamMessageJson } from '../exchangeJson.ts';

function body(part: { readonly body: BodyJson | null } | null): string {
  if (part === null || part.body === null) return '';
  return 'text' in part.body ? JSON.stringify(part.body.text) : `base64:${part.body.base64}`;
}

/** `>text 5 "hello"`: direction, kind, fields, size, content, and what is wrong with it. */
export function messageSummary(message: StreamMessageJson): string {
  const words = [
    `${message.direction === 'out' ? '>' : message.direction === 'in' ? '<' : '?'}${message.kind}`,
    ...message.fields.map(([name, value]) => `${name}=${value}`),
    String(message.size ?? '?'),
    'text' in message ? JSON.stringify(message.text) : `base64:${message.base64}`,
  ];
  if (message.compressedSize !== null) words.push(`(${message.compressedSize} sent)`);
  if (message.note !== null) words.push(`(${message.note})`);
  for (const { rule } of message.violations) words.push(`!${rule}`);
  return words.join(' ');
}

/** `GET http://a/ → 200 [complete] req "…" res "…" !RFC 9112 section 2.2` */
export function summary(json: ExchangeJson): string {
  const words = [
    json.method ?? '?',
    json.url ?? '?',
    '→',
    ...json.interim.map((interim) => `(${interim.status})`),
    String(json.status ?? '-'),
    `[${json.completeness.join(' ')}]`,
  ];
  if (json.request !== null && json.request.bodySize !== 0) {
    words.push('req', `${json.request.bodySize}`, body(json.request));
  }
  if (json.response !== null && json.response.bodySize !== 0) {
    words.push('res', `${json.response.bodySize}`, body(json.response));
  }
  for (const message of json.messages) words.push(messageSummary(message));
  for (const violation of json.violations)
    words.push(`!${violation.in} ${violation.rule}: ${violation.message}`);
  return words.filter((word) => word !== '').join(' ');
}
