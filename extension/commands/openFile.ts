/** Open Trace… and Import HAR…: shows calls from a file in the panel and the tree, along with traced ones. */

import { basename } from 'node:path';
import * as vscode from 'vscode';
import { type Opened, type Trace, TraceError } from '../capture/trace.ts';
import { reasonOf, showError, showInStatusBar, showWarning } from '../views/notify.ts';
import { localized } from '../words/localized.ts';
import { counted } from '../words/numbers.ts';
import { t } from '../words/translate.ts';
import { labelText, notificationText } from '../words/visible.ts';

/** Maximum bytes of a file on another machine, which is read as a whole. */
const MAX_REMOTE = 512 * 1024 * 1024;

const RECORDINGS = ['httptrace', 'trace'];
const ARCHIVES = ['har', 'gz'];

/** A file: its path or its bytes. */
export interface FileToOpen {
  readonly name: string;
  readonly content: string | Uint8Array;
}

export function isFileToOpen(value: unknown): value is FileToOpen {
  return (
    typeof value === 'object' &&
    value !== null &&
    'content' in value &&
    value.content instanceof Uint8Array &&
    'name' in value &&
    typeof value.name === 'string'
  );
}

export async function askAndOpen(trace: Trace, kind: 'recording' | 'archive'): Promise<boolean> {
  const isArchive = kind === 'archive';
  const recordings = { [t('HTTP Trace Recordings')]: RECORDINGS };
  const archives = { [t('HTTP Archives')]: ARCHIVES };
  const all = { [t('Files with HTTP Calls')]: [...RECORDINGS, ...ARCHIVES], [t('All Files')]: ['*'] };
  const picked = await vscode.window.showOpenDialog({
    title: isArchive ? t('Import HAR') : t('Open Trace'),
    openLabel: isArchive ? t('Import') : t('Open'),
    canSelectMany: true,
    filters: isArchive ? { ...archives, ...recordings, ...all } : { ...recordings, ...archives, ...all },
  });
  let opened = false;
  for (const uri of picked ?? []) opened = (await openUri(trace, uri)) !== null || opened;
  return opened;
}

/** @returns null: cancelled, or it could not be opened and the user has seen why. */
export async function openUri(trace: Trace, uri: vscode.Uri): Promise<Opened | null> {
  const name = basename(uri.path);
  if (uri.scheme === 'file') return openFile(trace, { name, content: uri.fsPath });
  try {
    const { size } = await vscode.workspace.fs.stat(uri);
    if (size > MAX_REMOTE)
      throw new Error(
        t(
          'The file is too large to be read from its location. Copy it to the machine that holds the workspace first.',
        ),
      );
    return await openFile(trace, { name, content: await vscode.workspace.fs.readFile(uri) });
  } catch (error) {
    showFailure(name, error);
    return null;
  }
}

/** @returns null: cancelled, or it could not be opened and the user has seen why. */
export async function openFile(trace: Trace, { name, content }: FileToOpen): Promise<Opened | null> {
  const shown = labelText(name, 80);
  const options = {
    location: vscode.ProgressLocation.Notification,
    title: notificationText(t('HTTP Trace: opening {0}', shown)),
  };
  try {
    const opened = await vscode.window.withProgress(
      { ...options, cancellable: true },
      (progress, cancelled) => {
        let before = 0;
        const opening = trace.open(content, name, (percent) => {
          progress.report({ increment: percent - before, message: `${percent} %` });
          before = percent;
        });
        cancelled.onCancellationRequested(() => opening.cancel());
        return opening.opened;
      },
    );
    const { calls, note } = opened;
    const text = `${shown}: ${counted(calls, '{0} call', '{0} calls')}.${note === null ? '' : ` ${localized(note)}`}`;
    if (note === null) showInStatusBar(text);
    else showWarning(text);
    return opened;
  } catch (error) {
    showFailure(name, error);
    return null;
  }
}

function showFailure(name: string, error: unknown): void {
  if (error instanceof TraceError && error.code === 'cancelled') return;
  showError(t('{0} cannot be opened. {1}', labelText(name, 80), reasonOf(error)));
}
