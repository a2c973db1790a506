import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { TlsFunction } from './functions.ts';

it('functions have the numbers of bpf/trace_http.h', () => {
  const text = readFileSync('bpf/trace_http.h', 'utf8');
  const [, body = ''] = /enum tls_function \{([^}]*)\}/.exec(text.replaceAll(/\/\*[\s\S]*?\*\//g, '')) ?? [];
  const inKernel = [...body.matchAll(/TLS_(\w+) = (\d+)/g)].map(([, name = '', number]) => [
    name.toLowerCase().replaceAll('_', ''),
    Number(number),
  ]);
  const here = Object.entries(TlsFunction)
    .filter(([, number]) => typeof number === 'number')
    .map(([name, number]) => [name.toLowerCase(), number]);
  expect(inKernel.length).toBeGreaterThan(10);
  expect(here).toEqual(inKernel);
});
