/** The tab of a call to a language model: its facts, its answer as one text, and the prompt. */

import type { AiApi, AiJson, AiMessage, AiPart } from '../../engine/ai/aiJson.ts';
import type { ExchangeJson } from '../../engine/exchangeJson.ts';
import { copiedText } from '../../escape/copied.ts';
import { textKind } from '../../words/contentKind.ts';
import { localized } from '../../words/localized.ts';
import { durationText, numberText } from '../../words/numbers.ts';
import { t } from '../../words/translate.ts';
import { shorten, visibleLine } from '../../words/visible.ts';
import { el } from '../dom.ts';
import { textContent } from './body.ts';
import { copyButton, type Fact, facts, heading, note, nothing } from './elements.ts';
import { mcpTab } from './mcp.ts';
import type { TabActions } from './tabActions.ts';

/** Characters of one part that are laid out; the tab Request has all of them. */
const MAX_PART_TEXT = 64 * 1024;
/** Messages of a prompt that are laid out, the last ones. */
const MAX_MESSAGES = 100;

const API_NAMES: Readonly<Record<AiApi, string>> = {
  'openai-chat-completions': 'OpenAI chat completions',
  'openai-responses': 'OpenAI responses',
  'openai-embeddings': 'OpenAI embeddings',
  'anthropic-messages': 'Anthropic messages',
  'gemini-generate-content': 'Gemini generateContent',
};

/** Labels of part types; plain text needs none. */
const PART_NAMES: Readonly<Record<AiPart['type'], string>> = {
  text: '',
  reasoning: t('Reasoning'),
  refusal: t('Refusal'),
  'tool-call': t('Calls'),
  'tool-result': t('Result of'),
  other: t('Not text:'),
};

/** For a language model or MCP server. */
export function aiTab(exchange: ExchangeJson, actions: TabActions): readonly Node[] {
  const { ai, mcp } = exchange;
  if (ai !== null) return modelTab(exchange, ai, actions);
  return mcp === null ? [] : mcpTab(mcp);
}

/** null: this call has no such tab. */
export function aiTabLabel({ ai, mcp }: ExchangeJson): string | null {
  if (ai !== null) return 'AI';
  return mcp === null ? null : 'MCP';
}

function modelTab(exchange: ExchangeJson, ai: AiJson, { copy }: TabActions): readonly Node[] {
  const parts: Node[] = [];
  if (ai.error !== null) parts.push(note(visibleLine(ai.error), 'fault'));
  if (ai.note !== null) parts.push(note(visibleLine(localized(ai.note)), 'limit'));
  parts.push(facts(factsOf(exchange, ai)));
  const answer = ai.completion.flatMap((message) => message.parts);
  const embeds = ai.api === 'openai-embeddings';
  if (!embeds) {
    const texts = answer.flatMap(({ type, text }) => (type === 'text' && text !== null ? [text] : []));
    const button = copyButton(t('Copy Answer'), () => copy(copiedText(texts.join('\n'))));
    parts.push(heading(t('Answer'), ...(texts.length === 0 ? [] : [button])));
    if (answer.length === 0) parts.push(nothing(whyEmpty(exchange)));
    const several = ai.completion.length > 1;
    for (const [at, message] of ai.completion.entries())
      parts.push(...messageNodes(message, several ? t('Choice {0}', at + 1) : null));
  }
  parts.push(heading(embeds ? t('Input') : t('Prompt')));
  const left = ai.prompt.length - MAX_MESSAGES;
  if (left > 0)
    parts.push(note(t('{0} earlier messages are in the tab Request.', numberText(left)), 'limit'));
  if (ai.prompt.length === 0) parts.push(nothing(t('None of it was captured.')));
  for (const message of ai.prompt.slice(-MAX_MESSAGES))
    parts.push(...messageNodes(message, message.role ?? null));
  return parts;
}

function whyEmpty({ response, ending }: ExchangeJson): string {
  if (ending === null) return response === null ? t('No answer yet.') : t('None of it has arrived yet.');
  return t('There is none, or none of it was captured.');
}

function factsOf(exchange: ExchangeJson, ai: AiJson): Fact[] {
  const { model, requestedModel, usage, firstTokenMs, finishReason, tools } = ai;
  const asked =
    requestedModel === null || requestedModel === model ? null : t('asked for {0}', requestedModel);
  const list: Fact[] = [
    { name: t('Model'), value: model, remark: asked === null ? null : visibleLine(asked), code: true },
    { name: 'API', value: API_NAMES[ai.api], remark: ai.streaming === true ? t('streamed') : null },
  ];
  const { inputTokens, outputTokens, cachedTokens, reasoningTokens } = usage;
  const counted: string[] = [];
  if (cachedTokens !== null && cachedTokens > 0)
    counted.push(t('{0} from the cache', numberText(cachedTokens)));
  if (reasoningTokens !== null && reasoningTokens > 0)
    counted.push(t('{0} for reasoning', numberText(reasoningTokens)));
  const input = inputTokens === null ? null : t('{0} in', numberText(inputTokens));
  const output = outputTokens === null ? null : t('{0} out', numberText(outputTokens));
  const tokens = [input, output].filter((text) => text !== null).join(', ');
  list.push({ name: t('Tokens'), value: tokens === '' ? null : tokens, remark: counted.join(', ') || null });
  if (firstTokenMs !== null) {
    list.push({ name: t('First token'), value: durationText(firstTokenMs), remark: rateText(exchange, ai) });
  }
  if (finishReason !== null) list.push({ name: t('Finished by'), value: finishReason, code: true });
  if (tools.length > 0) list.push({ name: t('Tools offered'), value: tools.join(', '), code: true });
  return list;
}

/** Output tokens a second, from the first one on; null: not known. */
function rateText({ durationMs }: ExchangeJson, { firstTokenMs, usage }: AiJson): string | null {
  if (durationMs === null || firstTokenMs === null || usage.outputTokens === null) return null;
  const seconds = (durationMs - firstTokenMs) / 1_000;
  return seconds <= 0.001
    ? null
    : t('then {0} tokens/s', numberText(Math.round(usage.outputTokens / seconds)));
}

function messageNodes(message: AiMessage, title: string | null): Node[] {
  const nodes = message.parts.map((part) => partNode(part, title));
  return nodes.length > 0 || title === null
    ? nodes
    : [el('div', { class: 'part' }, partTitle(title, t('empty')))];
}

function partNode({ type, text, name, id }: AiPart, title: string | null): HTMLElement {
  const element = el('div', { class: 'part' });
  const what = [PART_NAMES[type], name ?? (type === 'tool-result' ? id : null)]
    .filter((word) => word)
    .join(' ');
  if (title !== null || what !== '') element.append(partTitle(title, what));
  if (text === null || text === '') return element;
  element.append(...textContent(text, textKind('', text), MAX_PART_TEXT));
  return element;
}

function partTitle(title: string | null, remark: string): HTMLElement {
  const line = (text: string): string => visibleLine(shorten(text, 200));
  const element = el('h4', {});
  if (title !== null) element.append(el('span', {}, line(title)));
  if (remark !== '') element.append(el('span', { class: 'remark' }, line(remark)));
  return element;
}
