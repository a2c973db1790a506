import { describe, expect, it } from 'vitest';
import { parseFinding } from './findings.ts';

const finding = {
  session: 's',
  pid: 7,
  at: 1.5,
  port: 40_000,
  stream: 0,
  method: 'GET',
  path: '/a',
  frames: [
    ['file:///shop/pay%20all.mjs', 12, 3, 'pay'],
    ['/shop/main.js', 1, 0, ''],
    ['', 0, 0, 'Promise'],
  ],
};

describe('what a hook reports', () => {
  it('is read, with URLs as paths, without frames that have no place', () => {
    expect(parseFinding(JSON.stringify(finding))?.frames).toEqual([
      { path: '/shop/pay all.mjs', line: 12, column: 3, function: 'pay' },
      { path: '/shop/main.js', line: 1, column: null, function: null },
    ]);
  });

  it.each([
    ['no JSON', '{'],
    ['no object', 'null'],
    ['a list', '[]'],
    ['a port out of range', JSON.stringify({ ...finding, port: 70_000 })],
    ['a time as text', JSON.stringify({ ...finding, at: '1' })],
    ['no frames', JSON.stringify({ ...finding, frames: [] })],
    [
      'frames of other shapes',
      JSON.stringify({ ...finding, frames: [null, 3, [1, 2, 3], ['/a', -1, 0, '']] }),
    ],
    ['more than a hook writes', JSON.stringify({ ...finding, path: 'x'.repeat(5_000) })],
    ['a path of the prototype', '{"__proto__":{"pid":1}}'],
  ])('is left out where it is %s', (_, line) => {
    expect(parseFinding(line)).toBeNull();
  });

  it('keeps a URL that is no path as it is', () => {
    const frames = [['file://elsewhere/a.js', 1, 1, '']];
    expect(parseFinding(JSON.stringify({ ...finding, frames }))?.frames[0]?.path).toBe(
      'file://elsewhere/a.js',
    );
  });
});
