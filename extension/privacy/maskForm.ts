/** Secrets in `application/x-www-form-urlencoded` (WHATWG URL section 5). */
import { maskParameter } from './maskUrl.ts';

export function maskForm(text: string): string {
  return text
    .split('&')
    .map((pair) => {
      const equals = pair.indexOf('=');
      if (equals < 0) return pair;
      const value = pair.slice(equals + 1);
      const masked = maskParameter(pair.slice(0, equals).trim(), value);
      return masked === value ? pair : pair.slice(0, equals + 1) + masked;
    })
    .join('&');
}
