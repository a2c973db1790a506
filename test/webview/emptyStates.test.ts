/** What the panel says while it has no calls. */
import { afterEach, describe, expect, it } from 'vitest';
import { IDLE_STATUS } from '../../extension/engine/traceStatus.ts';
import { calls, statusOf } from './harness/calls.ts';
import { closePanel, open, openEmpty, panel, shown, text } from './harness/currentPanel.ts';

afterEach(closePanel);

describe('empty states', () => {
  const sentences: [Partial<ReturnType<typeof statusOf>>, RegExp, number][] = [
    [IDLE_STATUS, /^Start a trace to see every HTTP call/, 3],
    [{ phase: 'starting' }, /^Starting…$/, 0],
    [
      { phase: 'running', targets: [{ pid: 1234, name: 'node', ended: false, parent: null, tls: null }] },
      /^Waiting for node \(1234\) to make or answer a call$/,
      1,
    ],
    [
      {
        phase: 'running',
        targets: [1, 2, 3, 4, 5].map((pid) => ({
          pid,
          name: pid === 2 ? null : 'node',
          ended: pid === 1,
          parent: null,
          tls: null,
        })),
      },
      /^Waiting for process 2, node \(3\), node \(4\) and 1 more to make or answer a call$/,
      1,
    ],
    [{ phase: 'running', calls: 2_079 }, /^Loading 2,079 calls…$/, 0],
    [{ phase: 'stopping' }, /^Stopping…$/, 0],
    [{ phase: 'stopped' }, /^No calls\. Start a trace, then repeat the action\.$/, 3],
    [{ phase: 'failed', problem: 'No permission. Run it as root.' }, /^No permission\. Run it as root\.$/, 3],
  ];
  for (const [status, sentence, buttons] of sentences) {
    it(`${status.phase} with ${status.targets?.length ?? 0} targets`, async () => {
      await openEmpty();
      await panel.post({ type: 'status', status: statusOf([], status) });
      expect(await text('.empty .sentence')).toMatch(sentence);
      expect(await panel.page.locator('.empty button').count()).toBe(buttons);
      // Files can be opened wherever something can be started; who waits can ask why.
      const named = (name: string) => panel.page.getByRole('button', { name, exact: true }).count();
      expect(await named('Open Trace…')).toBe(buttons === 3 ? 1 : 0);
      expect(await named('Why Is Nothing Shown?')).toBe(buttons === 1 ? 1 : 0);
      expect(await panel.page.isVisible('.split')).toBe(false);
    });
  }

  it('a problem does not hide the calls', async () => {
    await open(calls(5));
    await panel.post({
      type: 'status',
      status: statusOf(calls(5), { phase: 'failed', problem: 'The helper ended.' }),
    });
    expect(await text('.problem')).toBe('The helper ended.');
    expect((await shown()).length).toBe(5);
  });
});
