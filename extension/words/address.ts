/** The destination of a call, as text for users. */
import type { ExchangeRow } from '../engine/row.ts';
import { pathOf, urlOf } from '../engine/url.ts';

export { urlOf };

type Addressed = Pick<ExchangeRow, 'scheme' | 'host' | 'path' | 'encrypted'>;

/** The URL for pasting; null when host or target are unknown. */
export function completeUrl(row: Addressed): string | null {
  return row.host === null ? null : urlOf(row);
}

/** The URL as far as it is known, or the peer of an encrypted connection; null when neither is known. */
export function addressText(row: Addressed): string | null {
  return urlOf(row) ?? row.host;
}

/** Host and path separately, for a list: concatenated, they are the URL without its scheme. */
export function addressParts({ scheme, host, path }: Addressed): { host: string; path: string } {
  if (path === null) return { host: host ?? '', path: '' };
  if (host === null) return { host: '', path };
  // authority-form: see urlOf.
  return { host, path: scheme === null ? '' : pathOf(path) };
}

/** The path without query or fragment, which is what calls of one route share; null when unknown. */
export function routeOf(path: string | null): string | null {
  if (path === null) return null;
  const end = path.search(/[?#]/);
  return end < 0 ? path : path.slice(0, end);
}
