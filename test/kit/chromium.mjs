// The Chromium of the tests: where it is, and how it is started.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
/** Debian's package without windows and DevTools takes a fifth less processor time. */
const WITHOUT_WINDOWS = 'chromium-headless-shell';

/** No background network traffic. Tests run as root, and draw without a graphics card. */
export const CHROMIUM_OPTIONS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/**
 * @param {{ devTools?: boolean }} [needs] devTools: it must have them
 * @returns {string} its path: the one in CHROMIUM, or what is on the PATH
 */
export function findChromium({ devTools = false } = {}) {
  const { CHROMIUM, PATH = '' } = process.env;
  if (CHROMIUM !== undefined) return CHROMIUM;
  const names = devTools ? NAMES : [WITHOUT_WINDOWS, ...NAMES];
  const found = names
    .flatMap((name) => PATH.split(delimiter).map((folder) => join(folder, name)))
    .find(isProgram);
  if (found !== undefined) return found;
  throw new Error(
    'These tests need a browser: `npm run setup -- --test` installs Chromium, or set CHROMIUM to its path.',
  );
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
