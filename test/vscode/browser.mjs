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

/**
 * Animations of the pages of a context end at once, as their bars of progress are drawn sixty times a second by a processor:
 * VS Code heeds the wish for reduced motion only here and there.
 */
export function stopAnimations(context) {
  return context.addInitScript(() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(`*, *::before, *::after {
      animation-duration: 1ms !important; animation-delay: 0s !important; animation-iteration-count: 1 !important;
      transition-duration: 1ms !important; transition-delay: 0s !important;
    }`);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
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
  await page.goto(`${server.url}/?folder=${sample}&payload=${encodeURIComponent(payload)}`, {
    timeout: LOADING,
  });
}
