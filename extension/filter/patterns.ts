/** Matching of text values: a substring, or a pattern with `*`. All in lower case. */

/** `*` matches anything; a value without one may be anywhere in the text. Linear, for hostile texts. */
export function wildcard(value: string): (text: string) => boolean {
  if (!value.includes('*')) return (text) => text.includes(value);
  const pieces = value.split('*');
  return (text) => matchesPieces(text, pieces);
}

/** The pieces in their order, the first at the beginning and the last at the end. */
export function matchesPieces(text: string, pieces: readonly string[]): boolean {
  const first = pieces[0] ?? '';
  const last = pieces.at(-1) ?? '';
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length)
    return false;
  let at = first.length;
  const end = text.length - last.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = text.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}

/** A number that is compared: `>=400`, `<10ms`, `100-200`, `404`. null: not a number. */
export function comparison(
  value: string,
  read: (text: string) => number | null,
): ((number: number) => boolean) | null {
  const [, sign, operand = ''] = /^(>=|<=|>|<|=)?(.+)$/.exec(value) ?? [];
  if (sign === undefined) {
    const [, from, to] = /^([^-]+)-([^-]+)$/.exec(value) ?? [];
    if (from !== undefined && to !== undefined) {
      const low = read(from);
      const high = read(to);
      return low === null || high === null ? null : (number) => number >= low && number <= high;
    }
  }
  const limit = read(operand);
  if (limit === null) return null;
  switch (sign) {
    case '>=':
      return (number) => number >= limit;
    case '<=':
      return (number) => number <= limit;
    case '>':
      return (number) => number > limit;
    case '<':
      return (number) => number < limit;
    default:
      return (number) => number === limit;
  }
}
