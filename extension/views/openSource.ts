/** Opens the line of a debugged program that made a call. */

import { isAbsolute, normalize } from 'node:path';
import * as vscode from 'vscode';
import type { Trace } from '../capture/trace.ts';
import type { SourceLine } from '../engine/row.ts';
import { t } from '../words/translate.ts';
import { labelText } from '../words/visible.ts';
import { fileOfModule } from './goModules.ts';
import { showNote } from './notify.ts';

/** @param frame of the call's stack; null: the line that is the program's own. */
export async function openSource(trace: Trace, id: number, frame: number | null): Promise<void> {
  const row = trace.rows.get(id);
  const source = (await trace.details(id, false))?.debug?.source ?? null;
  if (row === undefined || source === null) {
    showNote(
      t(
        'The line that made this call is not known. It can be known for C, C++, Rust and Go programs, and for debugged Node.js and Python programs if the setting “Hooks” allows it.',
      ),
    );
    return;
  }
  // Paths in a file of calls come from the author of the file.
  if (row.file !== null) {
    showNote(t('For a call that was read from a file, the source line cannot be opened.'));
    return;
  }
  const place = frame === null ? source : source.stack[frame];
  if (place !== undefined && !(await openLine(place)))
    showNote(t('There is no file {0} on this machine.', labelText(place.path, 300)));
}

/** Lines and columns begin with 1. */
export type Place = Pick<SourceLine, 'path' | 'line' | 'column'>;

/** Only opens a file that exists on this machine; else false. */
export async function openLine({ path, line, column }: Place): Promise<boolean> {
  if (path.includes('\0') || (isAbsolute(path) && normalize(path) !== path)) return false;
  const uri = isAbsolute(path) ? vscode.Uri.file(path) : await fileOfModule(path);
  if (uri === null) return false;
  try {
    const { type } = await vscode.workspace.fs.stat(uri);
    if ((type & vscode.FileType.File) === 0) return false;
  } catch {
    return false;
  }
  const document = await vscode.workspace.openTextDocument(uri);
  // It may have been edited since.
  const at = document.validatePosition(new vscode.Position(line - 1, Math.max(0, (column ?? 1) - 1)));
  await vscode.window.showTextDocument(document, { selection: new vscode.Range(at, at) });
  return true;
}
