import { expect, it } from 'vitest';
import { exampleRow } from '../engine/testing/exampleRow.ts';
import type { Visibility } from './candidates.ts';
import { HeldRows } from './heldRows.ts';

/** Process 1 is shown, 2 is a debugger's own, 3 is not known yet. */
const visibility = (pid: number): Visibility => (pid === 2 ? 'left-out' : pid === 3 ? 'candidate' : 'shown');
const ids = ({ shown, removed }: ReturnType<HeldRows['pass']>) => [shown.map(({ id }) => id), removed];

it('holds rows of candidates back until they are decided', () => {
  const held = new HeldRows();
  const rows = [exampleRow({ id: 1, pid: 1 }), exampleRow({ id: 2, pid: 3 }), exampleRow({ id: 3, pid: 2 })];
  expect(ids(held.pass(rows, visibility))).toEqual([[1], []]);
  expect(held.counts().calls).toBe(2);
  expect(ids(held.pass([], () => 'shown'))).toEqual([[2], []]);
  expect(held.counts().calls).toBe(1);
});

it("removes the other side of a debugger's call", () => {
  const held = new HeldRows();
  // The program's inspector answers: the other side is not known yet.
  const server = exampleRow({ id: 1, pid: 1, side: 'server' });
  expect(ids(held.pass([server], visibility))).toEqual([[1], []]);
  const client = exampleRow({ id: 2, pid: 2, peer: 1 });
  expect(ids(held.pass([{ ...server, peer: 2 }, client], visibility))).toEqual([[], [1]]);
  expect(held.counts()).toMatchObject({ calls: 2, pairs: 1 });
  // Whatever comes of it later.
  expect(ids(held.pass([{ ...server, peer: 2, revision: 3 }], visibility))).toEqual([[], []]);
});
