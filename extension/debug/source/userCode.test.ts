import { expect, it } from 'vitest';
import { isOwn, ownFrame } from './userCode.ts';

it.each([
  ['/shop/pay.ts', true],
  ['/home/me/python3/pay.py', true],
  ['/shop/library/python.py', true],
  ['/shop/node_modules/axios/index.js', false],
  ['/shop/.venv/lib/python3.11/site-packages/requests/api.py', false],
  ['/usr/lib/python3/dist-packages/requests/api.py', false],
  ['/usr/lib/python3.11/http/client.py', false],
  ['node:internal/process/task_queues', false],
  ['evalmachine.<anonymous>', false],
])('%s is the own code of a program: %s', (path, own) => {
  expect(isOwn(path)).toBe(own);
});

it('the innermost own frame counts', () => {
  const at = (path: string, line: number) => ({ path, line, column: null, function: null });
  const frames = [at('/s/node_modules/a.js', 1), at('/s/pay.js', 2), at('/s/main.js', 3)];
  expect(ownFrame(frames)?.line).toBe(2);
  expect(ownFrame(frames.slice(0, 1))).toBeNull();
});
