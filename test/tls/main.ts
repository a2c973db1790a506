/**
 * The TLS scenarios on the running kernel. Results go to a file, one JSON line each, as soon as they are
 * known. Bundled into one file, so that it runs with any Node wherever it is put.
 */
import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ResultFile } from '../kit/groups.ts';
import { endAll } from '../kit/process.ts';
import type { Report } from '../kit/report.ts';
import { makeTlsContext } from './context.ts';
import { runDebuggers } from './debuggers.ts';
import { runEdges } from './edges.ts';
import { runFeatures } from './features.ts';
import { runFirst } from './first.ts';
import { runInterleaved } from './interleaved.ts';
import { runMono } from './mono.ts';
import { runNss } from './nss.ts';
import { runOpaque } from './opaque.ts';
import { runTlsRestarts } from './restarts.ts';
import { runShortLived } from './shortLived.ts';
import { runTable } from './table.ts';

const { values } = parseArgs({
  options: Object.fromEntries(
    [
      'http-trace',
      'programs',
      'scripts',
      'nodes',
      'certificates',
      'tls',
      'out',
      'slow',
      'few',
      'sampled',
      'thin',
      'only',
      'groups',
    ].map((name) => [name, { type: 'string' as const }]),
  ),
});
const options = Object.fromEntries(
  Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
);
const context = makeTlsContext(options);
const only = new RegExp(options['only'] ?? '');
const GROUPS = {
  table: runTable,
  interleaved: runInterleaved,
  features: runFeatures,
  first: runFirst,
  nss: runNss,
  mono: runMono,
  opaque: runOpaque,
  edges: runEdges,
  shortLived: runShortLived,
  debuggers: runDebuggers,
  restarts: runTlsRestarts,
};
const groups = (options['groups'] ?? Object.keys(GROUPS).join(',')).split(',');

const results = new ResultFile(options['out']);
const report: Report = (result) => results.write(result);

try {
  for (const [name, run] of Object.entries(GROUPS)) {
    if (groups.includes(name)) await results.group(name, () => run(context, only, report));
  }
} finally {
  await endAll();
  // To debug a failure: recordings, and the input of the peers.
  if (process.env['HTTP_TRACE_KEEP'] === undefined) rmSync(context.folder, { recursive: true, force: true });
  else console.log(`Kept: ${context.folder}`);
}
// An exit would drop what the reader of this pipe has not taken yet.
process.stdout.write('', () => process.exit(0));
