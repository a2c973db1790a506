import { describe, expect, it } from 'vitest';
import type { Status } from '../../helper/protocol.ts';
import { NO_BACKLOG } from '../../helper/testing/messages.ts';
import { Progress } from './progress.ts';

const status = (records: number, behind: number, final = false): Status =>
  ({
    backlog: { ...NO_BACKLOG, records, newest: String(5_000_000_000 + behind * 1e6) },
    upTo: '5000000000',
    final,
  }) as Status;

function progress(verbose: boolean, terminal: boolean) {
  const said: string[] = [];
  return { said, progress: new Progress(verbose, terminal, (text) => said.push(text)) };
}

describe('progress', () => {
  it('says now and then how far the output is behind, and when it has caught up', () => {
    const { said, progress: one } = progress(true, false);
    one.take(status(10, 500), 0);
    one.take(status(1_000, 3_000), 100);
    one.take(status(2_000, 3_500), 1_900);
    one.take(status(3_000, 4_000), 2_200);
    one.take(status(0, 0), 2_300);
    one.take(status(0, 0), 2_400);
    expect(said).toEqual([
      '3 s behind; 1,000 records left.',
      '4 s behind; 3,000 records left.',
      'caught up with the program.',
    ]);
  });

  it('is silent about it unless verbose', () => {
    const { said, progress: one } = progress(false, true);
    one.take(status(1_000, 3_000), 100);
    expect(said).toEqual([]);
  });

  it.each([
    { verbose: false, terminal: true, expected: ['4,200 records left; Ctrl+C drops them.'] },
    { verbose: true, terminal: false, expected: ['4,200 records left.'] },
    { verbose: false, terminal: false, expected: [] },
  ])(
    'says how much is left when the stop takes long: $verbose $terminal',
    ({ verbose, terminal, expected }) => {
      const { said, progress: one } = progress(verbose, terminal);
      one.stopping();
      one.take(status(9_000, 0), 0);
      one.take(status(4_200, 0), 1_000);
      one.take(status(4_000, 0), 1_100);
      one.take(status(0, 0, true), 5_000);
      expect(said).toEqual(expected);
    },
  );
});
