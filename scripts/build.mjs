// `npm run build`: the kernel object, the loader, the addon and the bundles. Each step is skipped when its
// inputs have not changed since its output was made, so that a second build is immediate.
// `--production` minifies, `--force` skips nothing, `--native` leaves out the bundles.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bpfCommands } from './bpf.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.chdir(root);
const force = process.argv.includes('--force');
const production = process.argv.includes('--production');
const nativeOnly = process.argv.includes('--native');
mkdirSync('dist/native', { recursive: true });
mkdirSync('.cache/build', { recursive: true });

/** Scripts that a debugger evaluates in the debuggee: shipped unchanged. */
const HOOKS = 'extension/debug/source/hooks';
const HOOK_FILES = ['node.js', 'python.py'];

/** Every file below the folders. */
function* files(paths) {
  for (const path of paths) {
    if (!existsSync(path)) continue;
    const entries = readdirSync(path, { withFileTypes: true, recursive: true });
    for (const entry of entries) if (entry.isFile()) yield join(entry.parentPath ?? entry.path, entry.name);
  }
}

function digest(inputs, salt) {
  const hash = createHash('sha256').update(salt);
  for (const file of inputs.sort()) hash.update(file).update(readFileSync(file));
  return hash.digest('hex');
}

/** Runs `make` unless the outputs exist and were made of the same inputs. */
async function step(name, inputs, outputs, salt, make) {
  const stamp = `.cache/build/${name}`;
  const key = digest([...inputs, 'scripts/build.mjs'], salt);
  const fresh =
    outputs.every((o) => existsSync(o)) && existsSync(stamp) && readFileSync(stamp, 'utf8') === key;
  if (fresh && !force) return;
  await make();
  writeFileSync(stamp, key);
  console.log(`built ${outputs.join(', ')}`);
}

function run(command, args) {
  const result = spawnSync(command, args, { stdio: 'inherit' });
  if (result.error?.code === 'ENOENT') {
    fail(`${command} is not installed. \`npm run setup\` installs what the build needs.`);
  }
  if (result.status !== 0) fail(`${command} ended with status ${result.status ?? result.signal}.`);
}

function fail(message) {
  console.error(`build: ${message}`);
  process.exit(1);
}

const machine = { x64: 'x86', arm64: 'arm64' }[process.arch];
if (process.platform !== 'linux' || machine === undefined) {
  fail(`HTTP Trace is built on Linux on x64 or arm64, not on ${process.platform} ${process.arch}.`);
}

const cflags = [
  // No local path in the output: the same source makes the same bytes.
  `-ffile-prefix-map=${root}=.`,
  '-O2',
  '-g',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-std=gnu11',
  '-fstack-protector-strong',
  '-D_FORTIFY_SOURCE=2',
];
/** For test/trust/sanitized.mjs. */
const sanitized =
  process.env.HTTP_TRACE_SANITIZE === undefined
    ? []
    : [
        '-fsanitize=address,undefined',
        '-fno-sanitize-recover=all',
        '-U_FORTIFY_SOURCE',
        'test/trust/sanitizer.c',
      ];
const hardened = ['-fPIE', '-pie', '-Wl,-z,relro,-z,now'];
const bpf = [...files(['bpf'])];

await step('bpf', [...bpf, 'scripts/bpf.mjs'], ['dist/native/trace_http.bpf.o'], machine, () => {
  for (const [command, args] of bpfCommands(machine, 'dist/native/trace_http.bpf.o')) run(command, args);
});

/** Says which libraries were really linked (scripts/notices.mjs). */
const LINKER_MAP = '.cache/build/loader.map';
const loaderSources = readdirSync('helper/loader')
  .filter((f) => f.endsWith('.c') && f !== 'gate.c')
  .map((f) => `helper/loader/${f}`);
const sandbox = ['helper/sandbox.c', 'helper/sandbox.h'];
const catalogue = 'helper/tls/catalogue.json';

/** The catalogue as C for the broker: `{symbol, enum tls_function, returns, is Go's, called by}`, in strcmp order. */
function catalogueTable() {
  const isGo = (library) => library === 'go' || library === 'goCallers';
  const rows = Object.entries(JSON.parse(readFileSync(catalogue, 'utf8'))).flatMap(([library, functions]) =>
    functions.map(({ symbol, function: name, returns, calledBy }) => {
      const number = `TLS_${name.replaceAll(/(?<!^)(?=[A-Z])/g, '_').toUpperCase()}`;
      const caller = calledBy === undefined ? 'NULL' : JSON.stringify(calledBy);
      return {
        symbol,
        text: `{${JSON.stringify(symbol)}, ${number}, ${returns}, ${isGo(library)}, ${caller}},`,
      };
    }),
  );
  rows.sort((a, b) => Buffer.compare(Buffer.from(a.symbol), Buffer.from(b.symbol)));
  return `${rows.map(({ text }) => text).join('\n')}\n`;
}

