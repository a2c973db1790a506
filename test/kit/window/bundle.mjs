// Bundles the two threads of a window's trace without VS Code into a folder, as esbuild makes the product's own.
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));

/** @returns the program of the host */
export async function bundleWindow(folder) {
  mkdirSync(join(folder, 'dist'), { recursive: true });
  const host = join(folder, 'host.mjs');
  const common = { bundle: true, platform: 'node', target: 'node20', logLevel: 'warning' };
  await Promise.all([
    build({ ...common, entryPoints: [join(here, 'host.ts')], outfile: host, format: 'esm' }),
    build({
      ...common,
      entryPoints: [join(here, 'worker.ts')],
      outfile: join(folder, 'dist/worker.js'),
      format: 'cjs',
    }),
  ]);
  return host;
}
