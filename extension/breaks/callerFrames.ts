/** In the stack of a break, the program's own code is of interest: the frames above it are shown as skipped. */

/** DAP fields that are read. */
export interface StackFrame {
  readonly id?: number;
  readonly name?: string;
  presentationHint?: string;
  source?: { readonly path?: string; readonly name?: string; readonly presentationHint?: string };
}

/** Third-party code: it is skipped if the program's own code is below it. */
const LIBRARY = /[/\\](?:node_modules|pkg[/\\]mod|vendor)[/\\]/;

/**
 * Marks frames as `skipFiles` does: VS Code then selects the first unmarked one. The frames are those of the
 * message itself, which all trackers and the editor share.
 */
export function skipInternalFrames(
  frames: readonly StackFrame[],
  isInternalFrame: (frame: StackFrame) => boolean,
): void {
  const isSkipped = (frame: StackFrame) => isInternalFrame(frame) || frame.presentationHint === 'label';
  const isLibrary = (frame: StackFrame) => LIBRARY.test(frame.source?.path ?? '');
  const own = frames.findIndex((frame) => !isSkipped(frame) && !isLibrary(frame));
  for (const [index, frame] of frames.entries()) {
    if (index === own) return;
    if (frame.source === undefined || !(isSkipped(frame) || (own >= 0 && isLibrary(frame)))) continue;
    frame.source = { ...frame.source, presentationHint: 'deemphasize' };
    // VS Code prefers the frame's own hint.
    if (frame.presentationHint !== undefined && frame.presentationHint !== 'label')
      frame.presentationHint = 'subtle';
  }
}
