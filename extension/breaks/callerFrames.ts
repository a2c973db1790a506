/** Of the stack of a break, the program's own code is what is looked at: what lies above it is shown as skipped. */

/** Of DAP, as far as it is read. */
export interface StackFrame {
  readonly id?: number;
  readonly name?: string;
  presentationHint?: string;
  source?: { readonly path?: string; readonly name?: string; readonly presentationHint?: string };
}

/** Code that others wrote: it is skipped when there is the program's own below it. */
const LIBRARY = /[/\\](?:node_modules|pkg[/\\]mod|vendor)[/\\]/;

/**
 * Marks frames as VS Code knows it from `skipFiles`: it then selects the first one that is not. The messages are those
 * on their way to the editor, of which every tracker is given the same object.
 */
export function skipMachinery(
  frames: readonly StackFrame[],
  isMachinery: (frame: StackFrame) => boolean,
): void {
  const isSkipped = (frame: StackFrame) => isMachinery(frame) || frame.presentationHint === 'label';
  const isLibrary = (frame: StackFrame) => LIBRARY.test(frame.source?.path ?? '');
  const own = frames.findIndex((frame) => !isSkipped(frame) && !isLibrary(frame));
  for (const [index, frame] of frames.entries()) {
    if (index === own) return;
    if (frame.source === undefined || !(isSkipped(frame) || (own >= 0 && isLibrary(frame)))) continue;
    frame.source = { ...frame.source, presentationHint: 'deemphasize' };
    // VS Code looks at the frame's own first.
    if (frame.presentationHint !== undefined && frame.presentationHint !== 'label')
      frame.presentationHint = 'subtle';
  }
}
