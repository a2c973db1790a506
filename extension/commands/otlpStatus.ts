/** The text of the status bar item for exported spans. Pure. */

import type { OtlpCounts } from '../otlp/exporter.ts';
import { localized } from '../words/localized.ts';
import { counted, numberText } from '../words/numbers.ts';
import { t } from '../words/translate.ts';
import { labelText, withoutIcons } from '../words/visible.ts';

/** Characters of a collector's name in the status bar. */
const MAX_NAME = 40;

export interface OtlpItemText {
  readonly text: string;
  readonly lines: readonly string[];
}

/** Without user name and password, which an address may hold. */
export function collectorName({ protocol, host, pathname }: URL): string {
  return labelText(`${protocol}//${host}${pathname}`);
}

/** @param setting its id, for users who want to turn it off. */
export function otlpItemText(
  endpoint: URL,
  { sent, lost, waiting, problem }: OtlpCounts,
  setting: string,
): OtlpItemText {
  const well = lost === 0 && problem === null;
  const parts = [`OTLP ${withoutIcons(labelText(endpoint.host, MAX_NAME))}`, t('{0} sent', numberText(sent))];
  if (lost > 0) parts.push(t('{0} lost', numberText(lost)));
  // Even if the collector keeps up, some spans are always waiting.
  else if (!well) parts.push(t('{0} waiting', numberText(waiting)));
  const counts = counted(
    sent,
    '{0} span sent, {1} lost, {2} waiting.',
    '{0} spans sent, {1} lost, {2} waiting.',
    numberText(lost),
    numberText(waiting),
  );
  return {
    text: `${well ? '$(cloud-upload)' : '$(warning)'} ${parts.join(' · ')}`,
    lines: [
      t('HTTP Trace sends each call as a span to {0}, with secrets masked.', collectorName(endpoint)),
      counts,
      ...(problem === null ? [] : [labelText(localized(problem))]),
      t('Click to open the setting {0}.', setting),
    ],
  };
}
