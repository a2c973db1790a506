/** One line per exchange, for tests that compare many. */
import type { BodyJson, ExchangeJson } from '../exchangeJson.ts';

function body(part: { readonly body: BodyJson | null } | null): string {
  if (part === null || part.body === null) return '';
  return 'text' in part.body ? JSON.stringify(part.body.text) : `base64:${part.body.base64}`;
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
  for (const violation of json.violations)
    words.push(`!${violation.in} ${violation.rule}: ${violation.message}`);
  return words.filter((word) => word !== '').join(' ');
}
