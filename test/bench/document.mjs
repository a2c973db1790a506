// Writes docs/benchmarks.md and its chart from what was measured. `node test/bench/document.mjs` writes them again from
// docs/benchmarks.json, after a change here.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chart } from './chart.mjs';
import { median } from './median.mjs';
import { panelGoals } from './panelGoals.mjs';
import { goals } from './reached.mjs';
import { cells, HEADS, share } from './words.mjs';

/** A noise above which a run is called one of a busy machine. */
const BUSY = 0.15;

const docs = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'docs');
const SOURCE = join(docs, 'benchmarks.json');

/** Writes all three files. What another run has measured of the panel stays. */
export function publish(measured) {
  const { panel } = JSON.parse(readFileSync(SOURCE, 'utf8'));
  write({ ...(panel === undefined ? {} : { panel }), ...measured });
}

/** The same with the panel's figures in it. */
export function publishPanel(panel) {
  write({ ...JSON.parse(readFileSync(SOURCE, 'utf8')), panel });
}

function write(measured) {
  writeFileSync(SOURCE, `${JSON.stringify(measured, null, 2)}\n`);
  for (const [name, text] of Object.entries(files(measured))) writeFileSync(join(docs, name), text);
}

/** What is made of the figures: names and texts. */
export function files(measured) {
  return { 'benchmarks.md': document(measured), 'benchmarks.svg': chart(measured) };
}

function document(measured) {
  const { date, machine, settings, scenarios, moments, engine = null, missing, panel = null } = measured;
  const { kernel, cores, processor, memoryGiB, node } = machine;
  return `<!-- Made by test/bench/document.mjs of benchmarks.json. Change it there. -->

# Benchmarks

What a trace costs the traced program, measured by \`npm run bench -- --publish\` on ${date}: ${cores} cores
(${processor}), ${memoryGiB} GiB, Linux ${kernel}, Node ${node}. Load generator, server and trace share these
cores.

${busy(scenarios)}![Throughput of traced servers, as a share of the untraced one](benchmarks.svg)

## What is wanted, and what is reached

| | wanted | reached |
| --- | --- | --- |
${goals(measured)
  .map(({ what, wanted, reached }) => `| ${what} | ${wanted} | ${reached} |`)
  .join('\n')}

${panel === null ? '' : panelText(panel)}Figures without a unit are shares of the untraced throughput, with the range over the rounds. That every row is right in a
burst is a test (\`test/bursts/\`). The process in which the engine runs has more than the engine: V8 twice, the rows of the
window (650 bytes each), and garbage that is not collected yet. A soak at 1,000 calls a second (\`vitest run --project soak\`)
fails when the engine holds more than 300 MiB once garbage is collected, or the helper has more than 60 MiB of its own, or
a record is lost. Its ten minutes passed on 2026-11-29, beside the project's other tests. On the same day, on a machine that was busy with other work, the engine held 235 MiB with its 100,000 calls, and the helper 28 MiB;
resident at most, after 400 s, were 573 MiB in the engine's process and 95 MiB in the helper. Of each, 52 MB are pages of Node's
executable, which all its processes share.

## Where the time goes

- **Start.** Of 1.3 s of processor time for \`http-trace run -- node PROGRAM\` (a machine busy with other work), Node's own
  start is 0.13 s in each of three processes: the command line, the helper and the program. The kernel's verifier takes 0.2 s
  (most of it for those at the return of a system call and of TLS functions), the helper 0.17 s for
  its disassembler and the places of the probes in the system's TLS libraries, beside the verifier where a core is free. In
  VS Code the next trace within ten minutes finds the helper there, and is ready in 30 to 40 ms.
- **System calls.** The programs run at the entry and the return of every system call, of all processes: what is not
  traced is left at once. An HTTP call of a saturated Node server with its client makes 8 of them, with TLS 12.
- **TLS.** A probe is a trap into the kernel, 1.5 to 2.5 µs here, whatever its program does. A server has seven for each
  call: \`SSL_read\` with the request and once more without data, \`SSL_write\`, each at entry and return, and
  \`BIO_write\`, by which the session's socket is known. None can be left out without losing bytes or the socket.
- **Other programs with the same TLS library** have these traps as well (five for each call of a client), because a
  child of a traced program has to be seen from its first call, and a probe that is set for one process comes some
  milliseconds after that process has begun. They are gone with the trace.
- **The engine** has no single place that costs: of HTTP/1.1 a quarter is collecting, which is copying what each call
  leaves (1 KB of objects); the rest is spread over some fifty functions. V8 collects and compiles in threads of its own
  (host), which in VS Code have the usual priority; on the command line they give way with the rest.
- **What helped the engine** (\`npm run bench:engine -- --against=FOLDER\` compares two of them in one process): no Set or Map
  whose members come and go with each call, as these are rebuilt after every few; connections found by a number instead
  of a bigint; bytes looked at and copied four at a time; heads that are equal to earlier ones not read again; texts that
  repeat made once. A row was cheaper without its URL, and without looking for secrets where no sign of one is.
- **Rows between the threads** were the larger part of the host's time: structured cloning makes each text of each row anew
  on both threads (15 µs a row with what followed). As arrays of numbers and lists of distinct texts they cost 1.6 µs.
- **copy only** writes to a ring of 512 MiB that is never read, so its memory is never in a cache: more than a trace with
  a reader pays for copying.

What was tried and did not help: V8's flags for collection (one thread, other sizes of the young generation, the new
collector), a limit for the old generation (9 % less resident, but a trace could end by it), JSON text between the
threads, copying a few hundred bytes by a loop (native copying is faster from 160 bytes on), other ways to call it.

## How to read the tables

- **Rate** and **ratio**: medians of ${settings.rounds} rounds of ${settings.seconds} s, ${settings.warm > 0 ? 'each of a trace that has warmed up (a second, or `warm` of scenarios.mjs)' : 'each of a trace that has just been started'}. In each round every way has its turn, untraced twice; the
  ratio is that to the untraced ones of the same round. **Noise** is how far these two are apart (the median): a
  difference below it says nothing.
- **p50**, **p99**: how long a call takes, as the client sees it.
- **CPU of each call**: of the server; of the helper, which reads the ring; of the thread that dissects (engine) and of
  the rest of its process, garbage collection included (host). On the command line one process dissects and prints
  (program). The kernel's programs run in the server's time, and are counted in a round of their own.
- **Memory**: the most that was resident, helper + process with the engine.
- **copy only**: the kernel's programs without a reader, the least that a trace costs. **extension**: rows as VS Code
  shows them. **JSON**, **table**: \`http-trace attach\` with \`--format json\` and without, to a file.

${scenarios.map(section).join('\n')}${moments === null ? '' : momentsText(moments)}${engine === null ? '' : engineText(engine)}${missing.length === 0 ? '' : `\nNot installed, so not measured: ${missing.join(', ')}.\n`}`;
}

