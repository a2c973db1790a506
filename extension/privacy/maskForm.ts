/** Secrets in `application/x-www-form-urlencoded` (WHATWG URL section 5). */
import { maskPair } from './maskUrl.ts';
import { Pieces } from './pieces.ts';

export function maskForm(text: string, depth = 0): string {
  const masked = new Pieces();
  for (let from = 0; ; ) {
    const to = text.indexOf('&', from);
    masked.add(maskPair(to < 0 ? text.slice(from) : text.slice(from, to), depth));
    if (to < 0) return masked.text();
    masked.add('&');
    from = to + 1;
  }
}
