// `npm run fuzz [-- --seconds N --target NAME --seed N]`: each target for some seconds. In `npm test` briefly,
// with a fixed seed; by hand for as long as you like. A finding is written to test-output/fuzz and fails the run; once
// its cause is fixed, move it to test/fuzz/findings, which the unit tests run.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { corpus } from '../kit/corpora.mjs';
import { fuzz } from './fuzzer.mjs';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const output = join(root, 'test-output/fuzz');
/** Seeds made by others, by target. */
const FOREIGN = { http1: corpus('llhttp/test'), http2: corpus('nghttp2-fuzz/fuzz/corpus') };

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    target: { type: 'string', multiple: true },
    seed: { type: 'string', default: '1' },
    input: { type: 'string' },
  },
});

mkdirSync(output, { recursive: true });
const bundle = join(output, 'targets.mjs');
await build({
  entryPoints: [join(root, 'test/fuzz/targets.ts')],
  outfile: bundle,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  logLevel: 'warning',
  // The fixtures are found from there.
  define: { 'import.meta.dirname': JSON.stringify(join(root, 'extension/engine/testing')) },
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
});
const url = pathToFileURL(bundle).href;
const { TARGETS, clientSeed, exchangeSeed, explain } = await import(url);

if (values.input !== undefined) {
  // One input again: a finding, by its file's name `TARGET-….bin`.
  const bytes = readFileSync(values.input);
  const name = values.target?.[0] ?? values.input.split('/').at(-1).split('-')[0];
  console.log(explain(name, bytes));
  TARGETS.find((target) => target.name === name).run(bytes);
  console.log('passed');
  process.exit(0);
}

const chosen = TARGETS.filter(({ name }) => values.target === undefined || values.target.includes(name));
let failed = 0;
let skipped = 0;
for (const target of chosen) {
  // Without them the target is run all the same, but with fewer seeds.
  if (FOREIGN[target.name]?.folder === null) skipped++;
  const seeds = [...target.seeds(), ...foreignSeeds(target.name)];
  const result = await fuzz(target, {
    url,
    seeds,
    seconds: Number(values.seconds),
    seed: Number(values.seed),
  });
  console.log(
    `${target.name.padEnd(10)} ${String(result.runs).padStart(8)} runs, ${seeds.length} seeds, ${result.kept} kept, ${result.blocks} blocks`,
  );
  for (const [i, { error, input }] of result.findings.entries()) {
    const file = join(output, `${target.name}-${values.seed}-${i}.bin`);
    writeFileSync(file, input);
    console.error(
      `${error?.stack ?? error}\n${explain(target.name, input).slice(0, 4_000)}\nkept in ${file}\n`,
    );
  }
  if (result.findings.length > 0) failed++;
}
const passed = chosen.length - failed;
if (process.env.HTTP_TRACE_RESULTS !== undefined) {
  writeFileSync(process.env.HTTP_TRACE_RESULTS, JSON.stringify({ passed, failed, skipped }));
}
process.exit(failed === 0 ? 0 : 1);

function* foreignSeeds(name) {
  const folder = FOREIGN[name]?.folder ?? null;
  if (folder === null) return;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath ?? entry.path, entry.name);
    const bytes = readFileSync(path);
    if (name === 'http2') yield clientSeed(bytes.subarray(0, 20_000));
    else if (path.endsWith('.md')) {
      for (const [, text] of bytes.toString('latin1').matchAll(/```http\n([\s\S]*?)\n```/g)) {
        const wire = text.replaceAll('\n', '\r\n').replaceAll('\\r', '\r').replaceAll('\\n', '\n');
        yield path.includes('/response/')
          ? exchangeSeed('GET / HTTP/1.1\r\nHost: a\r\n\r\n', wire)
          : exchangeSeed(wire, '');
      }
    }
  }
}
