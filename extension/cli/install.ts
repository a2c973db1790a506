/** `http-trace install` and `uninstall`: install or remove the trusted loader, with one root command that is shown first. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { exec } from '@vscode/sudo-prompt';
import {
  commandLine,
  installTask,
  isInstalled,
  REMOVE_TASK,
  type RootTask,
  survivesDoubleQuotes,
} from '../elevation/install.ts';
import { WHAT_IT_READS } from '../elevation/launch.ts';
import { findTrustedLoader } from '../elevation/trustedLoader.ts';
import { isOnPath } from '../elevation/ways.ts';
import { UsageError } from './arguments.ts';
import { NATIVE_PATH } from './bundlePaths.ts';
import { EXIT_FAILED, EXIT_NO_DIALOG, EXIT_OK, EXIT_REFUSED, Exit } from './exitStatus.ts';
import { say } from './say.ts';

/**
 * @param user name or number of the user who may start the loader; null = the requesting user
 * @param dialog ask by the dialog of polkit's agent instead of on the terminal
 * @throws UsageError, Exit, TraceError
 */
export async function install(user: string | null, dialog: boolean): Promise<number> {
  const uid = user === null ? asker() : readUser(user);
  const status = await asRoot(installTask(NATIVE_PATH, uid), dialog, [
    'This copies the loader to a folder that only root can write to, and lets you start it without a password.',
    WHAT_IT_READS,
  ]);
  if (status !== EXIT_OK) return status;
  const loader = findTrustedLoader(`${NATIVE_PATH}/loader`);
  if (loader === null) throw new Exit(EXIT_FAILED, 'The loader was not installed.');
  if (loader.problem !== null) throw new Exit(EXIT_FAILED, loader.problem);
  return EXIT_OK;
}

/** @throws Exit */
export async function uninstall(dialog: boolean): Promise<number> {
  if (!isInstalled()) {
    say('No trusted loader is installed.');
    return EXIT_OK;
  }
  const status = await asRoot(REMOVE_TASK, dialog, [
    'This removes the installed loader, its folder and its polkit action.',
  ]);
  if (status === EXIT_OK && isInstalled()) throw new Exit(EXIT_FAILED, 'The loader was not removed.');
  return status;
}

/** The user who gets the permission if none is named; null for root, who needs none. */
function asker(): number | null {
  const uid = process.getuid?.() ?? 0;
  if (uid !== 0) return uid;
  const { SUDO_UID: caller = '' } = process.env;
  return /^[1-9]\d{0,9}$/.test(caller) ? Number(caller) : null;
}

function readUser(name: string): number {
  const { status, stdout } = spawnSync('id', ['-u', '--', name], { encoding: 'utf8', timeout: 10_000 });
  const uid = Number(stdout);
  if (status !== 0 || !Number.isSafeInteger(uid))
    throw new UsageError(`There is no user ${JSON.stringify(name)}.`);
  if (uid === 0) throw new UsageError('root needs no permission.');
  return uid;
}

async function asRoot(
  { command, line }: RootTask,
  dialog: boolean,
  explanation: readonly string[],
): Promise<number> {
  if (process.getuid?.() === 0) return run(command);
  if (dialog) return runByDialog(line);
  if (!process.stdin.isTTY || !isOnPath('sudo')) {
    throw new Exit(
      EXIT_FAILED,
      `This has to run as root, and nobody can be asked for a password here: ${commandLine(command)}`,
    );
  }
  for (const sentence of explanation) say(sentence);
  say(`It runs as root: ${commandLine(command)}`);
  return run(['sudo', '--', ...command]);
}

async function run([program = '', ...args]: readonly string[]): Promise<number> {
  const child = spawn(program, args, { stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code === 0 ? EXIT_OK : EXIT_FAILED;
}

/** @throws Exit when the command ran and failed */
function runByDialog(line: string): Promise<number> {
  if (!survivesDoubleQuotes(line)) return Promise.resolve(EXIT_NO_DIALOG);
  // sudo-prompt puts this path into a shell script.
  process.chdir('/');
  return new Promise((resolve, reject) => {
    exec(line, { name: 'HTTP Trace' }, (error, _stdout, stderr) => {
      if (!error) resolve(EXIT_OK);
      else if (error.message === 'User did not grant permission.') resolve(EXIT_REFUSED);
      else if (/No polkit authentication agent|Unable to find pkexec/.test(error.message))
        resolve(EXIT_NO_DIALOG);
      else reject(new Exit(EXIT_FAILED, `${stderr}`.trim() || error.message));
    });
  });
}
