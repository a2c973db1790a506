// Bundles the suite that runs inside the extension host, for the browser-served and for the desktop VS Code.
import { cpSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const sample = join(root, 'test/fixtures/sample');

/** Installs debug types that start Debian's adapters, for tests only. VS Code takes only one extension from the address. */
export function installAdapters(extensionsFolder) {
  const folder = join(extensionsFolder, 'debian-adapters');
  cpSync(join(root, 'test/vscode/adapters'), folder, { recursive: true });
  cpSync(join(root, 'scripts/freePort.mjs'), join(folder, 'freePort.mjs'));
}

/**
 * @param folder of this run alone: another one may be under way.
 * @param name of the file in suite/ that exports `run()`.
 * @returns the file that VS Code loads.
 */
export async function bundleSuite(folder, name = 'index') {
  const suite = join(folder, 'suite.js');
  await build({
    entryPoints: [join(root, 'test/vscode/suite', `${name}.ts`)],
    outfile: suite,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external: ['vscode'],
    logLevel: 'warning',
    // What fails is shown by the line of the source.
    sourcemap: 'inline',
  });
  return suite;
}
