// Node's own builds of other major versions than the one that the tools run on, from the package `node` of npm, kept
// in .cache/nodes. Quick when they are there.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Node 16 has OpenSSL 1.1.1, of which Debian and Ubuntu have no package any more; the others 3.0, 3.0 and 3.5. */
const VERSIONS = { 16: '16.20.2', 20: '20.20.2', 22: '22.23.3' };

/** @returns {Record<string, string>} the executable of each major version. @throws */
export function ensureNodes() {
  const found = { 24: join(root, 'node_modules/node/bin/node') };
  for (const [major, version] of Object.entries(VERSIONS)) {
    const folder = join(root, '.cache/nodes', version);
    const executable = join(folder, 'node_modules/node/bin/node');
    if (!existsSync(executable)) fetchNode(folder, version);
    found[major] = executable;
  }
  return found;
}

function fetchNode(folder, version) {
  const making = `${folder}.making`;
  rmSync(making, { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(making, { recursive: true });
  writeFileSync(join(making, 'package.json'), '{ "private": true }');
  console.log(`Fetching Node ${version} …`);
  // Its install script only links the executable of the package for this platform into place.
  const { status } = spawnSync(
    'npm',
    ['install', '--no-fund', '--no-audit', '--loglevel=error', `node@${version}`],
    {
      cwd: making,
      stdio: 'inherit',
    },
  );
  if (status !== 0) throw new Error(`node@${version} could not be installed, see above.`);
  renameSync(making, folder);
}
