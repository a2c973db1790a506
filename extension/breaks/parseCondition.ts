/** A line in the filter's language → a {@link Condition} on what is known when a call is about to be made. */

import {
  type FilterError,
  type GrammarProperty,
  type Language,
  parseLine,
  type Tree,
} from '../filter/grammar.ts';
import { isOtherName, meantBy, propertyOf, statusClass } from '../filter/properties.ts';
import { urlAddress } from '../filter/url.ts';
import { t } from '../words/translate.ts';
import { ALWAYS, type Condition, type Field } from './condition.ts';

/** Characters of a condition. */
const MAX_CONDITION = 1_000;

const NAMES = ['method', 'host', 'path', 'url', 'scheme', 'session', 'side'] as const;
const USABLE = t('A break can use words, method:, host:, path:, url:, scheme: and session:.');

export interface ParsedCondition {
  /** null: the line is empty or wrong. */
  readonly condition: Condition | null;
  /** In the order of the line. */
  readonly errors: readonly FilterError[];
}

/** Never throws. */
export function parseCondition(line: string): ParsedCondition {
  if (line.length > MAX_CONDITION) {
    const message = t('A condition can have at most {0} characters.', MAX_CONDITION);
    return { condition: null, errors: [{ start: MAX_CONDITION, end: line.length, message }] };
  }
  const { tree, errors } = parseLine(line, LANGUAGE);
  return { condition: tree === null || errors.length > 0 ? null : conditionOf(tree), errors };
}

function conditionOf(tree: Tree<Condition>): Condition {
  switch (tree.type) {
    case 'leaf':
      return tree.leaf;
    case 'not':
      return { not: conditionOf(tree.node) };
    case 'all':
      return { all: tree.nodes.map(conditionOf) };
    case 'any':
      return { any: tree.nodes.map(conditionOf) };
  }
}

/** A text given in lower case and as typed, cut into pieces. */
function leaf(field: Field, value: string, typed: string, cut: (text: string) => string[]): Condition {
  const pieces = cut(value);
  return value === typed ? { field, pieces } : { field, pieces, typed: cut(typed) };
}

const whole = (text: string): string[] => [text];
const part = (text: string): string[] => ['', text, ''];
const beginning = (text: string): string[] => [text, ''];
const pattern = (text: string): string[] => text.split('*');

type Parse = (value: string, typed: string) => Condition | string;

/** As in the filter: a part, a pattern with `*`, or `=` and the whole. */
function text(field: Field): (value: string, typed: string) => Condition {
  return (value, typed) => {
    if (value.startsWith('=')) return leaf(field, value.slice(1), typed.slice(1), whole);
    return leaf(field, value, typed, value.includes('*') ? pattern : part);
  };
}

const NO_PATTERN = t('A break cannot use a /pattern/. Use * for any text, as in path:/users/*.');
const noPattern = () => NO_PATTERN;

const PARSE: Readonly<Record<(typeof NAMES)[number], Parse>> = {
  method: (value, typed) => leaf('method', value, typed, value.includes('*') ? pattern : whole),
  host: text('host'),
  // An exact path matches with any query, unless it has a query itself.
  path: (value, typed) =>
    /^=[^?#]*$/.test(value)
      ? leaf('route', value.slice(1), typed.slice(1), whole)
      : text('path')(value, typed),
  url: (_, typed) => ofUrl(typed) ?? t('“url:” expects the beginning of a URL, with its scheme.'),
  scheme: (value) =>
    value === 'http' || value === 'https'
      ? { field: 'scheme', pieces: [value] }
      : t('“scheme:” expects http or https.'),
  session: text('session'),
  side: (value) => {
    if (value === 'client') return ALWAYS;
    return value === 'server'
      ? t('A break stops before a call is made, not where it is answered: use a breakpoint there.')
      : t('“side:” expects client.');
  },
};

/** A prefix; the host must match in full if something follows it. null: it is not a URL. */
function ofUrl(typed: string): Condition | null {
  const address = urlAddress(typed);
  if (address === null) return null;
  const { scheme, host, rest } = address;
  const ofScheme: Condition = { field: 'scheme', pieces: [scheme] };
  if (rest === '') return { all: [ofScheme, { field: 'host', pieces: beginning(host) }] };
  const at = typed.toLowerCase().lastIndexOf(rest);
  const typedRest = typed.slice(at, at + rest.length);
  return {
    all: [ofScheme, { field: 'host', pieces: [host] }, leaf('path', rest, typedRest, beginning)],
  };
}

const LANGUAGE: Language<Condition> = {
  property: (name): GrammarProperty<Condition> | undefined => {
    const property = propertyOf(name);
    const own = NAMES.find((one) => one === name.toLowerCase());
    if (property === undefined) return undefined;
    const { name: label, help, whole } = property;
    const parse =
      own === undefined
        ? () => t('“{0}:” is not known before a call is made. {1}', label, USABLE)
        : PARSE[own];
    return { name: label, help, whole, parse, pattern: noPattern };
  },
  isName: isOtherName,
  unknown: (name) => {
    const meant = meantBy(name);
    const hint =
      meant === null || !NAMES.some((one) => one === meant) ? USABLE : t('Did you mean “{0}:”?', meant);
    return t('Unknown: “{0}:”. {1}', name, hint);
  },
  word: (word, quoted, typed) => {
    if (quoted) return leaf('text', word, typed, part);
    if (statusClass(word) !== null) return t('A status is not known before a call is made. {0}', USABLE);
    return ofUrl(typed) ?? leaf('text', word, typed, part);
  },
  pattern: noPattern,
};
