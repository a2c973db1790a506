import { execFile } from 'node:child_process';
import { join } from 'node:path';

/** The check tries things out in the kernel; more than this is not patience but a hang. In milliseconds. */
const TIMEOUT = 60_000;

/**
 * Runs `http-trace doctor` and resolves with what it says, whatever its exit status: 1 means that something
 * is missing, which is what the text is about.
 * @throws Error when it could not be run or said nothing.
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
        else reject(new Error(stderr.trim() || error?.message || 'The system check said nothing.'));
      },
    );
  });
}
