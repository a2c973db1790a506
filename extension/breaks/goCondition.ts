/**
 * A {@link Condition} as a Go expression for dlv's breakpoint on `net/http.(*Transport).roundTrip`, whose parameter is
 * `req`. dlv can only compare strings and substrings, so the expression may be true for calls that the condition does not
 * match; goStrategy.ts recognises these when the program has stopped. dlv compares case-sensitively: a host or a path matches
 * only as typed or in lower case, a method only in lower or upper case.
 */
import { type Condition, type Field, holds } from './condition.ts';

export const GO_FUNCTION = 'net/http.(*Transport).roundTrip';

/** Positions in a text at which a part is searched for. For a longer text the expression is true, and goStrategy.ts checks the call. */
const MAX_PLACES = 64;
/** Longer expressions would cost more than stopping. */
const MAX_EXPRESSION = 16_384;

type Leaf = Extract<Condition, { readonly field: Field }>;

/** True for calls any condition may match; `true` stops at every call. */
export function goExpression(conditions: readonly Condition[], session: string): string {
  const wanted = any(conditions.map((one) => expression(one, true, session.toLowerCase())));
  return wanted.length > MAX_EXPRESSION ? 'true' : wanted;
}

/** @param loose the value of a term that cannot be expressed; each `not` inverts it. */
function expression(condition: Condition, loose: boolean, session: string): string {
  if ('all' in condition) return all(condition.all.map((one) => expression(one, loose, session)));
  if ('any' in condition) return any(condition.any.map((one) => expression(one, loose, session)));
  if ('not' in condition) return not(expression(condition.not, !loose, session));
  const { field } = condition;
  if (field === 'session') {
    return String(holds(condition, { method: '', host: '', path: '', scheme: '', session }));
  }
  return test(condition, loose);
}

function test({ field, pieces, typed }: Leaf, loose: boolean): string {
  const written = typed === undefined ? [pieces] : [pieces, typed];
  const anything = String(loose);
  if (pieces.every((piece) => piece === '') && pieces.length > 1) return 'true';
  switch (field) {
    case 'method':
      return any(
        [pieces, pieces.map((piece) => piece.toUpperCase())].map((one) => textTest('req.Method', one)),
      );
    case 'scheme':
      return textTest('req.URL.Scheme', pieces);
    case 'host': {
      if (!loose) return anything;
      // The program may set another Host field, and the scheme's default port is omitted.
      const own = any(written.map((one) => textTest('req.URL.Host', one)));
      return any([own, 'req.Host != req.URL.Host', ...portTests(pieces)]);
    }
    case 'route':
    case 'path': {
      // req.URL.Path is decoded, so a text with characters that may be percent-encoded is not compared.
      if (!loose || pieces.some((piece) => !/^[\w./:@~!$&'()*+,;=?-]*$/.test(piece))) return anything;
      if (field === 'path' && pieces.some((piece) => /[?=&]/.test(piece))) return anything;
      if (field === 'path' && !isOpen(pieces)) return anything;
      const path = any(written.map((one) => textTest('req.URL.Path', one)));
      return field === 'route' || pieces.length !== 3 || pieces[0] !== ''
        ? path
        : any([path, 'req.URL.RawQuery != ""']);
    }
    default:
      return anything;
  }
}

/** Ends with any text, so that a query may follow. */
const isOpen = (pieces: readonly string[]): boolean => pieces.length > 1 && pieces.at(-1) === '';

/** `example.com` is also written `example.com:443`. */
function portTests(pieces: readonly string[]): string[] {
  const last = pieces.at(-1) ?? '';
  if (last === '' || /:\d+$/.test(last)) return [];
  return ['80', '443'].map((port) => textTest('req.URL.Host', [...pieces.slice(0, -1), `${last}:${port}`]));
}

/** True for texts that match the pieces; also for some long ones that do not, see {@link MAX_PLACES}. */
function textTest(value: string, pieces: readonly string[]): string {
  const [first = '', ...rest] = pieces;
  if (rest.length === 0) return `${value} == ${goString(first)}`;
  const last = rest.at(-1) ?? '';
  const parts: string[] = [];
  const length = byteLength(first) + byteLength(last);
  if (length > 0) parts.push(`len(${value}) >= ${length}`);
  if (first !== '') parts.push(`${value}[0:${byteLength(first)}] == ${goString(first)}`);
  if (last !== '') {
    const from = `len(${value})-${byteLength(last)}`;
    parts.push(`${value}[${from}:len(${value})] == ${goString(last)}`);
  }
  for (const piece of rest.slice(0, -1)) if (piece !== '') parts.push(somewhere(value, piece));
  return all(parts);
}

function somewhere(value: string, piece: string): string {
  const size = byteLength(piece);
  const places = Array.from(
    { length: MAX_PLACES },
    (_, at) => `(len(${value}) >= ${at + size} && ${value}[${at}:${at + size}] == ${goString(piece)})`,
  );
  return any([`len(${value}) > ${MAX_PLACES + size - 1}`, ...places]);
}

const byteLength = (text: string): number => Buffer.byteLength(text, 'utf8');

/** A Go string literal: ASCII letters and digits, the rest as `\xNN`, so no content can end it. */
export function goString(text: string): string {
  let escaped = '';
  for (const byte of Buffer.from(text, 'utf8')) {
    const character = String.fromCharCode(byte);
    escaped += /[A-Za-z0-9]/.test(character) ? character : `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return `"${escaped}"`;
}

function all(parts: readonly string[]): string {
  if (parts.includes('false')) return 'false';
  return together(
    parts.filter((part) => part !== 'true'),
    ' && ',
    'true',
  );
}

function any(parts: readonly string[]): string {
  if (parts.includes('true')) return 'true';
  return together(
    parts.filter((part) => part !== 'false'),
    ' || ',
    'false',
  );
}

function together(parts: readonly string[], sign: string, none: string): string {
  const [only] = parts;
  if (only === undefined) return none;
  return parts.length === 1 ? only : `(${parts.join(sign)})`;
}

function not(inner: string): string {
  if (inner === 'true') return 'false';
  return inner === 'false' ? 'true' : `!(${inner})`;
}
