/** Text laid out by its kind, where that has a layout. */
import type { CodeLine } from './codeLines.ts';
import type { ContentKind } from './contentKind.ts';
import { cssLines } from './cssLines.ts';
import { htmlLines } from './htmlLines.ts';
import { jsonLines } from './jsonLines.ts';
import { scriptLines } from './scriptLines.ts';
import { xmlLines } from './xmlLines.ts';

type Layout = (text: string) => readonly CodeLine[] | null;

const LAYOUTS: Partial<Readonly<Record<ContentKind, Layout>>> = {
  json: jsonLines,
  xml: xmlLines,
  html: htmlLines,
  css: cssLines,
  script: scriptLines,
};

/** @returns null where the kind has no layout, or the text is not of its kind. */
export function laidOut(kind: ContentKind, text: string): readonly CodeLine[] | null {
  return LAYOUTS[kind]?.(text) ?? null;
}

/** Two spaces for each level. */
export function indentation({ indent, verbatim }: CodeLine): string {
  return verbatim === true ? '' : '  '.repeat(indent);
}
