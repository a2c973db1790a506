/**
 * Writes captured traffic to a file of the user's choice, for its owner only, and never an incomplete file under that
 * name.
 */

import { homedir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { PrivateFile } from '../cli/privateFile.ts';
import { choose } from '../views/choose.ts';
import { showError } from '../views/notify.ts';
import { t } from '../words/translate.ts';

export type Secrets = 'masked' | 'shown';

/** Asked each time; undefined: cancelled. */
export async function askForSecrets(title: string): Promise<Secrets | undefined> {
  const picked = await choose(
    [
      {
        label: t('Secrets masked'),
        description: t('passwords, tokens and cookies are replaced'),
        secrets: 'masked' as const,
      },
      {
        label: t('With secrets'),
        description: t('whoever reads the file can use them'),
        secrets: 'shown' as const,
      },
    ],
    { title },
  );
  return picked?.secrets;
}

/**
 * Asks where to save, and writes.
 * @param make writes the file, piece by piece.
 * @returns where it was written; undefined: cancelled, or it failed and the user has seen why.
 */
export async function savePrivately(
  name: string,
  filters: Record<string, string[]>,
  make: (write: (bytes: Uint8Array) => void) => void | PromiseLike<void>,
): Promise<vscode.Uri | undefined> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri ?? vscode.Uri.file(homedir());
  const uri = await vscode.window.showSaveDialog({
    defaultUri: folder.with({ path: join(folder.path, name) }),
    filters,
  });
  if (uri === undefined) return undefined;
  try {
    if (uri.scheme === 'file') await writeFile(uri.fsPath, make);
    else await vscode.workspace.fs.writeFile(uri, await collect(make));
    return uri;
  } catch (error) {
    showError(error);
    return undefined;
  }
}

async function writeFile(path: string, make: Parameters<typeof savePrivately>[2]): Promise<void> {
  const file = PrivateFile.open(path);
  try {
    await make((bytes) => file.write(bytes));
    file.commit();
  } catch (error) {
    file.discard();
    throw error;
  }
}

/** For another extension's file system, which takes a file as a whole. */
async function collect(make: Parameters<typeof savePrivately>[2]): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  await make((bytes) => {
    pieces.push(Uint8Array.from(bytes));
  });
  return Buffer.concat(pieces);
}
