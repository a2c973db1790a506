/**
 * Methods by which a request line is recognised where parsing has to restart: IANA's registry (RFC 9110
 * section 16.1), PATCH, and the ones that UPnP, WebDAV and caches use. Any token is accepted where a message
 * is known to begin.
 */
const METHODS = new Set([
  ...['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH', 'QUERY'],
  ...['ACL', 'BASELINE-CONTROL', 'BIND', 'CHECKIN', 'CHECKOUT', 'COPY', 'LABEL', 'LINK', 'LOCK', 'MERGE'],
  ...['MKACTIVITY', 'MKCALENDAR', 'MKCOL', 'MKREDIRECTREF', 'MKWORKSPACE', 'MOVE', 'ORDERPATCH', 'PROPFIND'],
  ...['PROPPATCH', 'REBIND', 'REPORT', 'SEARCH', 'UNBIND', 'UNCHECKOUT', 'UNLINK', 'UNLOCK', 'UPDATE'],
  ...[
    'UPDATEREDIRECTREF',
    'VERSION-CONTROL',
    'M-SEARCH',
    'NOTIFY',
    'SUBSCRIBE',
    'UNSUBSCRIBE',
    'PURGE',
    'SOURCE',
  ],
]);

/** Length of the longest known method. */
export const LONGEST_METHOD = Math.max(...[...METHODS].map((method) => method.length));

export function isKnownMethod(method: string): boolean {
  return METHODS.has(method);
}

/** A known method and one space. */
export function isMethodStart(text: string): boolean {
  return text.endsWith(' ') && METHODS.has(text.slice(0, -1));
}

/** Bytes of a TLS record header: a server that expects TLS may read only this much of a plaintext request. */
const RECORD_HEADER = 5;

/** Is a cut-off request recognisable: a known method and a space, or at least five letters of one? */
export function isCutMethod(text: string): boolean {
  return isMethodStart(text) || (text.length >= RECORD_HEADER && isMethodPrefix(text));
}

/** True when `text` could still become a known method and a space. */
export function isMethodPrefix(text: string): boolean {
  for (const method of METHODS) if (`${method} `.startsWith(text)) return true;
  return false;
}
