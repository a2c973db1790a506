/** Save Trace…: what was captured, as a recording that Open Trace… and `http-trace replay` read. */

import * as vscode from 'vscode';
import { type Recorded, type Trace, TraceError } from '../capture/trace.ts';
import { Setting } from '../contributions.ts';
import { choose } from '../views/choose.ts';
import { showError, showNote } from '../views/notify.ts';
import { sizeText } from '../words/numbers.ts';
import { language, t } from '../words/translate.ts';
import { notificationText } from '../words/visible.ts';
import { savePrivately } from './savePrivately.ts';

export async function saveTrace(trace: Trace): Promise<void> {
  const recorded = await pick(trace);
  if (recorded === undefined) return;
  const go = t('Save with Secrets');
  const detail = t(
    'A trace holds everything as it was captured: passwords, tokens and cookies are not masked. Only you can read the file; think before you share it. Export HAR… writes a file with secrets masked.',
  );
  const question = { modal: true, detail };
  if ((await vscode.window.showWarningMessage(t('Save the trace with its secrets?'), question, go)) !== go)
    return;
  const options = { location: vscode.ProgressLocation.Notification, title: t('HTTP Trace: saving') };
  const filters = { [t('HTTP Trace Recordings')]: ['httptrace'] };
  const uri = await savePrivately('calls.httptrace', filters, (write) =>
    vscode.window.withProgress({ ...options, cancellable: true }, async (progress, cancelled) => {
      let before = 0;
      await recorded.write(write, (bytes) => {
        progress.report({
          increment: ((bytes - before) / Math.max(1, recorded.bytes)) * 100,
          message: sizeText(bytes),
        });
        before = bytes;
        return !cancelled.isCancellationRequested;
      });
    }),
  );
  if (uri === undefined) return;
  const partly = recorded.partly
    ? ` ${t('Its oldest part is missing: more was captured than is kept.')}`
    : '';
  showNote(`${t('Saved the trace with secrets.')}${partly}`);
}

/** undefined: nothing can be saved and the user has seen why, or nothing was chosen. */
async function pick(trace: Trace): Promise<Recorded | undefined> {
  let recordings: readonly Recorded[];
  try {
    recordings = await trace.recordings();
  } catch (error) {
    if (!(error instanceof TraceError)) throw error;
    showError(error);
    return undefined;
  }
  const [first] = recordings;
  if (first === undefined) {
    const open = t('Open Setting');
    const text = t(
      'There is no trace to save. A trace can be saved if it was captured in this window, and httpTrace.keepCalls is not "never".',
    );
    if ((await vscode.window.showInformationMessage(notificationText(text), open)) === open)
      await vscode.commands.executeCommand('workbench.action.openSettings', Setting.keepCalls);
    return undefined;
  }
  if (recordings.length === 1) return first;
  const choices = recordings.map((recorded) => ({
    label: t('Trace of {0}', new Date(recorded.began).toLocaleTimeString(language())),
    description: sizeText(recorded.bytes),
    recorded,
  }));
  const picked = await choose(choices.reverse(), { title: t('Save Trace') });
  return picked?.recorded;
}
