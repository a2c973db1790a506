/** Secrets in CSV (RFC 4180) and tab-separated values: columns with a secret name in the first line. */
import { maskText } from './maskText.ts';
import { Pieces } from './pieces.ts';
import { isSecretValue, MASK, type NameKind, nameKind } from './secrets.ts';

/** Columns that are looked at. */
const MAX_COLUMNS = 1_024;

/** Fields, quoted or bare, each with what separates it from the next. Linear. */
const FIELDS = {
  ',': /("(?:[^"]|"")*"?|[^,\r\n]*)(,|\r?\n|\r|$)/gy,
  '\t': /("(?:[^"]|"")*"?|[^\t\r\n]*)(\t|\r?\n|\r|$)/gy,
} as const;

export function maskCsv(text: string, separator: ',' | '\t'): string {
  const kinds: NameKind[] = [];
  const masked = new Pieces();
  let first = true;
  let column = 0;
  for (const [whole, field = '', end = ''] of text.matchAll(FIELDS[separator])) {
    const quoted = field.startsWith('"');
    const value = quoted ? field.slice(1, field.endsWith('"') && field.length > 1 ? -1 : undefined) : field;
    if (first && column < MAX_COLUMNS) kinds.push(nameKind(value.trim()));
    const secret = !first && value !== '' && isSecretValue(kinds[column] ?? null, value, 'member');
    masked.add(secret ? (quoted ? `"${MASK}"` : MASK) + end : maskText(field) + end);
    column++;
    if (end !== separator) {
      first = false;
      column = 0;
    }
    if (whole === '') break;
  }
  return masked.text();
}
