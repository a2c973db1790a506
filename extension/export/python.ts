/** A program for Python's library requests. */
import { pythonBytes, pythonString, readableText } from './literals.ts';
import { type FieldLine, type Replay, warningsOf } from './replay.ts';

/** Set by the library itself. */
const OWN = new Set(['content-length', 'transfer-encoding', 'connection', 'keep-alive', 'expect']);

export function pythonProgram(replay: Replay): string {
  const { method, scheme, authority, target, fields, body } = replay;
  const url = `${scheme}://${authority}${target === '*' ? '/' : encodedTarget(target)}`;
  const sent = joined(
    fields.filter(
      ([name, value]) =>
        !OWN.has(name.toLowerCase()) && !(name.toLowerCase() === 'host' && value === authority),
    ),
  );
  const comments = warningsOf(replay)
    .map((text) => `# ${text}\n`)
    .join('');
  const lines = [`    ${pythonString(method)},`, `    ${pythonString(url)},`];
  if (sent.length > 0) {
    const entries = sent.map(([name, value]) => `        ${pythonString(name)}: ${fieldValue(value)},\n`);
    lines.push(`    headers={\n${entries.join('')}    },`);
  }
  if (body !== null) lines.push(`    data=${dataOf(body)},`);
  return `${comments}import requests

response = requests.request(
${lines.join('\n')}
)
print(response.status_code, response.reason)
print(response.text)
`;
}

/** As bytes if not all ASCII: in text, the library rejects what Python treats as white space, such as U+0085. */
function fieldValue(value: string): string {
  return /^[\x20-\x7e]*$/.test(value) ? pythonString(value) : pythonBytes(Buffer.from(value, 'latin1'));
}

function encodedTarget(target: string): string {
  return target.replace(
    /[^\x21-\x7e]/g,
    (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`,
  );
}

function dataOf(body: Uint8Array): string {
  const text = readableText(body);
  return text === null || /^[\x00-\x7f]*$/.test(text) ? pythonBytes(body) : `${pythonString(text)}.encode()`;
}

/** A dictionary has each name once: values of a repeated name are joined (RFC 9110 section 5.3). */
function joined(fields: readonly FieldLine[]): FieldLine[] {
  const byName = new Map<string, [string, string]>();
  for (const [name, value] of fields) {
    const lower = name.toLowerCase();
    const known = byName.get(lower);
    if (known === undefined) byName.set(lower, [name, value]);
    else known[1] += `${lower === 'cookie' ? '; ' : ', '}${value}`;
  }
  return [...byName.values()];
}
