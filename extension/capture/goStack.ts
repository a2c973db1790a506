/** Finds the frames of a Go program's stack that are the author's own code. Pure. */
import type { GoFrame } from './goLines.ts';

/** Folders of the standard library, with which its paths begin under -trimpath. Other modules' paths begin differently. */
const STANDARD = new Set(
  (
    'archive bufio bytes cmp compress container context crypto database debug embed encoding errors expvar flag fmt go ' +
    'hash html image index internal io iter log maps math mime net os path plugin reflect regexp runtime slices sort ' +
    'strconv strings structs sync syscall testing text time unicode unique unsafe weak'
  ).split(' '),
);
/** Functions used to find the standard library's folder: their file paths end the same way everywhere. */
const OF_STANDARD = /^(?:runtime|net\/http)\.[^/]+$/;
/** Third-party modules, in the module cache or vendored. */
const OF_OTHERS = /(?:^|\/)[^/]+@v\d[^/]*\/|\/pkg\/mod\/|(?:^|\/)vendor\//;

/** The function to which a RoundTripper passes a request, and the one by which http.Client calls a RoundTripper. */
const TRANSPORT = 'net/http.(*Transport).RoundTrip';
const CLIENTS_SEND = 'net/http.send';

export interface GoStack {
  /** From the first frame outside of the standard library to the last one. */
  readonly frames: readonly GoFrame[];
  /**
   * The innermost frame of the program's own code, except a RoundTripper that only forwards an http.Client's request.
   * null: there is none.
   */
  readonly own: GoFrame | null;
}

export function goStack(frames: readonly GoFrame[]): GoStack {
  const root = rootOf(frames);
  const isStandard = ({ path }: GoFrame): boolean =>
    root === '' ? STANDARD.has(path.split('/', 1)[0] ?? '') : root !== null && path.startsWith(root);
  const first = frames.findIndex((frame) => !isStandard(frame));
  const last = frames.findLastIndex((frame) => !isStandard(frame));
  if (root === null || first < 0) return { frames: [], own: null };
  return { frames: frames.slice(first, last + 1), own: ownFrame(frames, isStandard) };
}

function ownFrame(frames: readonly GoFrame[], isStandard: (frame: GoFrame) => boolean): GoFrame | null {
  let own: GoFrame | null = null;
  /** These frames are RoundTrippers, if a client has called them. */
  let passing = false;
  for (const frame of frames) {
    if (isStandard(frame)) {
      if (own !== null && !(passing && frame.function === CLIENTS_SEND)) return own;
      own = null;
      passing = frame.function === TRANSPORT;
    } else if (own === null && !OF_OTHERS.test(frame.path)) own = frame;
  }
  return own;
}

/** The folder with which paths of the standard library begin; empty with -trimpath, null: not known. */
function rootOf(frames: readonly GoFrame[]): string | null {
  for (const { function: name, path } of frames) {
    if (!OF_STANDARD.test(name)) continue;
    const folder = name.slice(0, name.indexOf('.'));
    const file = path.slice(path.lastIndexOf('/') + 1);
    const standard = `${folder}/${file}`;
    if (path === standard || path.endsWith(`/${standard}`)) return path.slice(0, -standard.length);
  }
  return null;
}
