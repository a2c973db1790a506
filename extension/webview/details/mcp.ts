/** The tab of a call to an MCP server: each request with its arguments and its result. */

import type { McpCall, McpJson } from '../../engine/ai/aiJson.ts';
import { textKind } from '../../words/contentKind.ts';
import { localized } from '../../words/localized.ts';
import { t } from '../../words/translate.ts';
import { shorten, visibleLine } from '../../words/visible.ts';
import { el } from '../dom.ts';
import { textContent } from './body.ts';
import { type Fact, facts, heading, note, nothing } from './elements.ts';

/** Characters of arguments or of a result that are laid out. */
const MAX_TEXT = 64 * 1024;

export function mcpTab({ protocolVersion, calls, received, note: remark }: McpJson): readonly Node[] {
  const parts: Node[] = [];
  if (remark !== null) parts.push(note(visibleLine(localized(remark)), 'limit'));
  if (protocolVersion !== null)
    parts.push(facts([{ name: t('MCP version'), value: protocolVersion, code: true }]));
  for (const call of calls) parts.push(...callNodes(call));
  if (received.length > 0) parts.push(heading(t('From the server')));
  for (const call of received) parts.push(...callNodes(call));
  if (calls.length === 0 && received.length === 0)
    parts.push(nothing(t('No message of the protocol was seen yet.')));
  return parts;
}

function callNodes(call: McpCall): Node[] {
  const title = [call.method, call.name].filter((word) => word !== null).join(' ');
  const parts: Node[] = [heading(visibleLine(shorten(title, 300)))];
  if (call.error !== null) {
    const { code, message } = call.error;
    const text = [code === null ? '' : String(code), message ?? ''].filter((word) => word !== '').join(': ');
    parts.push(note(visibleLine(shorten(t('Error {0}', text), 2_000)), 'fault'));
  }
  if (call.isError === true) parts.push(note(t('The tool reported a failure.'), 'fault'));
  const list: Fact[] = call.id === null ? [] : [{ name: t('Id'), value: call.id, code: true }];
  if (list.length > 0) parts.push(facts(list));
  parts.push(...textNodes(call.name === null ? t('Parameters') : t('Arguments'), call.arguments));
  parts.push(...textNodes(t('Result'), call.result));
  return parts;
}

function textNodes(title: string, text: string | null): Node[] {
  if (text === null) return [];
  const kind = textKind('', text);
  return [el('div', { class: 'part' }, el('h4', {}, title), ...textContent(text, kind, MAX_TEXT))];
}
