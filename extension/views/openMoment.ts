/** Goes to the origin of a mark on the timeline: its line, or the Debug Console. */
import * as vscode from 'vscode';
import type { StoryMark } from '../engine/traceStatus.ts';
import { durationText } from '../words/numbers.ts';
import { momentKind } from '../words/story.ts';
import { t } from '../words/translate.ts';
import { labelText, withoutIcons } from '../words/visible.ts';
import { choose } from './choose.ts';
import { showNote } from './notify.ts';
import { openLine, type Place } from './openSource.ts';

/** The marks of debugged programs, with their moments. */
export interface Story {
  readonly all: readonly StoryMark[];
  find(id: number): { readonly place: Place | null } | undefined;
}

/** @param id of a mark; undefined: the user picks. */
export async function openMoment(story: Story, title: string, id?: number): Promise<void> {
  const chosen = id ?? (await pick(story.all, title));
  if (chosen === undefined) return;
  const found = story.find(chosen);
  if (found === undefined) return showNote(t('This event is no longer available.'));
  // Where the program was compiled on another machine there is no such file here.
  if (found.place !== null && (await openLine(found.place))) return;
  await vscode.commands.executeCommand('workbench.debug.action.focusRepl');
}

async function pick(marks: readonly StoryMark[], title: string): Promise<number | undefined> {
  if (marks.length === 0) {
    showNote(
      t('No debugged program has printed anything, or stopped at an exception, while calls were traced.'),
    );
    return undefined;
  }
  const items = marks.toReversed().map((mark) => ({
    id: mark.id,
    label: withoutIcons(labelText(mark.text === '' ? momentKind(mark) : mark.text)),
    description: withoutIcons(labelText([momentKind(mark), mark.place ?? ''].join(' '))),
    detail: withoutIcons(labelText(`${durationText(mark.at)} · ${mark.session}`)),
  }));
  const picked = await choose(items, {
    title: title.replace(/…$/, ''),
    matchOnDescription: true,
    matchOnDetail: true,
  });
  return picked?.id;
}
