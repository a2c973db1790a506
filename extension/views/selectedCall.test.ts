import { expect, test } from 'vitest';
import { exampleRow } from '../engine/testing/exampleRow.ts';
import { IDLE_STATUS, type TraceStatus } from '../engine/traceStatus.ts';
import { SelectedCall } from './selectedCall.ts';

class Source<T> {
  #listeners = new Set<(value: T) => unknown>();
  readonly listen = (listener: (value: T) => unknown) => {
    this.#listeners.add(listener);
    return { dispose: () => this.#listeners.delete(listener) };
  };
  fire(value: T): void {
    for (const listener of this.#listeners) listener(value);
  }
}

function selection() {
  const rows = new Map([1, 2, 3].map((id) => [id, exampleRow({ id })]));
  const status = new Source<TraceStatus>();
  const panel = new Source<number | null>();
  const tree = new Source<number | null>();
  let inTree: number | undefined;
  const selected = new SelectedCall(
    { rows, status: IDLE_STATUS, onDidChangeStatus: status.listen },
    { onDidSelect: panel.listen },
    { onDidSelect: tree.listen, selected: async () => inTree },
  );
  return {
    rows,
    panel,
    selected,
    status,
    choose: (id: number | undefined) => {
      inTree = id;
      tree.fire(id ?? null);
    },
  };
}

test('the call that was selected last counts, in whichever view', async () => {
  const { selected, panel, choose } = selection();
  expect(await selected.get()).toBeUndefined();
  panel.fire(1);
  expect(await selected.get()).toBe(1);
  choose(2);
  expect(await selected.get()).toBe(2);
  panel.fire(3);
  expect(await selected.get()).toBe(3);
});

test('what is no longer selected in one view gives way to the other', async () => {
  const { selected, panel, choose } = selection();
  choose(2);
  panel.fire(1);
  panel.fire(null);
  expect(await selected.get()).toBe(2);
  panel.fire(1);
  choose(undefined);
  expect(await selected.get()).toBe(1);
});

test('a call that is gone, or whose number means another one since Clear, is not selected', async () => {
  const { selected, panel, rows, status } = selection();
  panel.fire(1);
  rows.delete(1);
  expect(await selected.get()).toBeUndefined();
  panel.fire(2);
  status.fire({ ...IDLE_STATUS, list: 1 });
  expect(await selected.get()).toBeUndefined();
});
