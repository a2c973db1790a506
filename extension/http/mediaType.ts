/** Media types and parameters (RFC 9110 sections 8.3 and 5.6.6). Pure, and fit for the webview. */

export interface ContentType {
  /** `type/subtype` in lower case; empty when there is none. */
  readonly essence: string;
  readonly charset: string | null;
  readonly boundary: string | null;
}

/** Longest value that is examined. */
const MAX_LENGTH = 1_024;

export function parseContentType(value: string): ContentType {
  const text = value.slice(0, MAX_LENGTH);
  const semicolon = text.indexOf(';');
  const essence = (semicolon < 0 ? text : text.slice(0, semicolon)).trim().toLowerCase();
  let charset: string | null = null;
  let boundary: string | null = null;
  for (const [name, parameter] of readParameters(semicolon < 0 ? '' : text.slice(semicolon))) {
    if (name === 'charset') charset ??= parameter.trim().toLowerCase();
    else if (name === 'boundary') boundary ??= parameter;
  }
  return { essence, charset, boundary };
}

/** Parameters (RFC 9110 section 5.6.6): names in lower case, quoted values unquoted. */
export function readParameters(text: string): [name: string, value: string][] {
  const parameters: [string, string][] = [];
  let at = 0;
  while (at < text.length) {
    while (at < text.length && (text[at] === ';' || text[at] === ' ' || text[at] === '\t')) at++;
    const nameFrom = at;
    while (at < text.length && text[at] !== '=' && text[at] !== ';') at++;
    const name = text.slice(nameFrom, at).trim().toLowerCase();
    if (text[at] !== '=') continue;
    at++;
    let value = '';
    if (text[at] === '"') {
      for (at++; at < text.length && text[at] !== '"'; at++) {
        if (text[at] === '\\' && at + 1 < text.length) at++;
        value += text[at];
      }
      at++;
      while (at < text.length && text[at] !== ';') at++;
    } else {
      const from = at;
      while (at < text.length && text[at] !== ';') at++;
      value = text.slice(from, at).trim();
    }
    if (name !== '') parameters.push([name, value]);
  }
  return parameters;
}
