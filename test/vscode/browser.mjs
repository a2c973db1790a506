// The browser in which the tests look at VS Code.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { root, sample } from './bundle.mjs';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Starts Chromium without a window; nothing of it talks to the network by itself. */
export function openBrowser() {
  const executablePath = process.env['CHROMIUM'] ?? PLACES.find((path) => existsSync(path));
  if (executablePath === undefined) {
    throw new Error(
      'Chromium is not installed: `npm run setup -- --test` installs it, or set CHROMIUM to its path.',
    );
  }
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** Opens the sample in the served VS Code, which runs the bundled suite, a file, in its extension host. */
export async function openSuite(page, server, suite) {
  const remote = (path) => `vscode-remote://${server.authority}${path}`;
  const payload = JSON.stringify([
    ['extensionDevelopmentPath', remote(root)],
    ['extensionTestsPath', remote(suite)],
    ['skipWelcome', 'true'],
  ]);
  await page.goto(`${server.url}/?folder=${sample}&payload=${encodeURIComponent(payload)}`);
}
