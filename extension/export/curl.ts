/** A command for curl that sends the same bytes again, for bash, zsh and ksh. */
import { fieldOf, type Replay, warningsOf } from './replay.ts';
import { commandLines, latin1Word, missingFields, shellBody, shellWarnings, wordOf } from './shell.ts';

/** From this body size on, curl sends `Expect: 100-continue` (7.88; later versions at another size). */
const EXPECT_FROM = 64 * 1024;

/** Targets that curl sends unchanged when they are in a URL. */
const PLAIN_TARGET = /^\/[\w\-.~!$&'()*+,;=:@/?%[\]{}|^`"<>\\]*$/;

export function curlCommand(replay: Replay): string {
  const { method, scheme, authority, target, version, fields, body } = replay;
  const plain = PLAIN_TARGET.test(target);
  const content = body === null ? null : shellBody(body);
  const parts = [
    `${content?.feed ?? ''}curl ${latin1Word(`${scheme}://${authority}${plain ? target : '/'}`)}`,
    ...methodOptions(method, body !== null),
    ...versionOptions(version, scheme),
  ];
  if (!plain) parts.push(`--request-target ${latin1Word(target)}`);
  if (plain && target.includes('/.')) parts.push('--path-as-is');
  if (/[[\]{}]/.test(authority + target)) parts.push('--globoff');
  for (const [name, value] of fields) {
    if (isImplied(name, value, replay)) continue;
    parts.push(`-H ${latin1Word(value === '' ? `${name};` : `${name}: ${value}`)}`);
  }
  const own = ['User-Agent', 'Accept'];
  if (version !== '2') own.unshift('Host');
  if (body !== null) own.push('Content-Type');
  if (body !== null && body.length >= EXPECT_FROM) own.push('Expect');
  for (const name of missingFields(fields, own)) parts.push(`-H ${wordOf(`${name}:`)}`);
  // Shows the response decoded.
  if (fieldOf(fields, 'accept-encoding') !== undefined) parts.push('--compressed');
  if (content !== null) {
    parts.push(content.word === null ? '--data-binary @-' : `--data-raw ${content.word}`);
  }
  return `${shellWarnings(warningsOf(replay))}${commandLines(parts)}\n`;
}

function methodOptions(method: string, hasBody: boolean): string[] {
  if (method === 'HEAD' && !hasBody) return ['--head'];
  if (method === (hasBody ? 'POST' : 'GET')) return [];
  return [`-X ${wordOf(method)}`];
}

function versionOptions(version: Replay['version'], scheme: Replay['scheme']): string[] {
  switch (version) {
    case '1.0':
      return ['--http1.0'];
    case '2':
      return [scheme === 'https' ? '--http2' : '--http2-prior-knowledge'];
    default:
      return scheme === 'https' ? ['--http1.1'] : [];
  }
}

/** Whether curl sends the same field by itself. */
function isImplied(name: string, value: string, { scheme, authority, version }: Replay): boolean {
  if (name !== 'Host' || version === '2') return false;
  return value === authority && !authority.endsWith(scheme === 'https' ? ':443' : ':80');
}
