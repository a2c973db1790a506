/** The tabs Request and Response: what a body holds, as plainly as its type allows. */
import type { ExchangeJson, MessageJson } from '../../engine/exchangeJson.ts';
import { el, textButton } from '../dom.ts';
import { formatBytes } from '../format.ts';
import { visibleLine, visibleText } from '../text.ts';
import { base64Bytes, contentKind, contentType, formFields, hexLines } from './content.ts';
import { type JsonLine, jsonLines } from './json.ts';
import { copyButton, note, nothing } from './parts.ts';
import type { TabActions } from './tabs.ts';

/** Characters that are laid out; the editor is made for more. */
export const MAX_TEXT = 256 * 1024;
export const MAX_HEX_BYTES = 64 * 1024;
const MAX_FORM_FIELDS = 1_000;
/** Lines in one block: blocks out of sight cost no layout (content-visibility). */
const LINES_PER_BLOCK = 50;
/** A line of a block at most this long, so that a body without line ends is laid out in parts, too. */
const MAX_LINE = 4_096;

/** Raw instead of laid out; kept while moving from call to call. */
let raw = false;

export function bodyTab(
  exchange: ExchangeJson,
  part: 'request' | 'response',
  actions: TabActions,
): readonly Node[] {
  const message = exchange[part];
  if (message === null) {
    if (part === 'request') return [nothing('The request was not seen.')];
    return [nothing(exchange.durationMs === null ? 'No response yet.' : 'No response was seen.')];
  }
  const content = el('div', { class: 'content' });
  const bar = el('div', { class: 'content-bar' });
  const notes: Node[] = [];
  if (message.bodyNote !== null) notes.push(note(message.bodyNote, 'limit'));

  const kind = contentKind(message);
  if (message.body === null || kind === null) {
    return [
      ...(message.bodySize === 0 ? [] : [describe(message)]),
      ...notes,
      nothing(absence(message, part)),
    ];
  }
  const { body } = message;
  const draw = (): void => {
    bar.replaceChildren(describe(message));
    if (kind === 'json' || kind === 'form') {
      const label = raw ? 'Pretty' : 'Raw';
      const toggle = textButton(
        label,
        () => {
          raw = !raw;
          draw();
          bar.querySelector<HTMLElement>('.toggle')?.focus();
        },
        'link toggle',
      );
      bar.append(toggle);
    }
    bar.append(textButton('Open in Editor', () => actions.openBody(exchange.id, part)));
    if ('text' in body) bar.append(copyButton('Copy body', () => actions.copy(body.text)));
    if ('text' in body) content.replaceChildren(...textContent(body.text, raw ? 'text' : kind));
    else content.replaceChildren(...binaryContent(body.base64, kind, message));
  };
  draw();
  return [bar, ...notes, content];
}

function describe(message: MessageJson): HTMLElement {
  const parts = [contentType(message) ?? 'no content type'];
  parts.push(message.bodySize === null ? 'size unknown' : formatBytes(message.bodySize));
  if (message.decodedSize !== null) parts.push(`${formatBytes(message.decodedSize)} decoded`);
  return el('span', { class: 'description' }, visibleLine(parts.join(' · ')));
}

function absence(message: MessageJson, part: 'request' | 'response'): string {
  if (message.bodySize === 0) return `The ${part} has no body.`;
  if (message.bodyCaptured > 0) return 'The captured bytes could not be decoded.';
  return 'The body was not captured.';
}

function textContent(text: string, kind: string): readonly Node[] {
  if (kind === 'form') return [formTable(text)];
  const shown = text.slice(0, MAX_TEXT);
  const parts: Node[] = [];
  const lines = kind === 'json' ? jsonLines(shown) : null;
  if (kind === 'json' && lines === null)
    parts.push(note('This is not valid JSON, so it is shown as it came.', 'info'));
  parts.push(lines === null ? plainBlock(shown) : jsonBlock(lines));
  if (shown.length < text.length) {
    parts.push(
      note(`Only the first ${formatBytes(MAX_TEXT)} are shown. Open in Editor shows more.`, 'limit'),
    );
  }
  return parts;
}

function plainBlock(text: string): HTMLElement {
  const lines: string[] = [];
  for (const line of visibleText(text).split('\n')) {
    for (let at = 0; at === 0 || at < line.length; at += MAX_LINE) {
      lines.push(line.slice(at, at + MAX_LINE));
    }
  }
  return blocks(lines, (part) => [part.join('\n')]);
}

function jsonBlock(lines: readonly JsonLine[]): HTMLElement {
  return blocks(lines, (part) =>
    part.map(({ indent, pieces }) => {
      const line = el('div', { class: 'json-line' });
      // A hanging indent: what wraps stays below its beginning.
      line.style.paddingInlineStart = `${indent * 2 + 2}ch`;
      line.style.textIndent = '-2ch';
      for (const { kind, text } of pieces)
        line.append(el('span', { class: `json-${kind}` }, visibleLine(text)));
      return line;
    }),
  );
}

function blocks<T>(
  lines: readonly T[],
  content: (lines: readonly T[]) => readonly (Node | string)[],
): HTMLElement {
  const pre = el('pre', { class: 'code', tabindex: 0 });
  for (let at = 0; at < lines.length; at += LINES_PER_BLOCK) {
    const part = lines.slice(at, at + LINES_PER_BLOCK);
    const block = el('div', { class: 'block' }, ...content(part));
    block.style.containIntrinsicSize = `auto ${part.length * 18}px`;
    pre.append(block);
  }
  return pre;
}

function formTable(text: string): HTMLElement {
  const fields = formFields(text.slice(0, MAX_TEXT)).slice(0, MAX_FORM_FIELDS);
  const rows = fields.map(([name, value]) =>
    el('tr', {}, el('th', { scope: 'row' }, visibleLine(name)), el('td', {}, visibleLine(value))),
  );
  return el('table', { class: 'fields' }, el('tbody', {}, ...rows));
}

function binaryContent(base64: string, kind: string, message: MessageJson): readonly Node[] {
  const bytes = base64Bytes(base64, MAX_HEX_BYTES);
  const parts: Node[] = [];
  if (kind === 'image')
    parts.push(note('This is an image; it is not drawn here. These are its bytes.', 'info'));
  const pre = blocks(hexLines(bytes), (part) => [part.join('\n')]);
  pre.classList.add('hex');
  parts.push(pre);
  const whole = message.decodedSize ?? message.bodyCaptured;
  if (bytes.length < whole) {
    parts.push(note(`The first ${formatBytes(bytes.length)} of ${formatBytes(whole)} are shown.`, 'limit'));
  }
  return parts;
}
