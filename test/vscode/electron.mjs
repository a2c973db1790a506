// Runs the same suite in a desktop VS Code: the one that VSCODE_PATH names, else the current one, which
// @vscode/test-electron downloads. For contributors with a network and a display (or xvfb-run).
import { runTests } from '@vscode/test-electron';
import { makePackage } from '../../scripts/package.mjs';
import { bundleSuite, root, sample, suite } from './bundle.mjs';

makePackage();
await bundleSuite();
const installed = process.env['VSCODE_PATH'];
await runTests({
  ...(installed === undefined ? {} : { vscodeExecutablePath: installed }),
  extensionDevelopmentPath: root,
  extensionTestsPath: suite,
  launchArgs: [
    sample,
    '--disable-workspace-trust',
    '--skip-welcome',
    '--skip-release-notes',
    '--disable-telemetry',
  ],
});
