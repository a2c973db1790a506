import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type JsonLine, jsonLines, MAX_INDENT } from './jsonLines.ts';

const text = (lines: readonly JsonLine[] | null): string | null =>
  lines?.map(({ indent, pieces }) => '  '.repeat(indent) + pieces.map((p) => p.text).join('')).join('\n') ??
  null;

describe('jsonLines', () => {
  it('lays out as JSON.stringify does', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        expect(text(jsonLines(JSON.stringify(value)))).toBe(JSON.stringify(value, null, 2));
        expect(text(jsonLines(JSON.stringify(value, null, 3)))).toBe(JSON.stringify(value, null, 2));
      }),
    );
  });

  it('keeps what reading into values would lose', () => {
    const source = '{"n":12345678901234567890.10,"a":1,"a":2,"u":"\\u0041"}';
    expect(text(jsonLines(source))).toBe(
      '{\n  "n": 12345678901234567890.10,\n  "a": 1,\n  "a": 2,\n  "u": "\\u0041"\n}',
    );
  });

  it('lays out any beginning of JSON', () => {
    const whole = JSON.stringify({ a: [1, -2.5e3, true, null, 'x"\\y', {}], b: { c: 'd' } });
    for (let end = 0; end <= whole.length; end++) {
      const lines = jsonLines(whole.slice(0, end));
      expect(lines, whole.slice(0, end)).not.toBeNull();
      expect(text(lines)?.replace(/\s/g, '')).toBe(whole.slice(0, end));
    }
  });

  it('leaves what is not JSON as it is', () => {
    for (const source of ['{]', 'hello', '[1}', '}', 'a: b', '<html>', '1,2', '[1] x', '"a":1']) {
      expect(jsonLines(source), source).toBeNull();
    }
  });

  it('distinguishes names from strings', () => {
    const kinds = jsonLines('{"a":"b","c":["d"]}')?.flatMap(({ pieces }) => pieces);
    expect(kinds?.filter(({ kind }) => kind === 'name').map((p) => p.text)).toEqual(['"a"', '"c"']);
    expect(kinds?.filter(({ kind }) => kind === 'string').map((p) => p.text)).toEqual(['"b"', '"d"']);
  });

  it('is linear in hostile nesting', () => {
    const lines = jsonLines('['.repeat(200_000));
    expect(lines).toHaveLength(200_000);
    expect(Math.max(...(lines ?? []).slice(0, 1000).map(({ indent }) => indent))).toBe(MAX_INDENT);
    expect(jsonLines(`"${'\\"'.repeat(100_000)}`)).toHaveLength(1);
  });
});
