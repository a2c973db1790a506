/** A body's text as an editor shows it best: JSON and XML laid out. */
import { textKind } from './contentKind.ts';
import { jsonLines } from './jsonLines.ts';
import { xmlLines } from './xmlLines.ts';

/** Characters; longer texts stay as they are. Laying them out would take seconds. */
const MAX_LAID_OUT = 8 * 1024 * 1024;

/** @param essence type and subtype in lower case; empty when there is none. */
export function formattedText(text: string, essence: string): string {
  if (text.length > MAX_LAID_OUT) return text;
  const kind = textKind(essence, text);
  const lines = kind === 'json' ? jsonLines(text) : kind === 'xml' ? xmlLines(text) : null;
  // What is none of them, or already laid out as its writer wanted.
  if (lines === null || lines.length === 0) return text;
  return lines
    .map(({ indent, pieces }) => `${'  '.repeat(indent)}${pieces.map((piece) => piece.text).join('')}\n`)
    .join('');
}
