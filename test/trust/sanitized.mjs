// The tests of loader and broker with a loader that is built with AddressSanitizer and UndefinedBehaviorSanitizer, in a
// copy of the sources. HTTP_TRACE_RESULTS names a file for the results as JSON.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { vitestCounts } from '../../scripts/suites.mjs';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const SOURCES = [
  'bpf',
  'helper',
  'extension',
  'media',
  'scripts',
  'test',
  'package.json',
  'package-lock.json',
];
const SETTINGS = ['tsconfig.json', 'vitest.config.mts', 'LICENSE', 'README.md'];
const FILES = ['loader', 'socket', 'broker', 'whom'];
/** What a sanitizer says when it has found something. */
const REPORT = /AddressSanitizer|runtime error:|UndefinedBehaviorSanitizer/;

mkdirSync(join(root, '.cache/test'), { recursive: true });
const copy = mkdtempSync(join(root, '.cache/test/sanitized-'));
process.once('exit', () => rmSync(copy, { recursive: true, force: true }));
for (const name of [...SOURCES, ...SETTINGS]) cpSync(join(root, name), join(copy, name), { recursive: true });
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));

const env = { ...process.env, HTTP_TRACE_SANITIZE: '1' };
const built = spawnSync(process.execPath, ['scripts/build.mjs'], { cwd: copy, env, stdio: 'inherit' });
if (built.status !== 0) process.exit(1);
const results = join(copy, 'results.json');
const words = [
  ...[join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--project', 'trust'],
  ...FILES.map((name) => `test/trust/${name}.test.ts`),
  ...['--reporter=default', '--reporter=json', `--outputFile=${results}`],
];
const { stdout, stderr } = spawnSync(process.execPath, words, { cwd: copy, env, encoding: 'utf8' });
console.log(stdout + stderr);
const counts = vitestCounts(JSON.parse(readFileSync(results, 'utf8')));
if (REPORT.test(stdout + stderr))
  counts.failures.push({ name: 'the sanitizers', detail: 'a report; see the log' });
// Also a file that could not be loaded, of which vitest counts no test.
counts.failed = counts.failures.length;
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
if (process.env.HTTP_TRACE_RESULTS) writeFileSync(process.env.HTTP_TRACE_RESULTS, JSON.stringify(counts));
process.exit(counts.failed === 0 ? 0 : 1);