/**
 * Capstone's static library has decoders for every architecture. The unused ones would be most of the code that runs
 * elevated, so their entry points are redirected to our function that refuses (decoder.c), and the linker drops them.
 */
const otherDecoders = [
  'AArch64',
  'ARM',
  'EVM',
  'M680X',
  'M68K',
  'Mips',
  'PPC',
  'Sparc',
  'SystemZ',
  'TMS320C64x',
  'XCore',
]
  .flatMap((name) => [`${name}_global_init`, `${name}_option`])
  .map((name) => `-Wl,--defsym,${name}=refuse_decoder`);

await step(
  'loader',
  [...files(['helper/loader']), ...sandbox, catalogue, ...bpf, 'dist/native/trace_http.bpf.o'],
  ['dist/native/loader', LINKER_MAP],
  machine,
  () => {
    writeFileSync('.cache/build/catalogue.inc', catalogueTable());
    // The programs are part of the loader, so that they cannot be replaced.
    writeFileSync(
      '.cache/build/programs.S',
      [
        '.section .rodata',
        '.global programs_start, programs_end',
        '.balign 16',
        'programs_start:',
        '.incbin "dist/native/trace_http.bpf.o"',
        'programs_end:',
        '.section .note.GNU-stack,"",%progbits',
        '',
      ].join('\n'),
    );
    run('gcc', [
      ...cflags,
      ...hardened,
      ...sanitized,
      '-Ibpf',
      '-I.cache/build',
      ...loaderSources,
      'helper/sandbox.c',
      '.cache/build/programs.S',
      '-o',
      'dist/native/loader',
      `-Wl,-Map=${LINKER_MAP}`,
      '-Wl,-Bstatic',
      '-lbpf',
      '-lelf',
      '-lz',
      // Decodes x86-64 for the broker; other machines need none.
      ...(process.arch === 'x64' ? [...otherDecoders, '-lcapstone'] : []),
      '-Wl,-Bdynamic',
      '-lpthread',
    ]);
  },
);
await step('gate', ['helper/loader/gate.c'], ['dist/native/gate'], machine, () => {
  run('gcc', [...cflags, ...hardened, 'helper/loader/gate.c', '-o', 'dist/native/gate']);
});
await step('installer', ['helper/installer/installer.c'], ['dist/native/installer'], machine, () => {
  run('gcc', [...cflags, ...hardened, 'helper/installer/installer.c', '-o', 'dist/native/installer']);
});

const headers = 'node_modules/node-api-headers/include';
const addonSources = readdirSync('helper/addon')
  .filter((f) => f.endsWith('.c'))
  .map((f) => `helper/addon/${f}`);
await step(
  'addon',
  [...files(['helper/addon']), 'helper/loader/broker.h', ...sandbox, ...bpf],
  ['dist/native/addon.node'],
  machine,
  () => {
    run('gcc', [
      ...cflags,
      '-fPIC',
      '-shared',
      '-fvisibility=hidden',
      '-DNAPI_VERSION=8',
      `-I${headers}`,
      '-Ibpf',
      ...addonSources,
      'helper/sandbox.c',
      '-o',
      'dist/native/addon.node',
      '-Wl,-z,relro,-z,now',
    ]);
  },
);

if (nativeOnly) process.exit(0);

await step(
  'hooks',
  [...files([HOOKS])],
  HOOK_FILES.map((file) => `dist/hooks/${file}`),
  '',
  () => {
    mkdirSync('dist/hooks', { recursive: true });
    for (const file of HOOK_FILES) copyFileSync(join(HOOKS, file), `dist/hooks/${file}`);
  },
);

const { build } = await import('esbuild');
const { BUNDLES, bundleMetafile, bundleOptions, bundleStamp, finishBundle } = await import('./bundles.mjs');
for (const bundle of BUNDLES) {
  const sources = [...files(['extension', 'helper'])].filter(
    (f) => /\.(ts|json|css)$/.test(f) && !f.endsWith('.test.ts'),
  );
  const options = bundleOptions(bundle, { production });
  await step(
    bundleStamp(bundle),
    [...sources, 'package-lock.json', 'scripts/bundles.mjs'],
    [bundle.outfile, bundleMetafile(bundle)],
    JSON.stringify(options),
    async () => {
      const { metafile } = await build({ ...options, metafile: true });
      writeFileSync(bundleMetafile(bundle), JSON.stringify(metafile));
      finishBundle(bundle);
    },
  );
}
