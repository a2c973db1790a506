/**
 * One definition of an error: status bar (the engine's count), tree, the panel's chip, `is:error` and the JSON agree on
 * every example row.
 */
import { expect, it } from 'vitest';
import { Engine } from '../../extension/engine/engine.ts';
import { type ExchangeRow, isCall, isError } from '../../extension/engine/row.ts';
import { GOLDEN } from '../../extension/engine/testing/golden.ts';
import { GOLDEN_BEGINNINGS } from '../../extension/engine/testing/goldenBeginnings.ts';
import { GOLDEN_HTTP2 } from '../../extension/engine/testing/goldenHttp2.ts';
import { conversation, recordBatch, START, type Step } from '../../extension/engine/testing/records.ts';
import { parseFilter } from '../../extension/filter/parser.ts';
import { CallTree } from '../../extension/views/callTree.ts';
import { RowMatcher } from '../../extension/webview/rowMatcher.ts';

const GRPC_NOT_FOUND: Step[] = [
  {
    out: 'POST /a.B/C HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc-web\r\nContent-Length: 0\r\n\r\n',
  },
  {
    in: 'HTTP/1.1 200 OK\r\nContent-Type: application/grpc-web\r\nGrpc-Status: 5\r\nContent-Length: 0\r\n\r\n',
  },
];

function seen(steps: readonly Step[], options: Parameters<typeof conversation>[1] = {}) {
  const engine = new Engine();
  engine.setClock({ offset: 0n, bootTime: START });
  engine.push(recordBatch(conversation(steps, options)));
  engine.finish();
  const rows = engine.takeChanges().changed.map((id) => engine.row(id) as ExchangeRow);
  const json = new Set(rows.filter(({ id }) => engine.json(id)?.error === true));
  return { rows, json, counted: engine.stats().errors };
}

it('chip, filter, tree, status bar and JSON have the same errors', () => {
  const chip = new RowMatcher();
  chip.chip = 'errors';
  const filter = new RowMatcher();
  filter.setFilter(parseFilter('is:error'));
  const matches = (matcher: RowMatcher, row: ExchangeRow): boolean =>
    matcher.matches({ row, text: null, found: undefined, asked: false });
  let errors = 0;
  let others = 0;
  for (const { name, steps, options } of [
    ...GOLDEN,
    ...GOLDEN_HTTP2,
    ...GOLDEN_BEGINNINGS,
    { name: 'gRPC', steps: GRPC_NOT_FOUND, options: {} },
  ]) {
    const { rows, json, counted } = seen(steps, options);
    const wrong = rows.filter(isError);
    expect(
      rows.filter((row) => matches(chip, row)),
      name,
    ).toEqual(wrong);
    expect(
      rows.filter((row) => matches(filter, row)),
      name,
    ).toEqual(wrong);
    expect(counted, name).toBe(wrong.length);
    expect(
      rows.filter((row) => json.has(row)),
      name,
    ).toEqual(wrong);
    const tree = new CallTree(new Map(rows.map((row) => [row.id, row])));
    tree.apply({ rows, removed: [] });
    const inTree = tree
      .children()
      .reduce((sum, node) => sum + ('errors' in node ? (node.errors as number) : 0), 0);
    expect(inTree, name).toBe(wrong.filter(isCall).length);
    errors += wrong.length;
    others += rows.length - wrong.length;
  }
  expect(errors).toBeGreaterThan(30);
  expect(others).toBeGreaterThan(30);
});
