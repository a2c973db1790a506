/** Operations of a GraphQL document or its beginning (GraphQL specification, October 2021, section 2.3). */

export type GraphqlType = 'query' | 'mutation' | 'subscription';

export interface GraphqlOperation {
  readonly type: GraphqlType;
  readonly name: string | null;
}

/** Operations of one document that are listed. */
const MAX_OPERATIONS = 64;

/** What a selection set begins with (section 2.4): a field's name, or a spread. Comments and commas are ignored. */
const SELECTION = /(?:[\s,\ufeff]|#[^\n\r]*(?:[\n\r]|$))*(?:[_A-Za-z]|\.\.\.)/y;

/** Comments, strings, names and the punctuation that matters; everything else is skipped. */
const TOKEN =
  /#[^\n\r]*|"""(?:[^"\\]|\\.|"(?!""))*(?:"""|$)|"(?:[^"\\\n\r]|\\.)*"?|[_A-Za-z][_0-9A-Za-z]*|[{}()]/gs;

/** @returns null when the text is not a GraphQL document: many APIs have a `query` of their own. */
export function readGraphql(document: string): readonly GraphqlOperation[] | null {
  const operations: GraphqlOperation[] = [];
  let depth = 0;
  /** Outside of braces: the keyword before the name. */
  let keyword: GraphqlType | 'fragment' | null = null;
  let name: string | null = null;
  let known = false;
  let braces = false;
  for (const { 0: token, index } of document.matchAll(TOKEN)) {
    const first = token.charCodeAt(0);
    if (first === 35 || first === 34) continue;
    if (token === '{' || token === '(') {
      if (depth === 0 && token === '{') {
        SELECTION.lastIndex = index + 1;
        if (!SELECTION.test(document)) return null;
        braces = true;
        if (!known) operations.push({ type: 'query', name: null });
        else if (keyword !== null && keyword !== 'fragment') operations.push({ type: keyword, name });
        if (operations.length >= MAX_OPERATIONS) break;
        keyword = null;
        name = null;
        known = false;
      }
      depth++;
    } else if (token === '}' || token === ')') depth = Math.max(0, depth - 1);
    else if (depth === 0) {
      if (!known) {
        if (token !== 'query' && token !== 'mutation' && token !== 'subscription' && token !== 'fragment')
          return null;
        keyword = token;
        known = true;
      } else name ??= token;
    }
  }
  // Words without braces are a search engine's query.
  return braces ? operations : null;
}
