/** Copies a call's request in a form that sends it again, or its response's body. Secrets are masked as on screen. */

import * as vscode from 'vscode';
import type { Trace } from '../capture/trace.ts';
import { Command, type CommandId } from '../contributions.ts';
import { copiedText } from '../escape/copied.ts';
import { COPY_FORMATS, type CopyFormat } from '../export/copyAs.ts';
import { type Replay, replayOf } from '../export/replay.ts';
import { noBody } from '../views/bodyDocument.ts';
import { showInStatusBar, showNote } from '../views/notify.ts';
import { localized } from '../words/localized.ts';
import { t } from '../words/translate.ts';
import { notificationText } from '../words/visible.ts';

export const COPY_COMMANDS: Readonly<Record<CopyFormat, CommandId>> = {
  curl: Command.copyCurl,
  fetch: Command.copyFetch,
  http: Command.copyHttp,
  python: Command.copyPython,
  httpie: Command.copyHttpie,
};

export const GONE = t('This call is no longer available: newer calls took its place, or it was cleared.');
const WITH_SECRETS = t('Copy with Secrets');

/** @param reveal the user has chosen to see the secrets of this call. */
export async function copyAs(trace: Trace, id: number, format: CopyFormat, reveal: boolean): Promise<void> {
  const { name, write } = COPY_FORMATS[format];
  const replay = await replayFor(trace, id, reveal);
  if (replay === null) return;
  await vscode.env.clipboard.writeText(copiedText(write(replay)));
  const { masked, notes } = replay;
  const remark = notes.length === 0 ? '' : ` ${notes.map(localized).join(' ')}`;
  if (masked.length === 0) {
    if (notes.length > 0) {
      showNote(t('Copied as {0}.{1}', name, remark));
    } else {
      showInStatusBar(t('Copied as {0}', name));
    }
    return;
  }
  const text = t('Copied as {0} with secrets masked ({1}).{2}', name, masked.join(', '), remark);
  // The command has ended with the copy; the message may stay open.
  void vscode.window.showInformationMessage(notificationText(text), WITH_SECRETS).then((chosen) => {
    if (chosen === WITH_SECRETS) return copyAs(trace, id, format, true);
    return undefined;
  });
}

/** null: it cannot be replayed, and the user has seen why. */
export async function replayFor(trace: Trace, id: number, reveal: boolean): Promise<Replay | null> {
  const [revealed, body] = await Promise.all([trace.details(id, true), trace.body(id, 'request')]);
  const shown = reveal ? revealed : await trace.details(id, false);
  const replay = shown === null || revealed === null ? GONE : replayOf({ shown, revealed, body });
  if (typeof replay !== 'string') return replay;
  showNote(replay);
  return null;
}

export async function copyResponse(trace: Trace, id: number, reveal: boolean): Promise<void> {
  const exchange = await trace.details(id, reveal);
  const body = exchange?.response?.body ?? null;
  const note = exchange?.response?.bodyNote ?? null;
  if (exchange === null || body === null || !('text' in body)) {
    const binary = t('The body of this response is not text: use Save Body… or Open Body.');
    const text = exchange === null ? GONE : body === null ? (note ?? noBody('response')) : binary;
    showNote(text);
    return;
  }
  await vscode.env.clipboard.writeText(copiedText(body.text));
  showInStatusBar(note ?? t('Copied the response body'));
}
