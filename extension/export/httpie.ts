/** A command for HTTPie (https://httpie.io), as far as its library can send it. */
import { type Replay, warningsOf } from './replay.ts';
import { commandLines, latin1Word, missingFields, shellBody, shellWarnings, wordOf } from './shell.ts';

/** Set by HTTPie itself. */
const OWN = new Set(['content-length', 'transfer-encoding', 'connection', 'keep-alive']);

export function httpieCommand(replay: Replay): string {
  const { method, scheme, authority, target, fields, body } = replay;
  const content = body === null ? null : shellBody(body);
  const path = target === '*' ? '/' : target;
  const notes: string[] = [];
  const parts = [`${content?.feed ?? ''}http`];
  if (content === null || content.word !== null) parts.push('--ignore-stdin');
  if (path.includes('/.')) parts.push('--path-as-is');
  if (content?.word != null) parts.push(`--raw=${content.word}`);
  parts.push(`${wordOf(method)} ${latin1Word(`${scheme}://${authority}${path}`)}`);
  if (!/^[A-Za-z]+$/.test(method)) notes.push('HTTPie takes only letters as a method.');
  for (const [name, value] of fields) {
    if (OWN.has(name.toLowerCase())) continue;
    const item = requestItem(name, value);
    if (item === null) notes.push(`HTTPie cannot send the header field ${name} with this value.`);
    else parts.push(latin1Word(item));
  }
  for (const name of missingFields(fields, ['User-Agent', 'Accept', 'Accept-Encoding'])) {
    parts.push(wordOf(`${name}:`));
  }
  if (body !== null) {
    for (const name of missingFields(fields, ['Content-Type'])) parts.push(wordOf(`${name}:`));
  }
  return `${shellWarnings([...warningsOf(replay), ...notes])}${commandLines(parts)}\n`;
}

/**
 * HTTPie's own syntax: `Name:value`. A separator right after the `:` would be read as part of it, and a backslash
 * before a separator is an escape that cannot itself be escaped. null: not expressible.
 */
function requestItem(name: string, value: string): string | null {
  if (name.startsWith('-') || /\\[:;=@\\]|\\$/.test(value)) return null;
  if (value === '') return `${name};`;
  return `${name}:${/^[=@:;]/.test(value) ? '\\' : ''}${value}`;
}
