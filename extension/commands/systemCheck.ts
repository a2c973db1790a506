import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { t } from '../words/translate.ts';

/** Milliseconds. The check loads programs into the kernel, which takes seconds on a slow machine. */
const TIMEOUT = 60_000;

/**
 * Runs `http-trace doctor` and resolves with its report, whatever its exit status: 1 means that something is
 * missing, which is what the report is about.
 * @throws Error when it could not be run or printed nothing.
 */
export function systemCheck(extensionPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [join(extensionPath, 'dist/http-trace'), 'doctor'],
      // In a desktop VS Code, execPath is Electron.
      { timeout: TIMEOUT, env: { ...process.env, ELECTRON_RUN_AS_NODE: '1', NODE_OPTIONS: '' } },
      (error, stdout, stderr) => {
        if (stdout.trim() !== '') resolve(stdout);
        else reject(new Error(stderr.trim() || error?.message || t('it printed nothing.')));
      },
    );
  });
}
