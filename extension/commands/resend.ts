/** Open as .http, Resend, Edit and Resend. */

import * as vscode from 'vscode';
import type { Trace } from '../capture/trace.ts';
import { httpMessage } from '../export/http.ts';
import type { Replay } from '../export/replay.ts';
import { choose } from '../views/choose.ts';
import { rowName } from '../words/callName.ts';
import { localized } from '../words/localized.ts';
import { t } from '../words/translate.ts';
import { labelText, notificationText } from '../words/visible.ts';
import { replayFor } from './copyAs.ts';
import type { RequestDocuments } from './requestDocuments.ts';
import type { Responses } from './responses.ts';
import { sendAndShow } from './sendAndShow.ts';

/** Safe methods: RFC 9110 section 9.2.1, and RFC 10008. */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY']);

export interface Sending {
  readonly trace: Trace;
  readonly requests: RequestDocuments;
  readonly responses: Responses;
}

/** With secrets masked, unless the user already sees them or chooses to in the message. */
export async function openHttp(sending: Sending, id: number, reveal: boolean): Promise<void> {
  const replay = await replayFor(sending.trace, id, reveal);
  if (replay === null) return;
  await openReplay(sending, id, replay);
  if (replay.masked.length === 0) return;
  const withSecrets = t('Open with Secrets');
  const text = t('Secrets are masked ({0}).', replay.masked.join(', '));
  void vscode.window.showInformationMessage(notificationText(text), withSecrets).then((chosen) => {
    if (chosen === withSecrets) return openHttp(sending, id, true);
    return undefined;
  });
}

/** Asks about secrets first, because a request without them is rarely useful. */
export async function editAndResend(sending: Sending, id: number, reveal: boolean): Promise<void> {
  const { trace } = sending;
  const masked = await replayFor(trace, id, reveal);
  if (masked === null) return;
  const secrets = reveal || masked.masked.length === 0 ? reveal : await askForSecrets(masked);
  if (secrets === undefined) return;
  const replay = secrets === reveal ? masked : await replayFor(trace, id, secrets);
  if (replay !== null) await openReplay(sending, id, replay);
}

/** Sends the same bytes to the same server; asks first if unsafe or incomplete. */
export async function resend({ trace, responses }: Sending, id: number): Promise<void> {
  const replay = await replayFor(trace, id, true);
  if (replay === null) return;
  const { method, scheme, authority, target, notes, version } = replay;
  const incomplete = notes.filter((note) => note.startsWith('Only the first'));
  if (!SAFE.has(method) || incomplete.length > 0) {
    const send = t('Resend');
    const url = labelText(`${method} ${scheme}://${authority}${target}`, 500);
    const detail = [
      `${url}`,
      ...notes.map(localized),
      t('HTTP/{0}, with everything that was sent, including secrets.', version),
    ];
    const picked = await vscode.window.showWarningMessage(
      notificationText(t('Send this {0} request again?', method)),
      { modal: true, detail: detail.join('\n\n') },
      send,
    );
    if (picked !== send) return;
  }
  await sendAndShow(replay, responses, t('call {0}', id), nameOf(trace, id), false);
}

function openReplay({ trace, requests }: Sending, id: number, replay: Replay): Promise<void> {
  // A masked body must not refer to the captured one, which is unmasked.
  const call = replay.masked.includes('body') ? undefined : id;
  return requests.open(nameOf(trace, id), httpMessage(replay, call), id);
}

function nameOf({ rows }: Trace, id: number): string {
  const row = rows.get(id);
  return row === undefined ? '' : rowName(row, false);
}

async function askForSecrets({ masked }: Replay): Promise<boolean | undefined> {
  const names = labelText(masked.join(', '), 100);
  const picked = await choose(
    [
      { label: t('With secrets'), description: t('as it was sent: {0}', names), reveal: true },
      { label: t('Secrets masked'), description: t('to be filled in by hand'), reveal: false },
    ],
    { title: t('Edit and Resend') },
  );
  return picked?.reveal;
}
