// `npm run watch`: builds everything, then builds again what a changed source file belongs to, until Ctrl+C.
// Problems are printed one to a line as FILE:LINE:COLUMN: error: TEXT, which the task in .vscode/tasks.json reads.
import { spawn } from 'node:child_process';
import { rmSync, watch } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Lines between which VS Code's task considers the build running. */
export const BUILDING = 'watch: building';
export const WAITING = 'watch: waiting for changes';

/** An editor may write several files one after the other; they make one build. In milliseconds. */
const SETTLE = 200;

let running = 0;
function begin() {
  if (running++ === 0) console.log(BUILDING);
}
function end() {
  if (--running === 0) console.log(WAITING);
}

/** Builds the C parts that have changed. The messages of clang and gcc have the same form as ours. */
function buildNative() {
  return new Promise((resolve) => {
    spawn(process.execPath, ['scripts/build.mjs', '--native'], { stdio: 'inherit' }).once('exit', resolve);
  });
}

/** The last build of the C parts: the next one waits for it. */
let native = Promise.resolve();
let settling;

async function main() {
  process.chdir(dirname(dirname(fileURLToPath(import.meta.url))));
  // One `begin` for all of the first build, so that F5 does not start with half of it.
  begin();
  await buildNative();
  await watchBundles();
  for (const folder of ['bpf', 'helper/loader', 'helper/installer', 'helper/addon']) watchNative(folder);
  end();
}

/** Resolves when every bundle has been built once. */
async function watchBundles() {
  const { context } = await import('esbuild');
  const { BUNDLES, bundleOptions, bundleStamp, finishBundle } = await import('./bundles.mjs');
  await Promise.all(
    BUNDLES.map(async (bundle) => {
      // From here on the file is not the one that `npm run build` made.
      rmSync(join('.cache/build', bundleStamp(bundle)), { force: true });
      const options = bundleOptions(bundle, { production: false });
      let onFirstEnd;
      const firstEnd = new Promise((resolve) => {
        onFirstEnd = resolve;
      });
      const reporter = {
        name: 'reporter',
        setup(build) {
          build.onStart(begin);
          build.onEnd(({ errors, warnings }) => {
            for (const error of errors) console.log(problemLine('error', error));
            for (const warning of warnings) console.log(problemLine('warning', warning));
            if (errors.length === 0) finishBundle(bundle);
            onFirstEnd();
            end();
          });
        },
      };
      const plugins = [...(options.plugins ?? []), reporter];
      const watched = await context({ ...options, logLevel: 'silent', plugins });
      await watched.watch();
      await firstEnd;
    }),
  );
}

/** One message of esbuild. Those without a location (of a plugin) are shown in bundles.mjs. */
export function problemLine(severity, { text, location }) {
  const { file, line, column } = location ?? { file: 'scripts/bundles.mjs', line: 1, column: 0 };
  return `${file}:${line}:${column + 1}: ${severity}: ${text}`;
}

function watchNative(folder) {
  watch(folder, (_event, name) => {
    if (!/\.[ch]$/.test(name ?? '')) return;
    clearTimeout(settling);
    settling = setTimeout(() => {
      begin();
      native = native.then(buildNative).then(end);
    }, SETTLE);
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
