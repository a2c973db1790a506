/** The URL of a request, from the parts that are known of its target (RFC 9110 section 7.1). */

export interface UrlParts {
  readonly scheme: 'http' | 'https' | null;
  /** Authority; null when unknown. */
  readonly host: string | null;
  /** Path and query, or the whole target where it is in another form; null when unknown. */
  readonly path: string | null;
}

/** absolute-form (RFC 9112 section 3.2.2), whatever the scheme. */
const ABSOLUTE = /^[a-z][a-z0-9+.-]*:\/\//i;

/** Absolute where the host is known, else the target as sent; null when the target is unknown. */
export function urlOf({ scheme, host, path }: UrlParts): string | null {
  // The target of CONNECT (authority-form, section 3.2.3) has no scheme and is the host itself.
  if (path === null || host === null || scheme === null || ABSOLUTE.test(path)) return path;
  return `${scheme}://${host}${pathOf(path)}`;
}

/** The path of a URL: asterisk-form (section 3.2.4) means the server itself, which has none. */
export function pathOf(target: string): string {
  if (target === '*') return '';
  return target.startsWith('/') ? target : `/${target}`;
}
