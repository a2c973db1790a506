// What is on disk after the package was installed.
import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Must be executable after a package manager and VS Code have unpacked them. */
const EXECUTABLES = ['dist/http-trace', 'dist/native/loader', 'dist/native/gate', 'dist/native/installer'];

export async function installed(steps, extensionsDir) {
  await steps.step('the package holds what runs, executable, and nothing else', () => {
    const name = readdirSync(extensionsDir).find((entry) => entry.startsWith('http-trace.http-trace-'));
    assert(name, 'the extension is installed');
    const folder = join(extensionsDir, name);
    for (const path of EXECUTABLES) {
      assert.equal(statSync(join(folder, path)).mode & 0o111, 0o111, `${path} is executable`);
    }
    const top = readdirSync(folder).filter((entry) => !entry.startsWith('.'));
    for (const entry of top) {
      assert.match(
        entry,
        /^(dist|media|l10n|package(\.nls(\.\w+)?)?\.json|readme\.md|changelog\.md|security\.md|license(\.[\w-]+)?)$/i,
      );
    }
    const files = readdirSync(folder, { recursive: true });
    assert.deepEqual(
      files.filter((file) => /\.(ts|map|o)$/.test(file)),
      [],
    );
  });
}