function busy(scenarios) {
  const noise = median(scenarios.map((scenario) => scenario.noise));
  if (noise <= BUSY) return '';
  return `**The machine was busy with other work: the noise was ${share(noise)} (median). These figures show what is
measured, and little else.**

`;
}

function section({ name, unit, noise, results }) {
  const row = (texts) => `| ${texts.join(' | ')} |`;
  const heads = HEADS.map((head) => (head === 'rate' ? unit : head));
  return `## ${name}

Noise: ${share(noise)}.

${row(heads)}
${row(heads.map(() => '---'))}
${results.map((result) => row(cells(result))).join('\n')}
`;
}

function momentsText({ firstCall, stop }) {
  return `
## Start and stop

From the start of \`http-trace attach\` to the first call that it prints: ${firstCall.toFixed(0)} ms. From Ctrl+C
until nothing is left in the kernel: ${stop.toFixed(0)} ms.
`;
}

function panelText(panel) {
  const lines = panelGoals(panel).map(({ what, wanted, reached }) => `| ${what} | ${wanted} | ${reached} |`);
  return `In the window, measured by \`npm run bench:panel -- --publish\` on ${panel.date} (a VS Code that is served to a browser
without a graphics card, on the same cores; median, and range):

| | wanted | reached |
| --- | --- | --- |
${lines.join('\n')}

`;
}

function engineText(engine) {
  const lines = engine.map(
    ({ name, unit, perSecond }) => `| ${name} | ${Math.round(perSecond).toLocaleString('en')} ${unit} |`,
  );
  return `
## The engine alone

One core, records from memory (\`npm run bench:engine\`):

| protocol | a second |
| --- | --- |
${lines.join('\n')}
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) publish(JSON.parse(readFileSync(SOURCE, 'utf8')));
