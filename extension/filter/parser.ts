/** The filter language for the panel, Go to Call and `http-trace --filter`: see grammar.ts and properties.ts. */
import { type FilterError, type FilterPart, type GrammarProperty, parseLine, type Tree } from './grammar.ts';
import { isOtherName, meantBy, type Parsed, PROPERTY_NAMES, propertyOf, statusClass } from './properties.ts';
import type { DetailTest, Matcher, Subject } from './subject.ts';
import { urlMatcher } from './url.ts';

export { type FilterError, type FilterPart, MAX_LINE } from './grammar.ts';

export interface Filter {
  /** null: nothing to filter by. Parts that were not understood are left out. */
  readonly matches: Matcher | null;
  /** Tests that need the details of a call; `found` of a {@link Subject} has a bit for each. */
  readonly details: readonly DetailTest[];
  /** Whether one of them reads what was in bodies and messages. */
  readonly searchesBodies: boolean;
  /** Whether a row can match, depending on its details: only then must they be read. */
  readonly possible: (subject: Subject) => boolean;
  /** In the order of the line, not overlapping. */
  readonly parts: readonly FilterPart[];
  /** In the order of the line. */
  readonly errors: readonly FilterError[];
}

/** Tests of details in one filter: each is a bit of a number. */
const MAX_DETAILS = 30;

/** A test of the row, or the bit of one that needs details. */
type Leaf = Matcher | number;

/** Never throws; what is not understood is in `errors`. */
export function parseFilter(line: string): Filter {
  const details: DetailTest[] = [];
  let searchesBodies = false;
  const leaf = (parsed: Parsed | string): Leaf | string => {
    if (typeof parsed === 'string') return parsed;
    if ('row' in parsed) return parsed.row;
    if (details.length === MAX_DETAILS)
      return `A filter can search the details at most ${MAX_DETAILS} times.`;
    searchesBodies ||= parsed.bodies === true;
    return 1 << (details.push(parsed.details) - 1);
  };
  const { tree, parts, errors } = parseLine<Leaf>(line, {
    property: (name): GrammarProperty<Leaf> | undefined => {
      const property = propertyOf(name);
      if (property === undefined) return undefined;
      const { pattern } = property;
      return {
        name: property.name,
        help: property.help,
        whole: property.whole,
        parse: (value) => leaf(property.parse(value)),
        pattern: pattern === undefined ? undefined : (matches) => leaf(pattern(matches)),
      };
    },
    isName: isOtherName,
    unknown: (name) => {
      const meant = meantBy(name);
      const hint = meant === null ? ` There are ${PROPERTY_NAMES.join(', ')}.` : ` Did you mean “${meant}:”?`;
      return `Unknown filter “${name}:”.${hint} Put text with a colon in quotes.`;
    },
    word: (word, quoted) => {
      const special = quoted ? null : (urlMatcher(word) ?? statusClass(word));
      return special ?? ((subject) => subject.text.includes(word));
    },
    pattern:
      (matches) =>
      ({ text }) =>
        matches(text),
  });
  return {
    matches: tree === null ? null : compile(tree),
    details,
    searchesBodies,
    possible: tree === null ? () => true : compilePossible(tree, true),
    parts,
    errors,
  };
}

function compile(node: Tree<Leaf>): Matcher {
  switch (node.type) {
    case 'leaf': {
      const { leaf } = node;
      return typeof leaf === 'number' ? ({ found }) => ((found ?? 0) & leaf) !== 0 : leaf;
    }
    case 'not': {
      const inner = compile(node.node);
      return (subject) => !inner(subject);
    }
    case 'all': {
      const all = node.nodes.map(compile);
      return (subject) => all.every((matches) => matches(subject));
    }
    case 'any': {
      const any = node.nodes.map(compile);
      return (subject) => any.some((matches) => matches(subject));
    }
  }
}

/** Assumes the details that favor a match: `wanted` is whether a node has to match. */
function compilePossible(node: Tree<Leaf>, wanted: boolean): Matcher {
  switch (node.type) {
    case 'leaf':
      return typeof node.leaf === 'number' ? () => wanted : node.leaf;
    case 'not': {
      const inner = compilePossible(node.node, !wanted);
      return (subject) => !inner(subject);
    }
    case 'all': {
      const all = node.nodes.map((one) => compilePossible(one, wanted));
      return (subject) => all.every((matches) => matches(subject));
    }
    case 'any': {
      const any = node.nodes.map((one) => compilePossible(one, wanted));
      return (subject) => any.some((matches) => matches(subject));
    }
  }
}
