import { expect, it } from 'vitest';
import { proxyText } from './proxyText.ts';

const local = '127.0.0.1:50000';
const remote = '127.0.0.1:1080';
const socks = { protocol: 'SOCKS5', client: null, target: 'b.test:3128' } as const;
const connect = { protocol: 'CONNECT', client: null, target: 'c.test:443' } as const;
const named = { protocol: 'PROXY protocol', client: '10.0.0.1:4000', target: '10.0.0.2:80' } as const;

it('names each proxy with its address, as far as it is known', () => {
  const client = { side: 'client', local, remote } as const;
  expect(proxyText({ ...client, through: [] })).toBeNull();
  expect(proxyText({ ...client, through: [socks] })).toBe('SOCKS5 127.0.0.1:1080');
  expect(proxyText({ ...client, through: [socks, connect] })).toBe(
    'SOCKS5 127.0.0.1:1080, CONNECT b.test:3128',
  );
  expect(proxyText({ ...client, through: [{ ...socks, target: null }, connect] })).toBe(
    'SOCKS5 127.0.0.1:1080, CONNECT',
  );
  expect(proxyText({ ...client, side: null, through: [socks] })).toBe('SOCKS5');
});

it('takes the own address where the proxy is what is traced', () => {
  expect(proxyText({ side: 'server', local: remote, remote: local, through: [socks] })).toBe(
    'SOCKS5 127.0.0.1:1080',
  );
});

it('names whom a proxy forwards', () => {
  const server = { side: 'server', local: '10.0.0.2:80', remote: '10.0.0.9:3000' } as const;
  expect(proxyText({ ...server, through: [named] })).toBe('PROXY protocol for 10.0.0.1:4000');
  expect(proxyText({ ...server, through: [{ ...named, client: null }, socks] })).toBe(
    'PROXY protocol, SOCKS5 10.0.0.2:80',
  );
});
