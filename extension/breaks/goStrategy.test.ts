import { expect, test } from 'vitest';
import { GO_FUNCTION } from './goCondition.ts';
import { GoStrategy } from './goStrategy.ts';
import { parseCondition } from './parseCondition.ts';

test('a stop that is reported before the request is answered is recognised', async () => {
  let answer: (body: unknown) => void = () => {};
  const strategy = new GoStrategy(() => new Promise((resolve) => (answer = resolve)));
  const condition = parseCondition('path:=/again').condition ?? expect.fail();
  const setting = strategy.set([{ id: 1, condition }], 'shop');
  const command = 'setFunctionBreakpoints';
  const given = { breakpoints: [{ name: GO_FUNCTION }], httpTrace: true };
  expect(strategy.isTimeToSet({ type: 'request', command, seq: 7, arguments: given })).toBe(false);
  const body = { breakpoints: [{ id: 3, verified: true }] };
  expect(strategy.isTimeToSet({ type: 'response', command, request_seq: 7, success: true, body })).toBe(
    false,
  );
  expect(strategy.isOwnStop({ threadId: 1, reason: '', text: '', hitBreakpointIds: [3] })).toBe(true);
  answer(body);
  expect(await setting).toBeNull();
});
