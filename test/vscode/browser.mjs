// The browser in which the tests look at VS Code.
import { chromium } from 'playwright-core';
import { CHROMIUM_OPTIONS, findChromium } from '../kit/chromium.mjs';
import { root, sample } from './bundle.mjs';

/** Milliseconds until the workbench is loaded, on a busy machine. */
const LOADING = 180_000;

/** Starts Chromium without a window. */
export function openBrowser() {
  return chromium.launch({ executablePath: findChromium(), args: [...CHROMIUM_OPTIONS] });
}

/** Opens the sample in the served VS Code, which runs the bundled suite, a file, in its extension host. */
export async function openSuite(page, server, suite) {
  const remote = (path) => `vscode-remote://${server.authority}${path}`;
  const payload = JSON.stringify([
    ['extensionDevelopmentPath', remote(root)],
    ['extensionTestsPath', remote(suite)],
    ['skipWelcome', 'true'],
  ]);
  await page.goto(`${server.url}/?folder=${sample}&payload=${encodeURIComponent(payload)}`, {
    timeout: LOADING,
  });
}
