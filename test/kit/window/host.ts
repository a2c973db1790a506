/**
 * The extension host's part of a window's trace, in a process that can be measured and stopped: the extension's own
 * `WorkerTrace`, which keeps the rows. Arguments: process ids. Says `running`; a line of input ends the trace, then it
 * says `stopped` and how many rows there were.
 */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { WorkerTrace } from '../../../extension/capture/workerTrace.ts';
import type { ExchangeRow } from '../../../extension/engine/row.ts';
import { readSettings } from './settings.ts';

const settings = readSettings();
const trace = new WorkerTrace(settings.extension);
/** Includes rows that have left the store; empty when rows are only counted. */
const seen = new Map<number, ExchangeRow>();
/** Ids go up from 1. */
let count = 0;
trace.onDidChangeRows(({ rows }) => {
  for (const row of rows) {
    count = Math.max(count, row.id);
    if (settings.rows !== null) seen.set(row.id, row);
  }
});
trace.onDidChangeStatus(({ problem }) => {
  if (problem !== null) console.error(problem);
});
await trace.start(process.argv.slice(2).map(Number));
console.log('running');
await once(process.stdin, 'data');
await trace.stop();
if (settings.rows !== null) {
  const file = createWriteStream(settings.rows, { mode: 0o600 });
  for (const row of seen.values()) {
    if (!file.write(`${JSON.stringify(row)}\n`)) await once(file, 'drain');
  }
  file.end();
  await once(file, 'finish');
}
console.log(`stopped ${count}`);
trace.dispose();
process.exit(0);
