/**
 * Compiles conditions to an automaton over the first bytes of an HTTP/1 request: a table the kernel uses to decide
 * before the bytes are sent (bpf/breaks.h). Method, path and scheme are matched exactly. A host is accepted with and
 * without the scheme's default port; false matches are detected once the program has stopped.
 */
import { AUTOMATON_SIZE } from '../../helper/protocol.ts';
import { t } from '../words/translate.ts';
import { type Condition, type Facts, type Field, holds } from './condition.ts';

/** BREAK_STATES, BREAK_CLASSES and BREAK_ACCEPTED of bpf/trace_http.h. */
export const STATES = 512;
export const CLASSES = 64;
export const ACCEPTED = 0xfffe;
/** Any number that is not a state. */
const REFUSED = 0xffff;

type Leaf = Extract<Condition, { readonly field: Field }>;
type Part = 'method' | 'path' | 'host';
type Scheme = 'http' | 'https';

/** Matches one text against a leaf's pieces: tracks the possible positions after each byte read. */
class Glob {
  /** `null`: any text. */
  readonly #units: readonly (number | null)[];
  /** Part of a request it matches. */
  readonly part: Part;
  /** The path ends before its query. */
  readonly route: boolean;

  constructor(part: Part, pieces: readonly string[], route: boolean) {
    this.part = part;
    this.route = route;
    const units: (number | null)[] = [];
    for (const [index, piece] of pieces.entries()) {
      if (index > 0) units.push(null);
      units.push(...Buffer.from(piece, 'utf8'));
    }
    this.#units = units;
  }

  get bytes(): readonly number[] {
    return this.#units.filter((unit) => unit !== null);
  }

  begin(): readonly number[] {
    return this.#reach([0]);
  }

