import { expect, it } from 'vitest';
import { covering, pairsOf, shuffled } from './pairwise.ts';

const peers = ['curl', 'Node', 'Go', 'Python', 'nginx'];
const versions = ['1.2', '1.3'];
const moments = ['before', 'running', 'mid'];
const ways = ['multi', 'perf'];
const table = peers
  .flatMap((peer) => versions.flatMap((version) => moments.map((moment) => [peer, version, moment] as const)))
  .flatMap((row) => ways.map((way) => [...row, way] as const))
  // Impossible: curl has no connection to attach to midway.
  .filter(([peer, , moment]) => peer !== 'curl' || moment !== 'mid');

function pairsIn(rows: readonly (readonly string[])[]): Set<string> {
  const pairs = rows.flatMap((row) =>
    row.flatMap((a, i) => row.slice(i + 1).map((b, j) => `${i}${a} ${i + 1 + j}${b}`)),
  );
  return new Set(pairs);
}

it('has every pair of the table in a sample that is not much larger than it has to be', () => {
  const sample = covering(table, pairsOf, 1);
  expect(pairsIn(sample)).toEqual(pairsIn(table));
  expect(table).toHaveLength(56);
  // 14 pairs of peer and moment need a row each.
  expect(sample.length).toBeLessThanOrEqual(18);
});

it('is the same for the same seed, another for another, and in the order of the table', () => {
  const [one, again, other] = [1, 1, 2].map((seed) => covering(table, pairsOf, seed));
  expect(again).toEqual(one);
  expect(other).not.toEqual(one);
  expect(one?.map((row) => table.indexOf(row))).toEqual(
    one?.map((row) => table.indexOf(row)).sort((a, b) => a - b),
  );
});

it('has what the rows show, and of rows that show as much those that are not costly', () => {
  const shows = ([peer, version]: readonly string[]): string[] => [`${peer}`, `${version}`];
  const sample = covering(table, shows, 1, ([, , moment]) => moment === 'before');
  expect(new Set(sample.flatMap(shows))).toEqual(new Set(table.flatMap(shows)));
  expect(sample).toHaveLength(peers.length);
  expect(sample.map(([, , moment]) => moment)).not.toContain('before');
});

it('shuffles without losing a number', () => {
  expect(shuffled(50, 7)).not.toEqual(shuffled(50, 8));
  expect(shuffled(50, 7).sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
});
