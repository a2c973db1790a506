/**
 * Secrets in a GraphQL document (GraphQL specification, October 2021, section 2): the strings and numbers of an
 * argument, an input field or a default value whose name means a secret. Types, aliases, variables and enums have no
 * secret in them and stay: `login($password: String!) { token: accessToken }`.
 */
import { maskLoosely } from './maskLoosely.ts';
import { Replaced } from './pieces.ts';
import { isSecretValue, MASK, type NameKind, nameKind } from './secrets.ts';

/** Comments, block strings, strings, variables and names, numbers, punctuators. Skips the rest. Linear. */
const TOKEN =
  /#[^\n\r]*|"""(?:[^"\\]|\\.|"(?!""))*(?:"""|$)|"(?:[^"\\\n\r]|\\.)*"?|\$?[_A-Za-z][_0-9A-Za-z]*|-?\d[\d.eE+-]*|[{}()[\]:=,]/gs;

const BEGINNING =
  /^[\s\ufeff,]{0,64}(?:#|(?:query|mutation|subscription|fragment)\b[^=:]{0,256}[({]|\{\s{0,64}[_A-Za-z]\w{0,64}\s{0,64}[({:}\n ])/;

/** Search words such as `query language` are not a document. */
export function looksLikeGraphql(text: string): boolean {
  return BEGINNING.test(text.slice(0, 1_024)) && text.includes('{') && !/^\s{0,64}\{\s{0,64}["']/.test(text);
}

export function maskGraphql(document: string): string {
  const masked = new Replaced(document);
  /** The last name, and what it means once a colon or an equals sign follows it. */
  let name = '';
  let kind: NameKind = null;
  /** Open brackets within the value of a secret's name; 0: not within one. */
  let depth = 0;
  for (const match of document.matchAll(TOKEN)) {
    const [token] = match;
    const at = match.index;
    const first = token[0] as string;
    if (first === '#') {
      const comment = maskLoosely(token);
      if (comment !== token) masked.replace(at, at + token.length, comment);
    } else if (first === '"' || first === '-' || (first >= '0' && first <= '9')) {
      const quotes = token.startsWith('"""') ? '"""' : first === '"' ? '"' : '';
      const inner = token.slice(
        quotes.length,
        quotes !== '' && token.endsWith(quotes) ? -quotes.length : undefined,
      );
      if (depth > 0 || isSecretValue(kind, inner, 'member')) {
        if (inner !== '') masked.replace(at, at + token.length, `${quotes}${MASK}${quotes}`);
      } else if (quotes !== '') {
        const text = maskLoosely(inner);
        if (text !== inner) masked.replace(at, at + token.length, quotes + text + quotes);
      }
      if (depth === 0) kind = null;
    } else if (token === ':' || token === '=') {
      // `$password: String = "x"`: the type is between the name and its default.
      if (depth === 0 && name !== '') kind = nameKind(name);
    } else if (token === '{' || token === '[') {
      if (depth > 0 || kind === 'secret' || kind === 'secrets') depth++;
    } else if (token === '}' || token === ']') {
      if (depth > 0 && --depth === 0) kind = null;
    } else if (token === '(' || token === ')' || token === ',') {
      if (depth === 0) {
        kind = null;
        name = '';
      }
    } else if (depth === 0) {
      // A name after a variable and its colon is its type.
      if (name.startsWith('$') && kind !== null && first !== '$') continue;
      kind = null;
      name = token;
    }
  }
  return masked.result();
}
