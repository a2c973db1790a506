/**
 * Finds the string values in JSON without parsing it into objects, in time linear in the text. Truncated text is
 * read as far as possible. For text that is not JSON the result is arbitrary, but nothing throws.
 */

export interface JsonString {
  /** The names of the members that lead to it, joined by dots; an array adds nothing. */
  readonly path: string;
  /** Index of the outermost array's item that contains it; 0 without an array. */
  readonly item: number;
  /** The text between the quotes; only its beginning where the text was cut. */
  readonly raw: string;
}

/** Deeper values are skipped. */
const MAX_DEPTH = 8;

const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?$)|[[\]{},:]/gs;

/** An array among the open brackets. */
const ARRAY = null;

/** @returns the number of items in the outermost array; 1 without one. */
export function visitJsonStrings(text: string, visit: (found: JsonString) => void): number {
  /** For each open bracket the name of the member that is read, or {@link ARRAY}. */
  const open: (string | typeof ARRAY)[] = [];
  let item = 0;
  let isName = false;
  for (const [token] of text.matchAll(TOKEN)) {
    const last = open.length - 1;
    switch (token) {
      case '{':
        open.push('');
        isName = true;
        break;
      case '[':
        open.push(ARRAY);
        isName = false;
        break;
      case '}':
      case ']':
        open.pop();
        isName = false;
        break;
      case ',':
        if (last === 0 && open[0] === ARRAY) item++;
        isName = last >= 0 && open[last] !== ARRAY;
        break;
      case ':':
        isName = false;
        break;
      default: {
        const raw = token.slice(1, token.length > 1 && token.endsWith('"') ? -1 : undefined);
        if (isName) open[last] = raw;
        else if (open.length <= MAX_DEPTH) visit({ path: open.filter(isText).join('.'), item, raw });
      }
    }
  }
  return item + 1;
}

function isText(name: string | null): name is string {
  return name !== null;
}

/** Decodes a JSON string; a truncated one as far as it is complete. */
export function unescapeJsonString(raw: string): string {
  if (!raw.includes('\\')) return raw;
  return raw.replace(/\\(?:u([0-9a-fA-F]{4})|(.)|$)/gs, (_, hex?: string, mark?: string) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    return mark === undefined ? '' : (ESCAPES[mark] ?? mark);
  });
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' };
