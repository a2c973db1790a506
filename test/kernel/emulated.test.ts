/**
 * A run that is killed or times out in an emulated machine fails its suite, with place and reason. Long run only
 * (vitest.config.mts).
 */
import { expect, it, vi } from 'vitest';
import { Board } from '../matrix/board.mjs';

const LIMIT_MS = 15_000;

/** A shell's commands, after it has written that a group began. */
function runner(name: string, commands: string) {
  const begin = (out: string): string => `echo "{\\"group\\":\\"${name}\\"}" > ${out}`;
  const passed = (out: string): string =>
    `echo "{\\"scenario\\":\\"s\\",\\"outcome\\":\\"passed\\",\\"detail\\":\\"\\"}" >> ${out}`;
  return {
    columns: [name],
    command: (out: string) => ['sh', '-c', `${begin(out)}; ${commands}; ${passed(out)}`],
  };
}

/** The kernel kills what is the first to go when memory is short. */
const KILL_ONE = 'echo f > /proc/sysrq-trigger';

it('a run in an emulated machine that is killed or late', async () => {
  vi.spyOn(console, 'log').mockImplementation(() => {});
  const board = new Board('emulated');
  const [kernel] = board.kernels(['6.1']);
  if (kernel === undefined) return;
  await board.runInGuest(
    kernel,
    [
      runner('late', 'sleep 600'),
      runner('killed', 'kill -KILL $$'),
      runner('first to go', `echo 1000 > /proc/$$/oom_score_adj; ${KILL_ONE}; sleep 600`),
      runner(
        'another goes first',
        `sh -c "echo 1000 > /proc/\\$\\$/oom_score_adj; ${KILL_ONE}; sleep 600" || true`,
      ),
      runner('well', 'true'),
    ],
    LIMIT_MS,
  );
  vi.restoreAllMocks();
  const of = (column: string) =>
    board.results.filter((one) => one.column === column).map(({ outcome, detail }) => `${outcome} ${detail}`);
  expect(of('late')).toEqual([`failed not done within ${LIMIT_MS / 1000} s, in the group "late"`]);
  expect(of('killed')).toEqual(['failed the runner was killed by SIGKILL, in the group "killed"']);
  const kernels = /the kernel's log: .*[Oo]ut of memory/;
  expect(of('first to go')).toEqual([
    expect.stringMatching(/^failed the runner was killed by SIGKILL, in the group "first to go"; /),
  ]);
  expect(of('first to go')[0]).toMatch(kernels);
  expect(of('another goes first')).toEqual(['passed ', expect.stringMatching(kernels)]);
  expect(of('well')).toEqual(['passed ']);
});
