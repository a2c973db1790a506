/** What the item in the status bar says of the spans that go to a collector. Pure. */
import type { OtlpCounts } from '../otlp/exporter.ts';
import { countText, numberText } from '../words/numbers.ts';
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

/** @param setting its id, for those who want to turn it off. */
export function otlpItemText(
  endpoint: URL,
  { sent, lost, waiting, problem }: OtlpCounts,
  setting: string,
): OtlpItemText {
  const well = lost === 0 && problem === null;
  const parts = [`OTLP ${withoutIcons(labelText(endpoint.host, MAX_NAME))}`, `${numberText(sent)} sent`];
  if (lost > 0) parts.push(`${numberText(lost)} lost`);
  // A collector that keeps up always has some to come.
  else if (!well) parts.push(`${numberText(waiting)} waiting`);
  const counts = `${countText(sent, 'span')} sent, ${numberText(lost)} lost, ${numberText(waiting)} waiting.`;
  return {
    text: `${well ? '$(cloud-upload)' : '$(warning)'} ${parts.join(' · ')}`,
    lines: [
      `HTTP Trace sends each call as a span to ${collectorName(endpoint)}, with secrets masked.`,
      counts,
      ...(problem === null ? [] : [labelText(problem)]),
      `Click to open the setting ${setting}.`,
    ],
  };
}
