import { describe, expect, it } from 'vitest';
import { cpuTime } from '../../engine/testing/cpuTime.ts';
import { exampleRow } from '../../engine/testing/exampleRow.ts';
import { maskTarget } from '../../privacy/maskUrl.ts';
import type { Finding } from './findings.ts';
import { MAX_FINDINGS, Matching } from './matching.ts';

const BOOT = 1_000_000;
const finding = (changes: Partial<Finding> = {}): Finding => ({
  session: 's',
  pid: 4242,
  at: 0,
  port: 40_000,
  stream: 0,
  method: 'GET',
  path: '/products',
  frames: [],
  ...changes,
});

function matching(...reported: readonly (readonly [at: number, name: string, changes?: Partial<Finding>])[]) {
  const all = new Matching<string>();
  for (const [at, data, changes] of reported) all.add({ finding: finding(changes), at: BOOT + at, data });
  return {
    all,
    of: (changes: Parameters<typeof exampleRow>[0]) => all.of(exampleRow(changes), BOOT)?.data ?? null,
  };
}

describe('a finding belongs to the call', () => {
  it('of its process and port, from its time on', () => {
    const { of } = matching([10, 'a']);
    expect(of({ start: 11, pid: 1 })).toBeNull();
    expect(of({ start: 11, localPort: 40_001 })).toBeNull();
    expect(of({ start: 1 })).toBeNull();
    expect(of({ start: 11, side: 'server' })).toBeNull();
    expect(of({ start: 11 })).toBe('a');
  });

  it('in the order of a connection, each once, and stays with it', () => {
    const { of } = matching([10, 'a'], [20, 'b'], [30, 'c']);
    expect(of({ id: 1, start: 10.5 })).toBe('a');
    expect(of({ id: 2, start: 20.5 })).toBe('b');
    expect(of({ id: 3, start: 30.5 })).toBe('c');
    expect(of({ id: 2, start: 20.5 })).toBe('b');
    expect(of({ id: 4, start: 40 })).toBeNull();
  });

  it('in their order also if they follow each other closely, or the clocks differ a little', () => {
    for (const late of [0, 0.5, 4]) {
      const { of } = matching([late, 'a'], [2 + late, 'b'], [4 + late, 'c']);
      for (const [id, name] of [...'abc'].entries()) expect(of({ id, start: 2 * id + 0.25 })).toBe(name);
    }
    const slow = matching([20, 'a'], [21.5, 'b']);
    expect([slow.of({ id: 1, start: 21 }), slow.of({ id: 2, start: 22.5 })]).toEqual(['a', 'b']);
    // The second one's call was not seen.
    const { of } = matching([10.1, 'a'], [20.1, 'b'], [30.1, 'c'], [40.1, 'd']);
    for (const [id, name] of [...'acd'].entries())
      expect(of({ id, start: name === 'a' ? 10 : 10 * id + 20 })).toBe(name);
  });

  it('once, also if ids start over while it was not certain', () => {
    const { of } = matching([10, 'a'], [20, 'b', { port: 40_001 }]);
    expect(of({ id: 1, start: 11, method: null, path: null })).toBe('a');
    // The list was cleared.
    expect(of({ id: 1, start: 21, localPort: 40_001 })).toBe('b');
    expect(of({ id: 2, start: 12 })).toBe('a');
    expect(of({ id: 1, start: 21, localPort: 40_001 })).toBe('b');
  });

  it('of the request, not of the TLS connection that was listed until its plaintext was seen', () => {
    const { all, of } = matching([10, 'a'], [30, 'b']);
    const encrypted = { id: 1, start: 11, method: null, path: null };
    expect(of(encrypted)).toBe('a');
    expect(of({ id: 2, start: 20 })).toBe('a');
    expect([all.joined(1), all.joined(2)?.data]).toEqual([null, 'a']);
    expect(of(encrypted)).toBeNull();
    expect(of({ id: 3, start: 21 })).toBeNull();
    // A row whose request becomes known keeps it.
    expect(of({ ...encrypted, id: 4, start: 31 })).toBe('b');
    expect(of({ id: 4, start: 31 })).toBe('b');
    expect(of({ id: 5, start: 32 })).toBeNull();
  });

  it('with the same method and path, whatever its query, through a proxy, too', () => {
    const { of } = matching([10, 'post', { method: 'POST' }], [11, 'get'], [12, 'other', { path: '/else' }]);
    expect(of({ id: 1, start: 13, path: '/products?token=***' })).toBe('get');
    expect(of({ id: 2, start: 13, method: 'POST', path: 'http://shop.test/products' })).toBe('post');
  });

  it('with the same path, in which the row’s secrets are masked', () => {
    const { of } = matching([10, 'a', { path: '/reset/token=hunter2secret/a' }]);
    expect(of({ id: 1, start: 13, path: maskTarget('/reset/token=hunter2secret/b') })).toBeNull();
    expect(of({ id: 2, start: 13, path: maskTarget('/reset/token=hunter2secret/a?x=1') })).toBe('a');
  });

  it('with a longer path, of which a hook reports the beginning', () => {
    for (const end of [`token=hunter2secret/${'c'.repeat(99)}`, 'token=hunter2secret', 'c'.repeat(99)]) {
      const path = `/${'a'.repeat(389)}/${end}`;
      const { of } = matching([10, 'a', { path: path.slice(0, 400) }]);
      for (const other of [path.replace('a', 'b'), path.slice(0, 380)])
        expect(of({ id: 1, start: 13, path: maskTarget(other) })).toBeNull();
      expect(of({ id: 2, start: 13, path: maskTarget(`${path}/more?x=1`) })).toBe('a');
    }
  });

  it('with its number of a stream, in whatever order', () => {
    const { of } = matching([10, 'one', { stream: 1 }], [10, 'three', { stream: 3 }]);
    expect(of({ id: 1, start: 11, stream: 3 })).toBe('three');
    expect(of({ id: 2, start: 12, stream: 1 })).toBe('one');
    expect(of({ id: 3, start: 12, stream: 5 })).toBeNull();
  });

  it('not of one that has its id after the list was cleared', () => {
    const { all, of } = matching([10, 'a']);
    expect(of({ id: 1, start: 11 })).toBe('a');
    expect(all.of(exampleRow({ id: 1, start: 11, localPort: 41_000 }), BOOT)).toBeNull();
  });
});

it('keeps so many findings and no more', () => {
  const { all, of } = matching();
  for (let at = 0; at < MAX_FINDINGS + 10; at++)
    all.add({ finding: finding({ port: 1 + (at % 60_000) }), at: BOOT + at, data: 'x' });
  expect(all.size).toBe(MAX_FINDINGS);
  expect(of({ start: 5, localPort: 1 })).toBeNull();
});

it('a connection with more findings than are kept costs no more for each of them', () => {
  const all = new Matching<string>();
  const add = () => {
    for (let at = 0; at < 3 * MAX_FINDINGS; at++) all.add({ finding: finding(), at: BOOT + at, data: '' });
  };
  expect(cpuTime(add)).toBeLessThan(1_500);
  expect(all.size).toBe(MAX_FINDINGS);
});
