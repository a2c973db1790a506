/** Export HAR…: calls as an HTTP Archive, for the developer tools of browsers and other programs. */

import * as vscode from 'vscode';
import type { Trace } from '../capture/trace.ts';
import { HarWriter } from '../export/harWriter.ts';
import { choose } from '../views/choose.ts';
import { joinsBothEnds } from '../views/listSettings.ts';
import { showNote } from '../views/notify.ts';
import { callIds } from '../views/otherEnd.ts';
import { counted, numberText } from '../words/numbers.ts';
import { t } from '../words/translate.ts';
import { askForSecrets, savePrivately } from './savePrivately.ts';

export interface HarScope {
  /** The call given by the argument, or selected; undefined: neither. */
  readonly selected: number | undefined;
  /** Calls that the panel lists, in its order; null: it is not shown. */
  readonly listed: () => Promise<readonly number[] | null>;
  readonly version: string;
}

/** Maximum concurrent requests to the engine's thread. */
const AT_ONCE = 32;

export async function exportHar(trace: Trace, scope: HarScope): Promise<void> {
  const ids = await pickCalls(trace, scope);
  if (ids === undefined) return;
  const secrets = await askForSecrets(t('Export HAR'));
  if (secrets === undefined) return;
  let written = 0;
  let asked = 0;
  const options = { location: vscode.ProgressLocation.Notification, title: t('HTTP Trace: exporting') };
  const uri = await savePrivately('calls.har', { [t('HTTP Archives')]: ['har'] }, (write) =>
    vscode.window.withProgress({ ...options, cancellable: true }, async (progress, cancelled) => {
      const har = new HarWriter(scope.version, secrets === 'shown', (text) => write(Buffer.from(text)));
      for (let at = 0; at < ids.length; at += AT_ONCE) {
        if (cancelled.isCancellationRequested)
          throw new Error(t('The export was cancelled: no file was written.'));
        const some = ids.slice(at, at + AT_ONCE);
        const exchanges = await Promise.all(some.map((id) => trace.details(id, secrets === 'shown')));
        for (const exchange of exchanges) if (exchange !== null) har.add(exchange);
        asked += some.length;
        progress.report({
          increment: (some.length / ids.length) * 100,
          message: counted(ids.length, '{1} of {0} call', '{1} of {0} calls', numberText(asked)),
        });
      }
      har.end();
      written = har.count;
    }),
  );
  if (uri === undefined) return;
  showNote(
    secrets === 'shown'
      ? counted(written, 'Exported {0} call with secrets.', 'Exported {0} calls with secrets.')
      : counted(written, 'Exported {0} call with secrets masked.', 'Exported {0} calls with secrets masked.'),
  );
}

async function pickCalls(trace: Trace, scope: HarScope): Promise<readonly number[] | undefined> {
  // The same count as in the panel and status bar: an archive has one entry per call, the client's.
  const all = callIds(trace.rows, joinsBothEnds());
  const listed = await scope.listed();
  const { selected } = scope;
  const choices = [
    {
      label: t('All calls'),
      description: counted(all.length, '{0} call', '{0} calls'),
      ids: all as readonly number[],
    },
  ];
  if (listed !== null && listed.length > 0 && listed.length < all.length) {
    const description = counted(listed.length, '{0} call', '{0} calls');
    choices.unshift({ label: t('All calls in the list'), description, ids: listed });
  }
  if (selected !== undefined && trace.rows.has(selected)) {
    choices.unshift({ label: t('This call'), description: '', ids: [selected] });
  }
  if (choices.length === 1) return all;
  return (await choose(choices, { title: t('Export HAR') }))?.ids;
}
