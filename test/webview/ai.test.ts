/** The tab of calls to language models and MCP servers, with pictures in test-output/webview. */
import { describe, expect, it } from 'vitest';
import type { AiJson, McpJson } from '../../extension/engine/ai/aiJson.ts';
import { variants } from '../kit/tier.mjs';
import { call, exchangeOf, statusOf } from './harness/calls.ts';
import { openPanel, type ThemeName } from './harness/panelPage.ts';

const text = (value: string) => ({ type: 'text', text: value, name: null, id: null }) as const;

const AI: AiJson = {
  api: 'openai-chat-completions',
  model: 'gpt-4o-mini-2024-07-18',
  requestedModel: 'gpt-4o-mini',
  streaming: true,
  prompt: [
    { role: 'system', parts: [text('You are the assistant of a lamp shop. Answer in one sentence.')] },
    {
      role: 'user',
      parts: [
        text('Is the lamp in the picture in stock?\n<img src=x onerror=alert(1)>\u202e'),
        { type: 'other', text: null, name: 'image_url', id: null },
      ],
    },
    {
      role: 'assistant',
      parts: [
        {
          type: 'tool-call',
          text: '{"sku":"lamp-7","warehouses":["Ulm","Kiel"]}',
          name: 'stock',
          id: 'call_1',
        },
      ],
    },
    { role: 'tool', parts: [{ type: 'tool-result', text: '{"Ulm":3,"Kiel":0}', name: null, id: 'call_1' }] },
  ],
  tools: ['stock', 'order'],
  completion: [
    {
      role: 'assistant',
      parts: [
        { type: 'reasoning', text: 'The picture shows lamp-7.', name: null, id: null },
        text('Yes, three of them are in Ulm.'),
        { type: 'tool-call', text: '{"sku":"lamp-7","count":1}', name: 'order', id: 'call_2' },
      ],
    },
  ],
  finishReason: 'tool_calls',
  usage: { inputTokens: 1_312, outputTokens: 48, cachedTokens: 1_024, reasoningTokens: 12 },
  firstTokenMs: 182.4,
  error: null,
  note: null,
};

const MCP: McpJson = {
  protocolVersion: '2025-06-18',
  calls: [
    {
      id: '3',
      method: 'tools/call',
      name: 'stock',
      arguments: '{"sku":"lamp-7"}',
      result: 'no such warehouse',
      isError: true,
      error: null,
    },
  ],
  received: [
    {
      id: null,
      method: 'notifications/progress',
      name: null,
      arguments: '{"progress":1}',
      result: null,
      isError: null,
      error: null,
    },
  ],
  note: null,
};

const rows = [
  call({
    id: 1,
    method: 'POST',
    path: '/v1/chat/completions',
    operation: 'gpt-4o-mini-2024-07-18, calls order, 1312 → 48 tokens',
    model: 'gpt-4o-mini-2024-07-18',
    duration: 942,
  }),
  call({ id: 2, method: 'POST', path: '/mcp', operation: 'tools/call stock' }),
  call({ id: 3, path: '/orders' }),
];

describe('the tab AI', () => {
  for (const [number, theme] of (['dark', 'light', 'high-contrast'] satisfies ThemeName[]).entries()) {
    for (const [width, height] of variants(
      [
        [1_500, 620],
        [400, 700],
      ] as const,
      number,
    )) {
      it(`${theme} ${width}×${height}`, async () => {
        const panel = await openPanel({ theme, width, height });
        const { page } = panel;
        await panel.fill(rows, statusOf(rows));
        await panel.post({ type: 'reveal', id: 1 });
        await panel.post({ type: 'details', id: 1, exchange: exchangeOf(rows[0] ?? call({}), { ai: AI }) });
        await page.click('#tab-ai');
        await panel.settled();
        const shown = (await page.textContent('#tabpanel')) ?? '';
        for (const part of [
          'gpt-4o-mini-2024-07-18',
          'asked for gpt-4o-mini',
          'OpenAI chat completions',
          'streamed',
        ]) {
          expect(shown).toContain(part);
        }
        expect(shown).toContain('1,312 in, 48 out');
        expect(shown).toContain('then 63 tokens/s');
        expect(shown).toContain('Yes, three of them are in Ulm.');
        // Hostile text is text.
        expect(shown).toContain('<img src=x onerror=alert(1)>\\u202e');
        expect(shown.indexOf('Answer')).toBeLessThan(shown.indexOf('Prompt'));
        await panel.screenshot(`${theme}-${width}-ai`);

        await panel.post({ type: 'reveal', id: 2 });
        await panel.post({ type: 'details', id: 2, exchange: exchangeOf(rows[1] ?? call({}), { mcp: MCP }) });
        await panel.settled();
        expect(await page.textContent('#tab-ai')).toBe('MCP');
        expect(await page.textContent('#tabpanel')).toContain('The tool reported a failure.');
        await panel.screenshot(`${theme}-${width}-mcp`);

        // The tab is kept for the next call that has one, and away from others.
        await panel.post({ type: 'reveal', id: 3 });
        await panel.post({ type: 'details', id: 3, exchange: exchangeOf(rows[2] ?? call({})) });
        await panel.settled();
        expect(await page.isVisible('#tab-ai')).toBe(false);
        expect(await page.getAttribute('#tab-summary', 'aria-selected')).toBe('true');
        expect(panel.problems).toEqual([]);
        await panel.close();
      });
    }
  }

  it('copies the answer, and says what is missing', async () => {
    const panel = await openPanel({});
    const { page } = panel;
    await panel.fill(rows, statusOf(rows));
    await panel.post({ type: 'reveal', id: 1 });
    const row = rows[0] ?? call({});
    await panel.post({ type: 'details', id: 1, exchange: exchangeOf(row, { ai: AI }) });
    await page.click('#tab-ai');
    await page.click('[aria-label="Copy Answer"]');
    expect(await panel.lastSent('copy')).toMatchObject({ text: 'Yes, three of them are in Ulm.' });
    const failed: AiJson = {
      ...AI,
      completion: [],
      error: 'requests: Rate limit reached',
      note: 'The prompt is incomplete.',
    };
    await panel.post({ type: 'details', id: 1, exchange: exchangeOf(row, { ai: failed }) });
    await panel.settled();
    const shown = (await page.textContent('#tabpanel')) ?? '';
    for (const part of ['requests: Rate limit reached', 'The prompt is incomplete.', 'There is none'])
      expect(shown).toContain(part);
    await page.fill('.filter input', 'model:gpt-*');
    await expect.poll(() => page.locator('.row:visible').count()).toBe(1);
    expect(await page.isVisible('#call-1')).toBe(true);
    expect(panel.problems).toEqual([]);
    await panel.close();
  });
});
