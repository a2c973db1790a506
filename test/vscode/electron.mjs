// Runs the same suite in a desktop VS Code: the one that VSCODE_PATH names, else the current one, which
// @vscode/test-electron downloads. For contributors with a network and a display (or xvfb-run).
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runTests } from '@vscode/test-electron';
import { makePackage } from '../../scripts/package.mjs';
import { bundleSuite, root, sample } from './bundle.mjs';

makePackage();
const home = mkdtempSync(join(tmpdir(), 'http-trace-electron-'));
const installed = process.env['VSCODE_PATH'];
try {
  await runTests({
    ...(installed === undefined ? {} : { vscodeExecutablePath: installed }),
    extensionDevelopmentPath: root,
    extensionTestsPath: await bundleSuite(home),
    launchArgs: [
      sample,
      '--disable-workspace-trust',
      '--skip-welcome',
      '--skip-release-notes',
      '--disable-telemetry',
    ],
  });
} finally {
  rmSync(home, { recursive: true, force: true });
}
