// The JavaScript files of dist/, each made by esbuild from one entry point. `npm run build` makes them once,
// `npm run watch` again whenever a source file changes.
import { chmodSync, readFileSync } from 'node:fs';

/**
 * iced-x86 reads its WebAssembly from a file beside it; the bundle embeds the bytes instead. The bundle is read at the
 * start of every trace, so it is kept small: without comments, and without the names of all 4,900 instruction codes,
 * which `Disassembler` of helper/tls/cheapPlaces.ts keeps out of our code.
 */
const withDisassembler = {
  name: 'disassembler',
  setup(build) {
    build.onLoad({ filter: /[/\\]iced_x86\.js$/ }, ({ path }) => {
      const reading =
        /const path = require\('path'\)\.join\(__dirname, 'iced_x86_bg\.wasm'\);\s*const bytes = require\('fs'\)\.readFileSync\(path\);/;
      const codes = /^module\.exports\.Code = Object\.freeze\(\{.*\}\);$/m;
      const source = readFileSync(path, 'utf8');
      if (!reading.test(source) || !codes.test(source)) {
        return { errors: [{ text: `${path} is not what was expected: its WebAssembly, or its codes.` }] };
      }
      const contents = source
        .replace(reading, "const bytes = require('./iced_x86_bg.wasm');")
        .replace(codes, '');
      return { contents: build.esbuild.transformSync(contents, { minify: true }).code, loader: 'js' };
    });
  },
};

const node = { platform: 'node', format: 'cjs', target: 'node20' };

/** What differs between the bundles. */
export const BUNDLES = [
  { entryPoints: ['extension/extension.ts'], outfile: 'dist/extension.js', ...node, external: ['vscode'] },
  { entryPoints: ['extension/capture/worker.ts'], outfile: 'dist/worker.js', ...node },
  {
    entryPoints: ['helper/entry.ts'],
    outfile: 'dist/helper.js',
    ...node,
    loader: { '.wasm': 'binary' },
    plugins: [withDisassembler],
  },
  {
    entryPoints: ['extension/cli/main.ts'],
    outfile: 'dist/http-trace',
    ...node,
    banner: { js: '#!/usr/bin/env node' },
    sourcemap: false,
  },
  {
    entryPoints: ['extension/webview/main.ts'],
    outfile: 'dist/webview.js',
    platform: 'browser',
    format: 'iife',
    target: 'chrome120',
  },
  {
    entryPoints: ['extension/webview/styles/panel.css'],
    outfile: 'dist/panel.css',
    target: 'chrome120',
  },
];

/** Everything that esbuild needs for one bundle. */
export function bundleOptions(bundle, { production }) {
  return {
    bundle: true,
    sourcemap: production ? false : 'linked',
    minify: production,
    legalComments: 'none',
    logLevel: 'warning',
    define: { 'process.env.NODE_ENV': '"production"' },
    ...bundle,
  };
}

/** The name of the file in .cache/build by which `npm run build` knows that the bundle is up to date. */
export function bundleStamp(bundle) {
  return `bundle-${bundle.outfile.replace(/\W/g, '-')}`;
}

/** What esbuild put into the bundle, for the package's notices (scripts/notices.mjs). */
export function bundleMetafile(bundle) {
  return `.cache/build/${bundleStamp(bundle)}.meta.json`;
}

/** What is left to do once esbuild has written the file. */
export function finishBundle(bundle) {
  if (bundle.outfile === 'dist/http-trace') chmodSync(bundle.outfile, 0o755);
}
