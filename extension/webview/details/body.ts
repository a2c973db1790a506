/** The tabs Request and Response: the content of a body, as readable as its type allows. */

import type { ExchangeJson, MessageJson } from '../../engine/exchangeJson.ts';
import { parseContentType } from '../../http/mediaType.ts';
import { type Part, partText, readParts } from '../../http/multipart.ts';
import { bytesKind, type ContentKind, textKind } from '../../words/contentKind.ts';
import { laidOut } from '../../words/laidOut.ts';
import { sizeText } from '../../words/numbers.ts';
import { t } from '../../words/translate.ts';
import { shorten, visibleLine, visibleText } from '../../words/visible.ts';
import { el, textButton } from '../dom.ts';
import { base64Bytes, contentKind, contentType, formFields, hexLines } from './content.ts';
import { copyButton, note, nothing } from './elements.ts';
import { FoldedLines } from './foldedLines.ts';
import { imageInfo, MAX_PIXELS } from './image.ts';
import type { TabActions } from './tabActions.ts';

/** Characters laid out; the editor can handle more. */
export const MAX_TEXT = 256 * 1024;
export const MAX_HEX_BYTES = 64 * 1024;
const MAX_FORM_FIELDS = 1_000;
const MAX_PARTS = 100;
/** Per multipart part. */
const MAX_PART_TEXT = 16 * 1024;
const MAX_PART_HEX_BYTES = 1024;
/** Bytes of an image that is drawn. */
const MAX_IMAGE_BYTES = 8 * 1024 * 1024;
/** Lines in one block: blocks out of sight cost no layout (content-visibility). */
const LINES_PER_BLOCK = 50;
/** Longest line of a block, so that a body without line breaks is laid out in parts, too. */
const MAX_LINE = 4_096;

const FROM_FILE = t(
  'Read from the file that the program sent (sendfile): its bytes were never in the memory of the program.',
);

/** Raw instead of laid out; kept while moving from call to call. */
let raw = false;

export function bodyTab(
  exchange: ExchangeJson,
  part: 'request' | 'response',
  actions: TabActions,
): readonly Node[] {
  const message = exchange[part];
  if (message === null) {
    if (part === 'request') return [nothing(t('The request was not seen.'))];
    return [nothing(exchange.durationMs === null ? t('No response yet.') : t('No response was seen.'))];
  }
  const content = el('div', { class: 'content' });
  const bar = el('div', { class: 'content-bar' });
  const notes: Node[] = [];
  const kind = contentKind(message);
  if (message.bodyNote !== null) {
    const sentence = note(message.bodyNote, 'limit');
    const size = message.bodySize ?? 0;
    if (message.bodyCaptured < size) {
      if (kind === 'image') sentence.append(` ${toSeeImage(size)}`);
      sentence.append(
        ' ',
        textButton(t('Change the limit…'), () => actions.openBodyLimit(), 'link'),
      );
    }
    notes.push(sentence);
  }
  if (message.bodyFromFile) notes.push(note(FROM_FILE, 'info'));

  if (message.body === null || kind === null) {
    return [
      ...(message.bodySize === 0 ? [] : [describe(message)]),
      ...notes,
      nothing(absence(message, part)),
    ];
  }
  const { body } = message;
  const draw = (): void => {
    // In a narrow panel they wrap to the next line together.
    const buttons = el('div', { class: 'content-actions' });
    bar.replaceChildren(describe(message), buttons);
    if (kind !== 'text' && kind !== 'binary') {
      const label = raw ? t('Pretty') : t('Raw');
      const toggle = textButton(
        label,
        () => {
          raw = !raw;
          draw();
          bar.querySelector<HTMLElement>('.toggle')?.focus();
        },
        'link toggle',
      );
      buttons.append(toggle);
    }
    const editor = textButton(t('Open in Editor'), () => actions.openBody(exchange.id, part));
    buttons.append(editor);
    if ('text' in body) buttons.append(copyButton(t('Copy body'), () => actions.copy(body.text)));
    const whole = message.bodyNote === null;
    if (kind === 'multipart' && !raw) content.replaceChildren(...multipartContent(message));
    else if ('text' in body)
      content.replaceChildren(
        ...textContent(body.text, raw ? 'text' : kind, MAX_TEXT, (button) => editor.before(button)),
      );
    else content.replaceChildren(...bytesContent(body.base64, raw ? 'binary' : kind, whole, MAX_HEX_BYTES));
  };
  draw();
  return [bar, ...notes, content];
}

/** @param size bytes */
function toSeeImage(size: number): string {
  return t('To see the image, set httpTrace.bodyLimit to {0} or more, and trace again.', size);
}

function describe(message: MessageJson): HTMLElement {
  const sizes = [message.bodySize === null ? t('size unknown') : sizeText(message.bodySize)];
  if (message.decodedSize !== null) sizes.push(t('{0} decoded', sizeText(message.decodedSize)));
  // A number is never separated from its unit in a narrow panel.
  return el(
    'span',
    { class: 'description' },
    visibleLine(contentType(message) ?? t('no content type')),
    ...sizes.flatMap((size) => [' · ', el('span', { class: 'whole' }, size)]),
  );
}

function absence(message: MessageJson, part: 'request' | 'response'): string {
  if (message.bodySize === 0)
    return part === 'request' ? t('The request has no body.') : t('The response has no body.');
  if (message.bodyCaptured > 0) return t('The captured bytes could not be decoded.');
  return t('The body was not captured.');
}

