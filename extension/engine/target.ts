/** A request's target: scheme, authority and path by RFC 9110 section 7.1 and RFC 9112 section 3.3. */
import type { StoredExchange } from './storedExchange.ts';
import { type UrlParts, urlOf } from './url.ts';

export interface Target {
  readonly scheme: 'http' | 'https' | null;
  /** Authority as the request names it, else the server's address (or the target named to a proxy), else null. */
  readonly host: string | null;
  /** Path and query, or the whole target where it is in another form. */
  readonly path: string | null;
  /** Absolute where the authority is known, else as sent; null without a request. */
  readonly url: string | null;
}

const ABSOLUTE = /^(https?):\/\/([^/?#]*)(.*)$/i;

export function targetOf(exchange: StoredExchange): Target {
  const parts = partsOf(exchange);
  const { scheme, host, path } = parts;
  const request = path === null ? null : exchange.request;
  if (request === null) return { scheme, host, path, url: null };
  const { target } = request;
  return { scheme, host, path, url: path === target ? urlOf(parts) : target };
}

/** As {@link targetOf}, without the URL, which takes time to build. */
export function partsOf(exchange: StoredExchange): UrlParts {
  if (exchange.failure !== null)
    return { scheme: null, host: exchange.lookup?.name ?? serverAddress(exchange), path: null };
  if (exchange.encrypted !== null) return encryptedTarget(exchange);
  const { connection, request } = exchange;
  // Whether it would have carried HTTP is not known.
  if (exchange.connectFailed !== null)
    return { scheme: null, host: serverAddress(exchange) ?? connection.remote, path: null };
  const scheme = schemeOf(request?.scheme ?? null) ?? (connection.tls === null ? 'http' : 'https');
  if (request === null) return { scheme, host: serverAddress(exchange), path: null };
  const { method, target } = request;
  // Its path was not seen (HTTP/2).
  if (target === '') return { scheme, host: request.authority ?? serverAddress(exchange), path: null };
  if (method === 'CONNECT' && !target.startsWith('/')) return { scheme: null, host: target, path: target };
  const absolute = target.startsWith('/') ? null : ABSOLUTE.exec(target);
  if (absolute !== null) {
    const [, name = '', authority = '', rest = ''] = absolute;
    const at = authority.lastIndexOf('@');
    return {
      scheme: name.toLowerCase() === 'https' ? 'https' : 'http',
      host: authority.slice(at + 1) || serverAddress(exchange),
      path: rest === '' ? '/' : rest,
    };
  }
  const host = (request.authority || request.field('host') || null) ?? serverAddress(exchange);
  return { scheme, host, path: target };
}

function schemeOf(scheme: string | null): 'http' | 'https' | null {
  if (scheme === null) return null;
  const lower = scheme.toLowerCase();
  return lower === 'http' || lower === 'https' ? lower : null;
}

function serverAddress({ connection, side }: StoredExchange): string | null {
  const target = connection.through.findLast((layer) => layer.target !== null)?.target ?? null;
  if (target !== null) return target;
  // A Unix socket's path is not an authority.
  if (connection.transport !== 'tcp' || side === null) return null;
  return side === 'client' ? connection.remote : connection.local;
}

const HTTPS_PORT = '443';

/** Whether the connection is HTTP is unknown, but its peer is known. */
function encryptedTarget(exchange: StoredExchange): UrlParts {
  const address = serverAddress(exchange);
  const name = exchange.connection.tls?.wire?.serverName ?? null;
  const port = address === null ? null : address.slice(address.lastIndexOf(':') + 1);
  const host = name === null ? address : port === null || port === HTTPS_PORT ? name : `${name}:${port}`;
  return { scheme: null, host, path: null };
}
