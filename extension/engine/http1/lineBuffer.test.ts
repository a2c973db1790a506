import { describe, expect, it } from 'vitest';
import { LineBuffer } from './lineBuffer.ts';

describe('line buffer', () => {
  it('keeps the beginning of a line and counts all of it', () => {
    const line = new LineBuffer();
    for (const text of ['abc', 'def', 'ghi']) line.append(Buffer.from(text), 0, 3, 5);
    expect([line.text(), line.length, line.cut, line.last]).toEqual(['abcde', 9, true, 'i'.charCodeAt(0)]);
    line.clear();
    expect([line.text(), line.length, line.cut, line.last]).toEqual(['', 0, false, -1]);
  });
});