/** @param offer receives the content's button, if it has one. */
export function textContent(
  text: string,
  kind: ContentKind,
  limit = MAX_TEXT,
  offer: (button: HTMLButtonElement) => void = () => {},
): readonly Node[] {
  if (kind === 'form') return [formTable(text)];
  const shown = text.slice(0, limit);
  const parts: Node[] = [];
  const lines = laidOut(kind, shown);
  if (lines === null && (kind === 'json' || kind === 'xml'))
    parts.push(note(t('This is not valid {0}; shown as received.', kind.toUpperCase()), 'info'));
  if (lines === null) parts.push(plainBlock(shown));
  else {
    const folded = new FoldedLines(lines);
    if (folded.all !== null) offer(folded.all);
    parts.push(folded.element);
  }
  if (shown.length < text.length) {
    parts.push(note(t('Only the first {0} are shown. Open in Editor shows more.', sizeText(limit)), 'limit'));
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
  return blocks(lines);
}

function blocks(lines: readonly string[]): HTMLElement {
  const pre = el('pre', { class: 'code', tabindex: 0 });
  for (let at = 0; at < lines.length; at += LINES_PER_BLOCK) {
    const part = lines.slice(at, at + LINES_PER_BLOCK);
    const block = el('div', { class: 'block' }, part.join('\n'));
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

/** Each part with its head, and its content shown by its type. */
function multipartContent(message: MessageJson): readonly Node[] {
  const { body } = message;
  if (body === null) return [];
  const isText = 'text' in body;
  const text = isText ? body.text : latin1(base64Bytes(body.base64, MAX_TEXT));
  const parts = readParts(
    text.slice(0, MAX_TEXT),
    parseContentType(contentType(message) ?? '').boundary,
    MAX_PARTS + 1,
  );
  if (parts.length === 0) {
    const sorry = note(t('No parts were found; shown as received.'), 'info');
    if (isText) return [sorry, plainBlock(text.slice(0, MAX_TEXT))];
    return [sorry, ...bytesContent(body.base64, 'binary', message.bodyNote === null, MAX_HEX_BYTES)];
  }
  const nodes: Node[] = parts.slice(0, MAX_PARTS).map((part) => partSection(text, part, isText));
  if (parts.length > MAX_PARTS)
    nodes.push(note(t('Only the first {0} parts are shown. Open in Editor shows all.', MAX_PARTS), 'limit'));
  return nodes;
}

function partSection(text: string, part: Part, isText: boolean): HTMLElement {
  const raw = text.slice(part.from, part.to);
  const size = isText ? new TextEncoder().encode(raw).length : raw.length;
  const facts = [part.type, part.whole ? sizeText(size) : t('more than {0}', sizeText(size))];
  const type = parseContentType(part.type ?? '').essence;
  const title = el('h4', {}, visibleLine(shorten(part.name ?? t('(no name)'), MAX_PART_NAME)));
  if (part.filename !== null)
    title.append(el('span', { class: 'filename' }, visibleLine(shorten(part.filename, MAX_PART_NAME))));
  title.append(
    el('span', { class: 'remark' }, visibleLine(facts.filter((fact) => fact !== null).join(' · '))),
  );
  const section = el('section', { class: 'part' }, title);
  if (raw === '') return section;
  const decoded = isText ? raw : partText(text, part);
  const readable = isText || (!/[\0-\x08\x0e-\x1f\x7f-\x9f]/.test(decoded) && decoded !== '');
  const kind = readable ? textKind(type, decoded) : bytesKind(type);
  if (readable) section.append(...textContent(decoded, kind === 'multipart' ? 'text' : kind, MAX_PART_TEXT));
  else section.append(...bytesContent(btoa(raw), kind, part.whole, MAX_PART_HEX_BYTES));
  return section;
}

/** Characters of a part's name that are shown. */
const MAX_PART_NAME = 200;

function latin1(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8_192)
    text += String.fromCharCode(...bytes.subarray(at, at + 8_192));
  return text;
}

/** An image where it can be drawn, else bytes. */
export function bytesContent(
  base64: string,
  kind: ContentKind,
  whole: boolean,
  limit: number,
): readonly Node[] {
  const parts: Node[] = [];
  if (kind === 'image') {
    const image = whole ? drawnImage(base64) : null;
    if (image !== null) return [image];
    const why = whole
      ? t('This image cannot be displayed here. Its bytes:')
      : t('This image is incomplete and cannot be displayed. Its bytes:');
    parts.push(note(why, 'info'));
  }
  const bytes = base64Bytes(base64, limit);
  const pre = blocks(hexLines(bytes));
  pre.classList.add('hex');
  parts.push(pre);
  const all = Math.floor((base64.replace(/=+$/, '').length * 3) / 4);
  if (bytes.length < all)
    parts.push(
      note(t('Only the first {0} of {1} are shown.', sizeText(bytes.length), sizeText(all)), 'limit'),
    );
  return parts;
}

/** @returns null for a format whose size is not at its beginning, and for an image that is too large. */
function drawnImage(base64: string): HTMLElement | null {
  if (base64.length > (MAX_IMAGE_BYTES / 3) * 4) return null;
  const info = imageInfo(base64Bytes(base64, MAX_HEX_BYTES));
  if (info === null || info.width * info.height > MAX_PIXELS) return null;
  const size = `${info.width} × ${info.height}`;
  const image = el('img', {
    src: `data:${info.type};base64,${base64}`,
    alt: t('The image, {0} pixels', size),
    width: info.width,
    height: info.height,
  });
  const figure = el('figure', {}, image, el('figcaption', { class: 'remark' }, t('{0} pixels', size)));
  image.addEventListener('error', () => {
    figure.replaceChildren(
      note(t('This image is damaged and cannot be displayed. Raw shows its bytes.'), 'info'),
    );
  });
  return figure;
}
