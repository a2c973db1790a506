/** How many bytes a call took, as the details say it. */
import { afterEach, expect, it } from 'vitest';
import type { MessageJson } from '../../extension/engine/exchangeJson.ts';
import { call, exchangeOf, message, statusOf } from './harness/calls.ts';
import { openPanel, type PanelPage } from './harness/panelPage.ts';

let panel: PanelPage;

afterEach(async () => {
  expect(panel.problems).toEqual([]);
  await panel.close();
});

async function open(request: MessageJson, response: MessageJson | null): Promise<void> {
  panel = await openPanel({ width: 1500 });
  const row = call({ id: 1 });
  await panel.fill([row], statusOf([row]));
  await panel.page.click('#call-1');
  await expect.poll(async () => (await panel.lastSent('details'))?.id).toBe(1);
  await panel.post({ type: 'details', id: 1, exchange: exchangeOf(row, { request, response }) });
}

/** The value behind a name, with its remark; undefined: there is no such name. */
const fact = (name: string): Promise<string | undefined> =>
  panel.page
    .locator('#tabpanel dt', { hasText: new RegExp(`^${name}$`) })
    .evaluateAll((all) =>
      all[0]?.nextElementSibling === null
        ? undefined
        : [...(all[0]?.nextElementSibling?.children ?? [])].map((one) => one.textContent).join(' | ') ||
          undefined,
    );

const headers: MessageJson['headers'] = [['Host', 'a']];

it('the head, the body as sent and decoded, and all of it with its framing', async () => {
  await open(
    message({ headers, headersSize: 120, wireSize: 151, bodySize: 31, bodyCaptured: 31 }),
    message({
      headers,
      headersSize: 90,
      wireSize: 1_134,
      bodySize: 1_000,
      bodyCaptured: 500,
      decodedSize: 4_000,
    }),
  );
  expect(await fact('Request headers')).toBe('120 B');
  expect(await fact('Request body')).toBe('31 B');
  expect(await fact('Response headers')).toBe('90 B');
  expect(await fact('Response body')).toBe('1000 B | 3.9 KiB decoded, 500 B captured');
  expect(await fact('Transferred')).toBe('1.3 KiB | 151 B request, 1.1 KiB response');
  await panel.page.click('#tab-headers');
  const titles = await panel.page.locator('#tabpanel .heading').allInnerTexts();
  expect(titles.map((title) => title.replaceAll('\n', ' '))).toEqual([
    'Request headers 1 field · 120 B as sent',
    'Response headers 1 field · 90 B as sent',
  ]);
});

it('what is not known is not said, and nothing is made up of it', async () => {
  await open(message({ headers, headersSize: 120, wireSize: null, bodySize: null }), message({ headers }));
  expect(await fact('Request headers')).toBe('120 B');
  expect(await fact('Response headers')).toBe('—');
  expect(await fact('Transferred')).toBeUndefined();
  await panel.page.click('#tab-headers');
  const titles = await panel.page.locator('#tabpanel .heading').allInnerTexts();
  expect(titles[1]?.replaceAll('\n', ' ')).toBe('Response headers 1 field');
});
