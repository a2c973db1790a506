/**
 * Regular expression search in time linear in the text, whatever the pattern: a pattern comes from a filter line, and
 * texts from the network. The DFA is built lazily (as in RE2 and grep), in bounded memory.
 */
import { type CharSet, parseRegex, RegexError, type RegexNode, WORD } from './regexParser.ts';

export { RegexError };

/** States of the NFA: they bound the worst-case time per character of a text. */
const MAX_STATES = 256;
/** Cached states of the DFA; beyond that, the cache is cleared. */
const MAX_CACHED = 400;

/** What a state consumes or asserts, and its successors. */
type State =
  | { readonly type: 'set'; readonly set: CharSet; next: number }
  | { readonly type: 'assert'; readonly kind: 'start' | 'end' | 'boundary' | 'inside'; next: number }
  | { readonly type: 'split'; next: number; other: number }
  | { readonly type: 'accept' };

/** What is before or after a position: an end of the text, a word character, or another one. */
enum Around {
  End,
  Word,
  Other,
}

interface Cached {
  /** Before epsilon transitions, some of which depend on the next character. */
  readonly states: readonly number[];
  readonly before: Around;
  /** By class of character; undefined: not known yet. */
  readonly next: (Cached | null | undefined)[];
  accepts: boolean | null;
}

/** @param pattern without slashes. @returns whether it occurs in a text in lower case. @throws RegexError */
export function compileRegex(pattern: string): (text: string) => boolean {
  const states: State[] = [];
  const start = build(parseRegex(pattern), states, add(states, { type: 'accept' }));
  return new Automaton(states, start).run;
}

function add(states: State[], state: State): number {
  if (states.length >= MAX_STATES) throw new RegexError('The pattern is too large.', 0);
  return states.push(state) - 1;
}

/** @returns the node's first state, before `next`. */
function build(node: RegexNode, states: State[], next: number): number {
  switch (node.type) {
    case 'set':
      return add(states, { type: 'set', set: node.set, next });
    case 'assert':
      return add(states, { type: 'assert', kind: node.kind, next });
    case 'sequence':
      return node.nodes.reduceRight((after, part) => build(part, states, after), next);
    case 'choice':
      return node.nodes
        .map((part) => build(part, states, next))
        .reduceRight((other, first) => add(states, { type: 'split', next: first, other }));
    case 'repeat': {
      const { least, most } = node;
      let at = next;
      if (most === null) {
        const loop = add(states, { type: 'split', next: 0, other: next });
        const first = build(node.node, states, loop);
        (states[loop] as { next: number }).next = first;
        at = loop;
      } else {
        for (let i = least; i < most; i++) {
          const first = build(node.node, states, at);
          at = add(states, { type: 'split', next: first, other: next });
        }
      }
      for (let i = 0; i < least; i++) {
        const first = build(node.node, states, at);
        // Only the empty string matches: without this, nested repetitions would take forever.
        if (first === at) break;
        at = first;
      }
      return at;
    }
  }
}

class Automaton {
  readonly #states: readonly State[];
  readonly #start: number;
  /** Class of each code unit: the pattern does not distinguish those of one class. */
  readonly #classOf = new Uint16Array(65_536);
  readonly #sample: number[] = [];
  #cache = new Map<string, Cached>();
  #first: Cached;

  constructor(states: readonly State[], start: number) {
    this.#states = states;
    this.#start = start;
    const limits = new Set([0]);
    for (const state of [...states, { type: 'set', set: WORD } as const]) {
      if (state.type !== 'set') continue;
      for (const [from, to] of state.set) limits.add(from).add(to + 1);
    }
    const sorted = [...limits].filter((limit) => limit <= 0xffff).sort((a, b) => a - b);
    sorted.forEach((from, index) => {
      this.#classOf.fill(index, from, sorted[index + 1] ?? 65_536);
      this.#sample.push(from);
    });
    this.#first = this.#cached([start], Around.End);
  }

  readonly run = (text: string): boolean => {
    let at: Cached = this.#first;
    for (let i = 0; i < text.length; i++) {
      const kind = this.#classOf[text.charCodeAt(i)] ?? 0;
      let next = at.next[kind];
      if (next === undefined) {
        next = this.#step(at, kind);
        at.next[kind] = next;
      }
      // Match found.
      if (next === null) return true;
      at = next;
    }
    at.accepts ??= this.#follow(at, Around.End) === null;
    return at.accepts;
  };

  /** null: a match ends before this character. */
  #step(at: Cached, kind: number): Cached | null {
    const char = this.#sample[kind] ?? 0;
    const behind = contains(WORD, char) ? Around.Word : Around.Other;
    const reached = this.#follow(at, behind);
    if (reached === null) return null;
    const next = new Set<number>();
    for (const id of reached) {
      const state = this.#states[id];
      if (state?.type === 'set' && contains(state.set, char)) next.add(state.next);
    }
    // A match may begin at each character.
    next.add(this.#start);
    return this.#cached(
      [...next].sort((a, b) => a - b),
      behind,
    );
  }

  /** The epsilon closure; null: one of its states accepts. */
  #follow({ states, before }: Cached, behind: Around): Set<number> | null {
    const reached = new Set<number>();
    const open = [...states];
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      if (reached.has(id)) continue;
      reached.add(id);
      const state = this.#states[id];
      if (state === undefined || state.type === 'set') continue;
      if (state.type === 'accept') return null;
      if (state.type === 'split') open.push(state.other, state.next);
      else if (holds(state.kind, before, behind)) open.push(state.next);
    }
    return reached;
  }

  #cached(states: readonly number[], before: Around): Cached {
    const key = `${before} ${states.join(' ')}`;
    const known = this.#cache.get(key);
    if (known !== undefined) return known;
    if (this.#cache.size >= MAX_CACHED) {
      this.#cache = new Map();
      // The old states are freed with their transitions once the running search has left them.
      this.#first = this.#cached([this.#start], Around.End);
    }
    const made: Cached = { states, before, next: [], accepts: null };
    this.#cache.set(key, made);
    return made;
  }
}

function holds(kind: 'start' | 'end' | 'boundary' | 'inside', before: Around, behind: Around): boolean {
  switch (kind) {
    case 'start':
      return before === Around.End;
    case 'end':
      return behind === Around.End;
    case 'boundary':
      return (before === Around.Word) !== (behind === Around.Word);
    case 'inside':
      return (before === Around.Word) === (behind === Around.Word);
  }
}

function contains(set: CharSet, char: number): boolean {
  for (const [from, to] of set) if (char >= from && char <= to) return true;
  return false;
}
