import { assert, property, uint8Array } from 'fast-check';
import { expect, test } from 'vitest';
import { textAt } from './knownText.ts';

test('bytes are the same text, whatever was asked for before', () => {
  assert(
    property(uint8Array({ maxLength: 70 }), (content) => {
      const bytes = Buffer.concat([Buffer.from('<'), content, Buffer.from('>')]);
      expect(textAt(bytes, 1, bytes.length - 1)).toBe(Buffer.from(content).toString('latin1'));
    }),
    { numRuns: 1_000 },
  );
  const text = Buffer.from('application/json');
  expect(textAt(text, 0, text.length)).toBe(textAt(text, 0, text.length));
  expect(textAt(text, 5, 5)).toBe('');
});
