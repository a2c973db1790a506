/** Lines of TypeScript or another source language, as js-debug knows them from source maps. */
import type * as vscode from 'vscode';
import type { SourceLine } from '../../engine/row.ts';
import { record } from '../debuggee.ts';
import { isOwn } from './userCode.ts';

/** How long js-debug may take for all frames of a stack, in milliseconds. */
const ANSWER_TIMEOUT = 3_000;
/** Maximum number of own frames to request. */
const MAX_ASKED = 10;

/** null: the lines are unchanged, or the session does not answer. */
export async function originalFrames(
  session: vscode.DebugSession,
  frames: readonly SourceLine[],
): Promise<SourceLine[] | null> {
  let asked = 0;
  let isChanged = false;
  const answers = frames.map(async (frame) => {
    if (!isOwn(frame.path) || asked++ >= MAX_ASKED) return frame;
    const original = await originalFrame(session, frame);
    isChanged ||= original !== frame;
    return original;
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), ANSWER_TIMEOUT);
  });
  try {
    const named = await Promise.race([Promise.all(answers), late]);
    return isChanged ? named : null;
  } finally {
    clearTimeout(timer);
  }
}

async function originalFrame(session: vscode.DebugSession, frame: SourceLine): Promise<SourceLine> {
  try {
    const { path, line, column } = frame;
    const answer: unknown = await session.customRequest('getPreferredUILocation', {
      source: { path },
      line,
      column: column ?? 1,
    });
    const found = record(answer);
    const original = record(found['source'])['path'];
    const originalLine = found['line'];
    if (typeof original !== 'string' || !original.startsWith('/') || typeof originalLine !== 'number')
      return frame;
    if (original === path || !Number.isSafeInteger(originalLine) || originalLine < 1) return frame;
    const originalColumn = found['column'];
    return {
      path: original,
      line: originalLine,
      column: typeof originalColumn === 'number' && originalColumn > 0 ? originalColumn : null,
      function: frame.function,
    };
  } catch {
    return frame; // The session has ended, or knows no such file.
  }
}
