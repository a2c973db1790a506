/**
 * Which calls a break stops, as data: hooks in the debugged program get it as JSON, never as code. Hooks implement this
 * matching in their own language (nodeHook.ts, pythonHook.ts), and dlv gets an expression (goCondition.ts).
 */

/** What is known before a call's bytes are sent. All in lower case. */
export interface Facts {
  readonly method: string;
  /** With its port unless it is the default. */
  readonly host: string;
  /** With the query. */
  readonly path: string;
  readonly scheme: string;
  /** Name of the debug session. */
  readonly session: string;
}

/** `route` is the path without its query, `text` what a plain word is searched in. */
export type Field = keyof Facts | 'route' | 'text';

export type Condition =
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] }
  | { readonly not: Condition }
  /** One piece equals the whole text; several occur in it in order, the first at its start, the last at its end. */
  | {
      readonly field: Field;
      readonly pieces: readonly string[];
      /** As typed, if that is not lower case: for debuggers that cannot compare case-insensitively. */
      readonly typed?: readonly string[];
    };

export const ALWAYS: Condition = { all: [] };

export function holds(condition: Condition, facts: Facts): boolean {
  if ('all' in condition) return condition.all.every((one) => holds(one, facts));
  if ('any' in condition) return condition.any.some((one) => holds(one, facts));
  if ('not' in condition) return !holds(condition.not, facts);
  return hasPieces(textOf(condition.field, facts), condition.pieces);
}

function textOf(field: Field, facts: Facts): string {
  if (field === 'text') return `${facts.method} ${facts.host}${facts.path}`;
  return field === 'route' ? (facts.path.split(/[?#]/, 1)[0] ?? '') : facts[field];
}

function hasPieces(text: string, pieces: readonly string[]): boolean {
  const first = pieces[0] ?? '';
  if (pieces.length === 1) return text === first;
  const last = pieces.at(-1) ?? '';
  const end = text.length - last.length;
  if (!text.startsWith(first) || !text.endsWith(last) || end < first.length) return false;
  let at = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = text.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}

/**
 * Facts about the call that a program is about to make, as it reports them. Anything may be missing, or not a string.
 */
export function factsOf(call: {
  readonly method: string;
  readonly scheme: string;
  readonly host: string;
  readonly path: string;
  readonly session: string;
}): Facts {
  const scheme = call.scheme.toLowerCase();
  const host = call.host.toLowerCase();
  const port = scheme === 'https' ? ':443' : ':80';
  return {
    method: call.method.toLowerCase(),
    scheme,
    host: host.endsWith(port) ? host.slice(0, -port.length) : host,
    path: call.path.toLowerCase(),
    session: call.session.toLowerCase(),
  };
}
