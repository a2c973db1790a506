/** Sends one request at the user's command, and shows the response or the error. */

import * as vscode from 'vscode';
import type { HttpRequest } from '../export/replay.ts';
import { send } from '../resend/send.ts';
import { SendError, type SentResponse } from '../resend/sent.ts';
import { showError } from '../views/notify.ts';
import { localized } from '../words/localized.ts';
import { t } from '../words/translate.ts';
import { labelText, notificationText } from '../words/visible.ts';
import type { Responses } from './responses.ts';

/** @param source see Responses. @param name of the call, for the tab. */
export async function sendAndShow(
  request: HttpRequest,
  responses: Responses,
  source: string,
  name: string,
  beside = true,
): Promise<void> {
  try {
    await responses.show(source, name, await sendWithProgress(request, true), null, beside);
  } catch (error) {
    if (!(error instanceof SendError) || error.kind !== 'certificate') return showFailure(error);
    const anyway = t('Send Without Checking');
    const picked = await vscode.window.showWarningMessage(
      notificationText(localized(error.message)),
      { modal: true, detail: t('Anyone between you and the server could read and change what is sent.') },
      anyway,
    );
    if (picked !== anyway) return;
    try {
      const remark = t('The certificate was not checked: {0}', localized(error.message));
      await responses.show(source, name, await sendWithProgress(request, false), remark, beside);
    } catch (again) {
      showFailure(again);
    }
  }
}

function sendWithProgress(request: HttpRequest, checkCertificate: boolean): PromiseLike<SentResponse> {
  const { method, scheme, authority, target } = request;
  const title = labelText(`${method} ${scheme}://${authority}${target}`, 120);
  return vscode.window.withProgress(
    {
      location: vscode.ProgressLocation.Notification,
      title: notificationText(`HTTP Trace: ${title}`),
      cancellable: true,
    },
    (_progress, cancelled) => {
      const abort = new AbortController();
      cancelled.onCancellationRequested(() => abort.abort());
      return send(request, { signal: abort.signal, checkCertificate });
    },
  );
}

function showFailure(error: unknown): void {
  if (error instanceof SendError && error.kind === 'cancelled') return;
  showError(error);
}
