/** Which frame of a stack is the program's own. */
import type { SourceLine } from '../../engine/row.ts';

/** Packages and Python's standard library. Node's scripts and evaluated text have no absolute path. */
const OF_OTHERS =
  /\/(?:node_modules|site-packages|dist-packages|bundled\/libs\/debugpy)\/|\/lib(?:64)?\/python\d[\d.]*\/|\/\.(?:yarn|pnp)[/.]/;

export function isOwn(path: string): boolean {
  return path.startsWith('/') && !OF_OTHERS.test(path);
}

/** The innermost frame of the program's own; null: there is none. */
export function ownFrame(frames: readonly SourceLine[]): SourceLine | null {
  return frames.find(({ path }) => isOwn(path)) ?? null;
}
