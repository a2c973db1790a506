import { expect, it, vi } from 'vitest';
import type { Native } from './native.ts';
import { StackPolicies } from './stackPolicies.ts';

const MAP = 7;

function policies(startOf: () => string | null) {
  const setStacks = vi.fn<Native['setStacks']>();
  const deleteTarget = vi.fn<Native['deleteTarget']>();
  const native = { setStacks, deleteTarget, readClocks: () => [0n, 0n] } as unknown as Native;
  const facts = { missing: { stacks: '' } as never, tlsAttach: 'multi' } as const;
  const made = new StackPolicies(native, facts, { stacks: MAP }, () => {}, startOf);
  return { policies: made, setStacks, deleteTarget };
}

it.each(['2', null])(
  'a process whose end was not reported is forgotten, and its id is not examined again (%s)',
  (later) => {
    let start: string | null = '1';
    const { policies: own, setStacks, deleteTarget } = policies(() => start);
    own.consider(process.pid);
    own.considerAll();
    expect(setStacks).toHaveBeenCalledTimes(2);
    start = later;
    own.considerAll();
    expect(deleteTarget).toHaveBeenCalledExactlyOnceWith(MAP, process.pid);
    own.considerAll();
    expect(setStacks).toHaveBeenCalledTimes(2);
    expect(deleteTarget).toHaveBeenCalledTimes(1);
  },
);

it('a process that had ended when it was examined is forgotten, too', () => {
  const { policies: own, deleteTarget } = policies(() => null);
  own.consider(process.pid);
  own.considerAll();
  own.considerAll();
  expect(deleteTarget).toHaveBeenCalledExactlyOnceWith(MAP, process.pid);
});
