/** Save Body…: a body as a file, decoded. */

import type { Trace } from '../capture/trace.ts';
import type { ExchangeJson } from '../engine/exchangeJson.ts';
import { type BodyPart, bodyName, noBody } from '../views/bodyDocument.ts';
import { showNote } from '../views/notify.ts';
import { t } from '../words/translate.ts';
import { GONE } from './copyAs.ts';
import { askForSecrets, type Secrets, savePrivately } from './savePrivately.ts';

export async function saveBody(trace: Trace, id: number, part: BodyPart, reveal: boolean): Promise<void> {
  const [revealed, masked] = await Promise.all([trace.details(id, true), trace.details(id, false)]);
  if (revealed === null || masked === null) return showNote(GONE);
  const message = revealed[part];
  if (message === null || message.body === null) {
    return showNote(message?.bodyNote ?? noBody(part));
  }
  const differs = JSON.stringify(message.body) !== JSON.stringify(masked[part]?.body);
  const secrets: Secrets | undefined = reveal || !differs ? 'shown' : await askForSecrets(t('Save Body'));
  if (secrets === undefined) return;
  // The bytes as sent if nothing was decoded: text may be in a charset other than UTF-8.
  const sent = secrets === 'shown' && message.decodedSize === null ? await trace.body(id, part) : null;
  const bytes = sent ?? bytesOf(secrets === 'shown' ? revealed : masked, part);
  await savePrivately(bodyName(revealed, part), {}, (write) => write(bytes));
}

function bytesOf(exchange: ExchangeJson, part: BodyPart): Uint8Array {
  const body = exchange[part]?.body ?? null;
  if (body === null) return new Uint8Array(0);
  return 'text' in body ? Buffer.from(body.text) : Buffer.from(body.base64, 'base64');
}
