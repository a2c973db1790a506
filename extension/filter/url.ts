/** A URL as a search term: pasted from a browser, from a log, or from Copy URL. */
import type { ExchangeRow } from '../engine/row.ts';
import { MASK } from '../privacy/secrets.ts';
import { urlOf } from '../words/address.ts';
import { matchesPieces } from './patterns.ts';
import type { Matcher } from './subject.ts';

const SCHEME = /^[a-z][a-z0-9+.-]*:\/\/./;
/** RFC 6455 section 3: a WebSocket handshake is HTTP. */
const OF_HTTP: Readonly<Record<string, string>> = { ws: 'http', wss: 'https' };
const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: ':80', https: ':443' };

export interface Address {
  readonly scheme: string;
  readonly host: string;
  /** Path and query; empty where there is only the host. */
  readonly rest: string;
}

/**
 * Calls whose URL begins with this one. A fragment, a default port and userinfo make no difference: they are not sent
 * (RFC 9110 section 4.2). A masked secret of the call matches anything. null: it is not a URL.
 */
export function urlMatcher(text: string): Matcher | null {
  const wanted = urlAddress(text);
  if (wanted === null) return null;
  const mask = MASK.toLowerCase();
  return ({ row }) => {
    // This rules out nearly all rows, without building their URL.
    if (row.scheme !== null && row.scheme !== wanted.scheme) return false;
    const own = ofRow(row);
    if (own === null || own.scheme !== wanted.scheme) return false;
    if (wanted.rest === '') return own.host.startsWith(wanted.host);
    if (own.host !== wanted.host) return false;
    if (own.rest.startsWith(wanted.rest)) return true;
    return own.rest.includes(mask) && matchesPieces(wanted.rest, own.rest.split(mask));
  };
}

/** What a URL names, in lower case and without what is not sent; null: it is not a URL. */
export function urlAddress(text: string): Address | null {
  return addressOf(text.toLowerCase().replace(/#.*$/, ''));
}

function ofRow(row: ExchangeRow): Address | null {
  const { scheme, host, path } = row;
  // As urlOf, without building a string to parse again.
  if (scheme !== null && host !== null && path?.startsWith('/') === true) {
    return { scheme, host: hostOf(scheme, host.toLowerCase()), rest: path === '/' ? '' : path.toLowerCase() };
  }
  return addressOf(urlOf(row)?.toLowerCase() ?? '');
}

function hostOf(scheme: string, authority: string): string {
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  const port = DEFAULT_PORTS[scheme] ?? '';
  return port !== '' && host.endsWith(port) ? host.slice(0, -port.length) : host;
}

function addressOf(url: string): Address | null {
  const colon = url.indexOf('://');
  if (colon <= 0 || !SCHEME.test(url)) return null;
  const written = url.slice(0, colon);
  const scheme = OF_HTTP[written] ?? written;
  let end = colon + 3;
  while (end < url.length && url[end] !== '/' && url[end] !== '?') end++;
  const rest = url.slice(end);
  return { scheme, host: hostOf(scheme, url.slice(colon + 3, end)), rest: rest === '/' ? '' : rest };
}
