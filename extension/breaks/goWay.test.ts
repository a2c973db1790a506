import { expect, test } from 'vitest';
import { GO_FUNCTION } from './goCondition.ts';
import { GoWay } from './goWay.ts';
import { parseCondition } from './parseCondition.ts';

test('a stop that is reported before the request is answered is recognised', async () => {
  let answer: (body: unknown) => void = () => {};
  const way = new GoWay(() => new Promise((resolve) => (answer = resolve)));
  const condition = parseCondition('path:=/again').condition ?? expect.fail();
  const setting = way.set([{ id: 1, condition }], 'shop');
  const command = 'setFunctionBreakpoints';
  const given = { breakpoints: [{ name: GO_FUNCTION }], httpTrace: true };
  expect(way.isMoment({ type: 'request', command, seq: 7, arguments: given })).toBe(false);
  const body = { breakpoints: [{ id: 3, verified: true }] };
  expect(way.isMoment({ type: 'response', command, request_seq: 7, success: true, body })).toBe(false);
  expect(way.isOwnStop({ threadId: 1, reason: '', text: '', hitBreakpointIds: [3] })).toBe(true);
  answer(body);
  expect(await setting).toBeNull();
});
