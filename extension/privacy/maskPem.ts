/** Private keys in PEM (RFC 7468) anywhere in text: the text between the BEGIN and END lines. */
import { MASK } from './secrets.ts';

const LABEL = 'PRIVATE KEY';
const DASHES = '-----';

/** Linear in the text. A key that is cut is masked as far as it goes. */
export function maskPem(text: string): string {
  let at = text.indexOf(LABEL);
  if (at < 0) return text;
  let masked = '';
  let from = 0;
  while (at >= 0) {
    // `PRIVATE KEY BLOCK`, as OpenPGP writes it (RFC 9580 section 6.2).
    const begin = text.startsWith(' BLOCK', at + LABEL.length) ? at + LABEL.length + 6 : at + LABEL.length;
    const opens =
      text.startsWith(DASHES, begin) && /-----BEGIN [A-Z ]{0,32}$/.test(text.slice(Math.max(0, at - 48), at));
    if (!opens) {
      at = text.indexOf(LABEL, at + 1);
      continue;
    }
    const contentFrom = begin + DASHES.length;
    const end = text.indexOf('-----END', contentFrom);
    const to = end < 0 ? text.length : end;
    masked += text.slice(from, contentFrom) + (to > contentFrom ? MASK : '');
    from = to;
    at = text.indexOf(LABEL, skipEnd(text, to));
  }
  return from === 0 ? text : masked + text.slice(from);
}

/** After the label of a key's END line. */
function skipEnd(text: string, end: number): number {
  const label = text.indexOf(LABEL, end);
  return label < 0 ? text.length : label + LABEL.length;
}
