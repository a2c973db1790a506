/**
 * A request as an HTTP message in text, as in `.http` files, which REST clients in editors send. Comments before it
 * state what text in an editor cannot: that lines of the body end with CRLF, or that the body is in base64.
 * `httpDocument.ts` reads them.
 *
 * Other extensions send such files, too, and fill in variables (`{{$processEnv HOME}}`), read files (`< ./file`) and
 * run scripts (`> {% … %}`) in them: captured text is written so that it is never interpreted in these ways.
 */
import { readableText } from './literals.ts';
import { type Replay, warningsOf } from './replay.ts';

/** A body that is no text, or that an editor would change. */
export const BASE64_BODY = '# The body is in base64.';
export const CRLF_BODY = '# Lines of the body end with CRLF.';
export const BODY_ENDS_LINE = '# The body ends with a line end.';
export const LATIN1_FIELDS = '# Header fields are in Latin-1.';
export const BRACES = '# In the URL and in header fields, {%7B stands for two opening braces.';

/** The body is not in the text: it is that of a held call. */
function capturedBody(call: number): string {
  return `# The body is the captured one of call ${call}.`;
}
export const CAPTURED_BODY = /^# The body is the captured one of call (\d{1,15})\.$/;

/** Lines that end the request, or instruct a program that sends `.http` files. */
const INSTRUCTION = /^[ \t]*(?:###|<(?:@\w*)?[ \t]|<>|>)|\{\{/m;

/**
 * @param call held call to reference for a body that cannot be written as text; undefined: such a body is written in
 * base64.
 */
export function httpMessage(replay: Replay, call?: number): string {
  const { method, scheme, authority, target, version, body } = replay;
  const notes = warningsOf(replay);
  const sent = replay.fields.filter(([name, value]) => {
    if (!name.startsWith('#') && !(value.includes('{{') && value.includes('{%7B'))) return true;
    notes.push(`The header field ${name} is left out: a file like this cannot hold it.`);
    return false;
  });
  const latin1 = sent.some(([, value]) => readableText(Buffer.from(value, 'latin1')) === null);
  const fields = sent.map(([name, value]) => {
    const text = latin1 ? value : (readableText(Buffer.from(value, 'latin1')) ?? value);
    return `${name}: ${text}`;
  });
  // `*`: RFC 9112 section 3.2.4.
  const url = urlText(`${scheme}://${authority}${target === '*' ? '' : target}`);
  const head = [`${method} ${url} HTTP/${version}`, ...fields];
  const { text, directives } = contentOf(body, call);
  if (latin1) directives.push(LATIN1_FIELDS);
  if (head.some((line) => line.includes('{{'))) directives.push(BRACES);
  const comments = [...notes.map((note) => `# ${note}`), ...directives].map((line) => `${line}\n`);
  return `${comments.join('')}${head.join('\n').replaceAll('{{', '{%7B')}\n\n${text}`;
}

function contentOf(
  body: Uint8Array | null,
  call: number | undefined,
): { text: string; directives: string[] } {
  if (body === null) return { text: '', directives: [] };
  let text = readableText(body);
  const directives: string[] = [];
  if (text?.includes('\r') === true) {
    const lines = text.replaceAll('\r\n', '\n');
    directives.push(CRLF_BODY);
    // A bare CR would be read as a line end.
    text = !lines.includes('\r') && lines.replaceAll('\n', '\r\n') === text ? lines : null;
  }
  if (text?.endsWith('\n') === true) directives.push(BODY_ENDS_LINE);
  if (text !== null && !text.endsWith('\n\n') && text !== '\n' && !INSTRUCTION.test(text)) {
    return { text, directives };
  }
  if (call !== undefined) return { text: '', directives: [capturedBody(call)] };
  return { text: Buffer.from(body).toString('base64'), directives: [BASE64_BODY] };
}

/** White space would end the target; non-ASCII would be read as text. */
function urlText(url: string): string {
  return url.replace(
    /[^\x21-\x7e]/g,
    (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`,
  );
}
