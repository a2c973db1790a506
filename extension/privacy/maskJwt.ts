/**
 * Secrets that are recognized by their form, anywhere in text: private keys in PEM, and JSON Web Tokens (RFC 7519),
 * base64url segments separated by dots, the first of which begins like every JSON object.
 */
import { maskPem } from './maskPem.ts';
import { Replaced } from './pieces.ts';
import { MASK } from './secrets.ts';

const BEGINNING = 'eyJ';

function isBase64Url(code: number): boolean {
  return (
    (code >= 48 && code <= 57) ||
    (code >= 65 && code <= 90) ||
    (code >= 97 && code <= 122) ||
    code === 45 ||
    code === 95
  );
}

/** Linear in the text. A token that is cut is masked as far as it goes. */
export function maskJwt(input: string): string {
  const text = maskPem(input);
  let at = text.indexOf(BEGINNING);
  if (at < 0) return text;
  const masked = new Replaced(text);
  while (at >= 0) {
    let end = at;
    let dots = 0;
    while (end < text.length) {
      if (text.charCodeAt(end) === 46) dots++;
      else if (!isBase64Url(text.charCodeAt(end))) break;
      end++;
    }
    // A sentence may end after a token.
    while (end > at && text.charCodeAt(end - 1) === 46) {
      end--;
      dots--;
    }
    if (dots > 0) {
      masked.replace(at, end, MASK);
    }
    at = text.indexOf(BEGINNING, Math.max(end, at + 1));
  }
  return masked.result();
}
