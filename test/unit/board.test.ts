/** The runners' results table: when a runner is given up. */
import { expect, it } from 'vitest';
import { Board } from '../matrix/board.mjs';

const SILENCE = 5_000;

/** A shell that writes so many results, one every second, and then waits. */
function runner(out: string, results: number, rest: number): string[] {
  const lines = `for i in $(seq ${results}); do echo '{"scenario":"'$i'","outcome":"passed"}' >> "$0"; sleep 1; done`;
  return ['sh', '-c', `${lines}; exec sleep ${rest}`, out];
}

it('a runner may take any time, as long as it has results', async () => {
  const board = new Board('test');
  await board.runHere('here', (out) => runner(out, 6, 0), SILENCE);
  expect(board.results.map(({ outcome }) => outcome)).toEqual(Array(6).fill('passed'));
});

it('a runner without a new result is ended; what it had found counts', async () => {
  const board = new Board('test');
  await board.runHere('here', (out) => runner(out, 1, 600), SILENCE);
  expect(board.results).toEqual([
    { column: 'here', scenario: '1', outcome: 'passed' },
    { column: 'here', scenario: 'the whole run', outcome: 'failed', detail: 'no result for 5 s' },
  ]);
});
