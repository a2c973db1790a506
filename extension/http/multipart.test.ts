import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cpuTime, QUADRATIC } from '../engine/testing/cpuTime.ts';
import { partText, readParts } from './multipart.ts';

const BODY =
  'preamble --b0 is no delimiter here\r\n--b0\r\nContent-Disposition: form-data; name="title"\r\n\r\nfirst\r\nline\r\n' +
  '--b0 \r\ncontent-disposition: form-data; name="file"; filename="na\xc3\xafve \\"a\\".txt"\r\n' +
  'Content-Type: text/plain; charset=utf-8\r\n\r\n--b0x\r\n\xc3\xa9\r\n--b0\r\n\r\n\r\n--b0--\r\n--b0\r\n\r\nepilogue';

describe('parts', () => {
  it('have names, file names, types and sizes', () => {
    const parts = readParts(BODY, 'b0', 10);
    expect(
      parts.map(({ name, filename, type, from, to, whole }) => [name, filename, type, to - from, whole]),
    ).toEqual([
      ['title', null, null, 11, true],
      ['file', 'naïve "a".txt', 'text/plain; charset=utf-8', 9, true],
      [null, null, null, 0, true],
    ]);
    expect(parts.map((part) => partText(BODY, part))).toEqual(['first\r\nline', '--b0x\r\né', '']);
  });

  it('are found without the boundary, with bare line feeds, and as far as they go', () => {
    expect(readParts('--x\nContent-Disposition: form-data; name=a\n\n1\n--x--', null, 10)).toMatchObject([
      { name: 'a', whole: true },
    ]);
    expect(readParts('--x\r\nContent-Type: a/b\r\n\r\ncut', 'x', 10)).toMatchObject([
      { type: 'a/b', whole: false },
    ]);
    expect(readParts('--x\r\nContent-Ty', 'x', 10)).toMatchObject([{ type: null, whole: false }]);
    expect(readParts(BODY, 'b0', 1)).toHaveLength(1);
    expect(readParts('no parts', 'x', 10)).toEqual([]);
    expect(readParts('', null, 10)).toEqual([]);
  });

  it('with a file name in UTF-8 by RFC 8187', () => {
    const text =
      "--x\r\nContent-Disposition: attachment; filename=a; filename*=UTF-8''%e2%82%ac.txt\r\n\r\n\r\n--x--";
    expect(readParts(text, 'x', 1)[0]?.filename).toBe('€.txt');
  });

  it('hold what was put into them', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ name: fc.stringMatching(/^[a-z]{1,9}$/), bytes: fc.uint8Array() }), {
          minLength: 1,
          maxLength: 5,
        }),
        (fields) => {
          const boundary = '----b7MA4YWxkTrZu0gW';
          const text = fields
            .map(
              ({ name, bytes }) =>
                `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${Buffer.from(bytes).toString('latin1')}\r\n`,
            )
            .join('');
          const parts = readParts(`${text}--${boundary}--\r\n`, boundary, 10);
          expect(
            parts.map(({ name, from, to }) => [name, Buffer.from(text.slice(from, to), 'latin1')]),
          ).toEqual(fields.map(({ name, bytes }) => [name, Buffer.from(bytes)]));
        },
      ),
    );
  });

  it('take time that is linear', () => {
    for (const part of [
      '--x\r\n',
      '--x',
      '\r\n--x\r\n\r\n',
      '--x\r\nA: b\r\n',
      '\n',
      '--x\r\nContent-Disposition: a; b="\\',
    ]) {
      const took = cpuTime(() => {
        readParts(part.repeat(256_000 / part.length), 'x', Number.POSITIVE_INFINITY);
      });
      expect(took, part).toBeLessThan(QUADRATIC);
    }
  });
});
