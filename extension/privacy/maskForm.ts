/** Secrets in `application/x-www-form-urlencoded` (WHATWG URL section 5). */
import { maskPair } from './maskUrl.ts';

export function maskForm(text: string, depth = 0): string {
  return text
    .split('&')
    .map((pair) => maskPair(pair, depth))
    .join('&');
}
