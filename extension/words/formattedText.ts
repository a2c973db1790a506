/** A body's text as an editor shows it best: laid out, where its kind has a layout. */
import { type ContentKind, textKind } from './contentKind.ts';
import { indentation, laidOut } from './laidOut.ts';

/** Characters; longer texts stay as they are. Laying them out would take seconds. */
const MAX_LAID_OUT = 8 * 1024 * 1024;
/** The same for code, which costs more and which an editor can format itself. */
const MAX_CODE = 1024 * 1024;
const CODE: ReadonlySet<ContentKind> = new Set(['html', 'css', 'script']);

/** @param essence type and subtype in lower case; empty when there is none. */
export function formattedText(text: string, essence: string): string {
  const kind = textKind(essence, text);
  if (text.length > (CODE.has(kind) ? MAX_CODE : MAX_LAID_OUT)) return text;
  const lines = laidOut(kind, text);
  // No layout for it, or the text is not of its kind.
  if (lines === null || lines.length === 0) return text;
  return lines
    .map((line) => `${indentation(line)}${line.pieces.map((piece) => piece.text).join('')}\n`)
    .join('');
}
