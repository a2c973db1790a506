import assert from 'node:assert/strict';
import { Command } from '../../../extension/contributions.ts';
import { command, debug, expectCalls, insight, ROUND, rows, stopDebugging } from './extension.ts';
import { eventually, test } from './harness.ts';

test('a session that starts later joins, and both ends of a call are seen', async () => {
  await debug('Shop');
  const [shop] = await eventually(() => {
    const pids = insight().sessions.processes();
    return pids.length === 1 && pids;
  }, 'the process of the shop');
  await command(Command.start);
  await debug('Customer');
  const customer = await eventually(
    () =>
      insight()
        .sessions.processes()
        .find((pid) => pid !== shop),
    'the process of the customer',
  );
  await expectCalls(ROUND.flatMap((call) => [`client ${call}`, `server ${call}`]));
  const pidsOf = (side: string) => [
    ...new Set(
      rows()
        .filter((row) => row.side === side)
        .map((row) => row.pid),
    ),
  ];
  assert.deepEqual(pidsOf('client'), [customer]);
  assert.deepEqual(pidsOf('server'), [shop]);
  assert.equal(insight().calls.getChildren().length, 2);
});

test('from one end of a call to the other, in the tree', async () => {
  const row = rows().find(({ side, peer }) => side === 'client' && peer !== null);
  assert(row !== undefined, 'a call that was seen at both ends');
  await command(Command.goToOtherEnd, { kind: 'call', id: String(row.id), row });
  assert.equal(await insight().calls.selected(), row.peer);
});

test('both sessions ended, the trace has ended', async () => {
  await stopDebugging();
  await eventually(() => insight().trace.status.phase === 'stopped', 'the trace has stopped');
  const held = rows();
  assert(held.length > 0);
  assert(held.every((row) => row.state === 'ended'));
});

test('the tree names both processes by their scripts and says that they have ended', () => {
  const { calls } = insight();
  const items = calls.getChildren().map((node) => calls.getTreeItem(node));
  assert.deepEqual(items.map(({ label }) => String(label).replace(/ \(\d+\)$/, '')).sort(), [
    'customer.js',
    'shop.js',
  ]);
  for (const { description, accessibilityInformation } of items) {
    assert.match(String(description), /^ended · /);
    assert.match(accessibilityInformation?.label ?? '', /, ended, /);
  }
});
