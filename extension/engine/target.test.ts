import { describe, expect, it } from 'vitest';
import { StoredConnection, StoredExchange } from './storedExchange.ts';
import { StoredMessage } from './storedMessage.ts';
import { targetOf } from './target.ts';

describe('targets', () => {
  const target = (
    method: string,
    text: string,
    host: string | null,
    remote: string | null = null,
  ): unknown => {
    const connection = new StoredConnection('1');
    connection.side = 'client';
    connection.remote = remote;
    const exchange = new StoredExchange(1, null, connection, true);
    exchange.request = new StoredMessage('request', 0, 'HTTP/1.1');
    exchange.request.method = method;
    exchange.request.target = text;
    exchange.request.setFields(host === null ? [] : [['hOsT', host]]);
    const { scheme, host: authority, path, url } = targetOf(exchange);
    return [scheme, authority, path, url];
  };

  it('come in four forms', () => {
    expect(target('GET', '/a?b', 'h:1')).toEqual(['http', 'h:1', '/a?b', 'http://h:1/a?b']);
    expect(target('GET', 'HTTPS://u:p@h:1?b', 'other')).toEqual(['https', 'h:1', '?b', 'HTTPS://u:p@h:1?b']);
    expect(target('CONNECT', 'h:443', 'other')).toEqual([null, 'h:443', 'h:443', 'h:443']);
    expect(target('OPTIONS', '*', 'h')).toEqual(['http', 'h', '*', 'http://h']);
  });

  it('without an authority fall back to the server end, and then to nothing', () => {
    expect(target('GET', '/a', null, '10.0.0.1:80')).toEqual([
      'http',
      '10.0.0.1:80',
      '/a',
      'http://10.0.0.1:80/a',
    ]);
    expect(target('GET', '/a', '', null)).toEqual(['http', null, '/a', '/a']);
  });
});