  /** @param byte in lower case */
  step(places: readonly number[], byte: number): readonly number[] {
    const next: number[] = [];
    for (const place of places) {
      if (this.#units[place] === null) next.push(place);
      else if (this.#units[place] === byte) next.push(place + 1);
    }
    return this.#reach(next);
  }

  fits(places: readonly number[]): boolean {
    return places.includes(this.#units.length);
  }

  /** Whether it matches, whatever follows. */
  fitsAnyhow(places: readonly number[]): boolean {
    return this.#units.at(-1) === null && places.includes(this.#units.length - 1);
  }

  /** A wildcard may be empty. */
  #reach(places: readonly number[]): readonly number[] {
    const reached = new Set(places);
    for (const place of reached) if (this.#units[place] === null) reached.add(place + 1);
    return [...reached].sort((a, b) => a - b);
  }
}

/** A condition whose leaves are decided, or still open: the index of a {@link Glob}. */
type Tree = boolean | number | { readonly all: readonly Tree[] } | { readonly any: readonly Tree[] } | Not;
interface Not {
  readonly not: Tree;
}

/** Position in a request's head. `line`: at the start of a field line; `name`: in a possible "host:". */
type Phase = 'method' | 'path' | 'version' | 'rest' | 'line' | 'name' | 'blank' | 'host';

interface State {
  readonly phase: Phase;
  /** Letters of {@link VERSION} or {@link HOST} that were read. */
  readonly named: number;
  /** In the path, behind its `?`. */
  readonly query: boolean;
  /** By glob index: its positions, or whether it matches. */
  readonly globs: readonly (readonly number[] | boolean)[];
}

const VERSION = Buffer.from('http/1.');
const HOST = Buffer.from('host:');
/** Phases in which the bytes may still not be a request. */
const DOUBTFUL: ReadonlySet<Phase> = new Set(['method', 'path', 'version']);
const [SPACE, TAB, RETURN, NEWLINE, QUESTION] = [0x20, 0x09, 0x0d, 0x0a, 0x3f];

/**
 * @param sessions that share the table, by name
 * @returns the table, or the reason why there is none, for the user
 */
export function automatonOf(
  conditions: readonly Condition[],
  sessions: readonly string[],
): { readonly table: Buffer } | { readonly reason: string } {
  const globs: Glob[] = [];
  const trees = new Map<Scheme, Tree>();
  for (const scheme of ['http', 'https'] as const) {
    const parts: Tree[] = [];
    for (const session of sessions.map((name) => name.toLowerCase())) {
      const builder = new TreeBuilder(globs, scheme, session);
      for (const condition of conditions) {
        const tree = builder.tree(condition, true);
        // Matches everything, although the condition does not.
        if (tree === true && !isAlways(condition, scheme, session))
          return {
            reason: t(
              'a condition for this debugger needs a method, a path or a host, not only words with spaces or a negation',
            ),
          };
        parts.push(tree);
      }
    }
    trees.set(scheme, simplified({ any: parts }, []));
  }
  return new TableBuilder(globs, trees).build();
}

/** It holds for all calls with this scheme and session. */
function isAlways(condition: Condition, scheme: string, session: string): boolean {
  if ('all' in condition) return condition.all.every((one) => isAlways(one, scheme, session));
  if ('any' in condition) return condition.any.some((one) => isAlways(one, scheme, session));
  if ('not' in condition) return isNever(condition.not, scheme, session);
  if (condition.pieces.length > 1 && condition.pieces.every((piece) => piece === '')) return true;
  return isKnown(condition) && holds(condition, known(scheme, session));
}

function isNever(condition: Condition, scheme: string, session: string): boolean {
  if ('all' in condition) return condition.all.some((one) => isNever(one, scheme, session));
  if ('any' in condition) return condition.any.every((one) => isNever(one, scheme, session));
  if ('not' in condition) return isAlways(condition.not, scheme, session);
  return isKnown(condition) && !holds(condition, known(scheme, session));
}

const isKnown = ({ field }: Leaf): boolean => field === 'scheme' || field === 'session';
const known = (scheme: string, session: string): Facts => ({
  ...{ method: '', host: '', path: '', scheme, session: session.toLowerCase() },
});

class TreeBuilder {
  readonly #globs: Glob[];
  readonly #scheme: Scheme;
  readonly #session: string;

  constructor(globs: Glob[], scheme: Scheme, session: string) {
    this.#globs = globs;
    this.#scheme = scheme;
    this.#session = session;
  }

  /** @param loose a term that cannot be expressed counts as true (true), or as false (false: below a `not`). */
  tree(condition: Condition, loose: boolean): Tree {
    if ('all' in condition) return simplified({ all: condition.all.map((one) => this.tree(one, loose)) }, []);
    if ('any' in condition) return simplified({ any: condition.any.map((one) => this.tree(one, loose)) }, []);
    if ('not' in condition) return simplified({ not: this.tree(condition.not, !loose) }, []);
    if (isKnown(condition)) return holds(condition, known(this.#scheme, this.#session));
    return this.#leaf(condition, loose);
  }

  #leaf({ field, pieces }: Leaf, loose: boolean): Tree {
    if (pieces.length > 1 && pieces.every((piece) => piece === '')) return true;
    switch (field) {
      case 'method':
        return this.#glob('method', pieces);
      case 'path':
        return this.#glob('path', pieces);
      case 'route':
        return this.#glob('path', pieces, true);
      case 'host':
        return this.#host(pieces, loose);
      default:
        return this.#word(pieces, loose);
    }
  }

  #host(pieces: readonly string[], loose: boolean): Tree {
    const last = pieces.at(-1) ?? '';
    // Open-ended, and no piece can match a port.
    if (last === '' && !pieces.some((piece) => /^:?\d*$/.test(piece) && piece !== ''))
      return this.#glob('host', pieces);
    if (!loose) return false;
    const port = this.#scheme === 'https' ? ':443' : ':80';
    const withPort = [...pieces.slice(0, -1), `${last}${port}`];
    return { any: [this.#glob('host', pieces), this.#glob('host', withPort)] };
  }

  /** A word is looked for in `METHOD host/path`. */
  #word(pieces: readonly string[], loose: boolean): Tree {
    const [first, word = '', last] = pieces;
    if (pieces.length !== 3 || first !== '' || last !== '' || word.includes(' ') || !loose) return loose;
    const any: Tree[] = (['method', 'host', 'path'] as const).map((part) => this.#glob(part, pieces));
    const slash = word.indexOf('/');
    if (slash > 0) {
      const host = this.#glob('host', ['', word.slice(0, slash), '']);
      any.push({ all: [host, this.#glob('path', [word.slice(slash), ''])] });
    }
    return { any };
  }

  #glob(part: Part, pieces: readonly string[], route = false): number {
    return this.#globs.push(new Glob(part, pieces, route)) - 1;
  }
}

/** With the known results of the globs. */
function simplified(tree: Tree, globs: State['globs']): Tree {
  if (typeof tree === 'boolean') return tree;
  if (typeof tree === 'number') {
    const fits = globs[tree];
    return typeof fits === 'boolean' ? fits : tree;
  }
  if ('not' in tree) {
    const inner = simplified(tree.not, globs);
    return typeof inner === 'boolean' ? !inner : { not: inner };
  }
  const decides = 'any' in tree;
  const parts = ('any' in tree ? tree.any : tree.all).map((one) => simplified(one, globs));
  if (parts.includes(decides)) return decides;
  const open = parts.filter((one) => typeof one !== 'boolean');
  if (open.length === 0) return !decides;
  return decides ? { any: open } : { all: open };
}

class TableBuilder {
  readonly #globs: readonly Glob[];
  readonly #trees: ReadonlyMap<Scheme, Tree>;
  /** States by their distinguishing content, in the order of their numbers. */
  readonly #numbers = new Map<string, number>();
  readonly #states: { readonly state: State; readonly tree: Tree }[] = [];

  constructor(globs: readonly Glob[], trees: ReadonlyMap<Scheme, Tree>) {
    this.#globs = globs;
    this.#trees = trees;
  }

  build(): { readonly table: Buffer } | { readonly reason: string } {
    const table = Buffer.alloc(AUTOMATON_SIZE, 0xff);
    const classes = this.#classes();
    if (classes.representatives.length > CLASSES) return { reason: tooLarge() };
    table.set(classes.ofByte, 0);
    for (const [index, scheme] of (['http', 'https'] as const).entries()) {
      const globs = this.#globs.map(({ part }, at) =>
        part === 'method' ? (this.#globs[at] as Glob).begin() : [-1],
      );
      const start = { phase: 'method', named: 0, query: false, globs } as const;
      const tree = this.#trees.get(scheme) ?? false;
      const first = tree === false ? REFUSED : this.#numberOf(start, tree);
      table.writeUInt16LE(first, 256 + 2 * index);
    }
    for (let at = 0; at < this.#states.length; at++) {
      if (this.#states.length > STATES) return { reason: tooLarge() };
      const { state, tree } = this.#states[at] as { state: State; tree: Tree };
      for (const [index, byte] of classes.representatives.entries())
        table.writeUInt16LE(this.#step(state, tree, byte), 260 + 2 * (at * CLASSES + index));
    }
    return { table };
  }

  /** Groups bytes no state distinguishes. */
  #classes(): { readonly ofByte: Uint8Array; readonly representatives: readonly number[] } {
    const special = new Set<number>([SPACE, TAB, RETURN, NEWLINE, QUESTION, ...VERSION, ...HOST]);
    for (const glob of this.#globs) for (const byte of glob.bytes) special.add(byte);
    const representatives = [...special];
    const ofByte = new Uint8Array(256);
    const other = (test: (byte: number) => boolean): number => {
      const found = Array.from({ length: 256 }, (_, byte) => byte).find(
        (b) => !special.has(lower(b)) && test(b),
      );
      return found === undefined ? 0 : representatives.push(found) - 1;
    };
    const otherToken = other(isToken);
    const otherByte = other((byte) => !isToken(byte));
    for (let byte = 0; byte < 256; byte++) {
      const at = representatives.indexOf(lower(byte));
      ofByte[byte] = special.has(lower(byte)) ? at : isToken(byte) ? otherToken : otherByte;
    }
    return { ofByte, representatives };
  }

  #numberOf(state: State, tree: Tree): number {
    const open = simplified(tree, state.globs);
    if (open === false) return REFUSED;
    // A decision is final only when the request line is complete and valid.
    if (open === true && !DOUBTFUL.has(state.phase)) return ACCEPTED;
    const wanted = globsIn(open);
    const globs = state.globs.map((places, at) => (wanted.has(at) ? places : false));
    const reduced = { ...state, globs };
    const key = JSON.stringify([reduced, open]);
    const existing = this.#numbers.get(key);
    if (existing !== undefined) return existing;
    const number = this.#states.push({ state: reduced, tree: open }) - 1;
    this.#numbers.set(key, number);
    return number;
  }

  #step(state: State, tree: Tree, byte: number): number {
    const { phase } = state;
    switch (phase) {
      case 'method':
        if (byte === SPACE) return this.#go(this.#begun(this.#ended(state, 'method'), 'path'), tree, 'path');
        return isToken(byte) ? this.#go(this.#fed(state, 'method', byte), tree, phase) : REFUSED;
      case 'path':
        if (byte === SPACE) return this.#go(this.#ended(state, 'path'), tree, 'version');
        if (byte === RETURN || byte === NEWLINE) return REFUSED;
        return this.#go(this.#fed(state, 'path', byte), tree, phase);
      case 'version': {
        if (byte !== VERSION[state.named]) return REFUSED;
        const named = state.named + 1;
        return named === VERSION.length
          ? this.#go({ ...state, named: 0 }, tree, 'rest')
          : this.#go({ ...state, named }, tree, phase);
      }
      case 'rest':
        return this.#go(state, tree, byte === NEWLINE ? 'line' : phase);
      case 'line':
        if (byte === RETURN) return this.#go(state, tree, phase);
        // The head ends without a Host field.
        if (byte === NEWLINE) return this.#go(this.#ended(this.#begun(state, 'host'), 'host'), tree, 'rest');
        return byte === HOST[0]
          ? this.#go({ ...state, named: 1 }, tree, 'name')
          : this.#go(state, tree, 'rest');
      case 'name': {
        if (byte !== HOST[state.named])
          return this.#go({ ...state, named: 0 }, tree, byte === NEWLINE ? 'line' : 'rest');
        const all = state.named + 1 === HOST.length;
        return all
          ? this.#go(this.#begun({ ...state, named: 0 }, 'host'), tree, 'blank')
          : this.#go({ ...state, named: state.named + 1 }, tree, phase);
      }
      case 'blank':
        if (byte === SPACE || byte === TAB) return this.#go(state, tree, phase);
        if (byte === RETURN) return this.#go(this.#ended(state, 'host'), tree, 'rest');
        return this.#go(this.#fed(state, 'host', byte), tree, 'host');
      case 'host':
        if (byte === RETURN || byte === NEWLINE) return this.#go(this.#ended(state, 'host'), tree, 'rest');
        return this.#go(this.#fed(state, 'host', byte), tree, phase);
    }
  }

  #go(state: State, tree: Tree, phase: Phase): number {
    return this.#numberOf({ ...state, phase, query: phase === 'path' && state.query }, tree);
  }

  #begun(state: State, part: Part): State {
    return this.#with(state, part, (glob) => glob.begin());
  }

  #fed(state: State, part: Part, byte: number): State {
    const query = state.query || (part === 'path' && byte === QUESTION);
    const fed = this.#with(state, part, (glob, places) => {
      if (glob.route && query) return places;
      const next = glob.step(places, byte);
      if (next.length === 0) return false;
      return glob.fitsAnyhow(next) && !glob.route ? true : next;
    });
    return { ...fed, query };
  }

  #ended(state: State, part: Part): State {
    return this.#with(state, part, (glob, places) => glob.fits(places));
  }

  #with(
    state: State,
    part: Part,
    change: (glob: Glob, places: readonly number[]) => readonly number[] | boolean,
  ): State {
    const globs = state.globs.map((places, at) => {
      const glob = this.#globs[at] as Glob;
      return glob.part === part && typeof places !== 'boolean' ? change(glob, places) : places;
    });
    return { ...state, globs };
  }
}

const tooLarge = (): string => t('the conditions are too long for this debugger; use fewer or shorter ones');

function globsIn(tree: Tree): ReadonlySet<number> {
  if (typeof tree === 'boolean') return new Set();
  if (typeof tree === 'number') return new Set([tree]);
  const parts = 'not' in tree ? [tree.not] : 'any' in tree ? tree.any : tree.all;
  return new Set(parts.flatMap((one) => [...globsIn(one)]));
}

const lower = (byte: number): number => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte);

/** RFC 9110 section 5.6.2, `tchar`. */
const isToken = (byte: number): boolean => /[!#$%&'*+.^_`|~0-9A-Za-z-]/.test(String.fromCharCode(byte));
