import { expect, it } from 'vitest';
import { exampleRow } from '../../engine/testing/exampleRow.ts';
import { callingLines, callingLineText } from './callingLines.ts';

const debug = (line: number, path = '/shop/pay.ts') => ({
  session: null,
  script: null,
  pausedMs: null,
  waitPausedMs: 0,
  pausedPeer: null,
  source: { path, line, column: null, function: null },
});

it('lines of a file with their calls, the newest and the slowest', () => {
  const lines = callingLines(
    [
      exampleRow({ id: 1, start: 5, debug: debug(12), duration: 1_200 }),
      exampleRow({ id: 2, start: 9, debug: debug(12), status: 500, statusText: 'Internal Server Error' }),
      exampleRow({ id: 3, start: 1, debug: debug(12), duration: null, state: 'running' }),
      exampleRow({ id: 4, debug: debug(13, '/shop/other.ts') }),
      exampleRow({ id: 5, debug: debug(14), file: 'a.har' }),
      exampleRow({ id: 6, debug: null }),
    ],
    '/shop/pay.ts',
  );
  expect([...lines.keys()]).toEqual([12]);
  const [line] = lines.values();
  expect(line && callingLineText(line)).toBe(
    '3 calls, 1 error, last 500 Internal Server Error, slowest 1.20 s',
  );
});
