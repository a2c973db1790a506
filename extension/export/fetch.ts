/** A call of `fetch`, for Node, Deno, Bun and the console of a browser. */
import { javascriptString, readableText } from './literals.ts';
import { CONNECTION_FIELDS, type FieldLine, fieldOf, type Replay, warningsOf } from './replay.ts';

/** Connection fields and Content-Length: fetch sets them itself, and refuses them from callers. */
const OWN = new Set([...CONNECTION_FIELDS, 'content-length']);

export function fetchCall(replay: Replay): string {
  const { method, scheme, authority, target, fields, body } = replay;
  const url = `${scheme}://${authority}${target === '*' ? '/' : encodedTarget(target)}`;
  const notes: string[] = [];
  const sent = fields.filter(
    ([name, value]) =>
      !OWN.has(name.toLowerCase()) && !(name.toLowerCase() === 'host' && value === authority),
  );
  const lines = [`  method: ${javascriptString(method)},`];
  if (sent.length > 0) lines.push(`  headers: ${headers(sent)},`);
  if (body !== null && (method === 'GET' || method === 'HEAD')) {
    notes.push(`fetch sends no body with ${method}: it is left out.`);
  } else if (body !== null) {
    lines.push(`  body: ${bodyOf(body, fieldOf(fields, 'content-type') !== undefined)},`);
  }
  if (/^(?:CONNECT|TRACE|TRACK)$/i.test(method)) notes.push(`fetch refuses the method ${method}.`);
  if (reached(url) !== target) notes.push('fetch changes the path on its way.');
  const comments = [...warningsOf(replay), ...notes].map((text) => `// ${text}\n`).join('');
  return `${comments}fetch(${javascriptString(url)}, {\n${lines.join('\n')}\n});\n`;
}

/** Non-ASCII characters would be treated as text and encoded as UTF-8. */
function encodedTarget(target: string): string {
  return target.replace(/[\x80-\xff]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** The request-target that fetch sends for a URL; null: not a URL. */
function reached(url: string): string | null {
  try {
    const { pathname, search } = new URL(url);
    return pathname + search;
  } catch {
    return null;
  }
}

/** An object, or a list of pairs if a name repeats. */
function headers(fields: readonly FieldLine[]): string {
  const names = new Set(fields.map(([name]) => name.toLowerCase()));
  // `__proto__` in an object would not be a property.
  const asObject = names.size === fields.length && !names.has('__proto__');
  const lines = fields.map(([name, value]) =>
    asObject
      ? `    ${javascriptString(name)}: ${javascriptString(value)},`
      : `    [${javascriptString(name)}, ${javascriptString(value)}],`,
  );
  return asObject ? `{\n${lines.join('\n')}\n  }` : `[\n${lines.join('\n')}\n  ]`;
}

/** A string without a type would be sent as text/plain. */
function bodyOf(body: Uint8Array, hasType: boolean): string {
  const text = readableText(body);
  if (text === null) {
    const base64 = Buffer.from(body).toString('base64');
    return `Uint8Array.from(atob("${base64}"), (c) => c.charCodeAt(0))`;
  }
  return hasType ? javascriptString(text) : `new TextEncoder().encode(${javascriptString(text)})`;
}
