/** The details in a panel at the side, 380 pixels wide; the list in one that is too low for it. */
import { afterEach, expect, it } from 'vitest';
import { call, exchangeOf, message, statusOf, streamMessage } from './harness/calls.ts';
import { openPanel, type PanelPage } from './harness/panelPage.ts';

let panel: PanelPage;

afterEach(async () => {
  expect(panel.problems).toEqual([]);
  await panel.close();
});

const row = call({ id: 1, messageFormat: 'websocket', messages: 2, requestSize: 3, path: '/?a=1' });

async function open(change: Parameters<typeof exchangeOf>[1], tab: string): Promise<void> {
  panel = await openPanel({ width: 380, height: 700 });
  await panel.fill([row], statusOf([row]));
  await panel.post({ type: 'reveal', id: 1 });
  await panel.post({ type: 'details', id: 1, exchange: exchangeOf(row, change) });
  await panel.settled();
  // It may be in the menu of those that have no room.
  await panel.page.locator(`#tab-${tab}`).evaluate((element) => (element as HTMLElement).click());
}

const box = async (selector: string) =>
  (await panel.page.locator(selector).first().boundingBox()) ?? expect.fail(`${selector} is not drawn`);

it('messages have their time, and room for what they say', async () => {
  await open(
    {
      messageStream: { format: 'websocket', out: 1, in: 1, note: null, omitted: null },
      messages: [
        streamMessage({ number: 1, direction: 'out', text: '{"subscribe":"orders"}' }),
        streamMessage({ number: 2, atMs: 120.5, text: '{"kind":"tick"}' }),
      ],
    },
    'messages',
  );
  expect(await panel.page.locator('.message .m-time').allInnerTexts()).toEqual(['1.0 ms', '121 ms']);
  expect((await box('.message .m-time')).width).toBeGreaterThan(40);
  expect(await panel.page.locator('.message .m-size').first().isVisible()).toBe(false);
  const content = panel.page.locator('.message > span:last-child').first();
  expect((await content.boundingBox())?.width).toBeGreaterThan(140);
});

it('what can be done with a body stands in one line, below what it is', async () => {
  const text = '<!doctype html><p>hello</p>';
  await open(
    {
      response: message({
        headers: [['Content-Type', 'text/html; charset=utf-8']],
        bodySize: text.length,
        bodyCaptured: text.length,
        body: { text },
      }),
    },
    'response',
  );
  const tops = await panel.page
    .locator('.content-actions button')
    .evaluateAll((all) => all.map((button) => Math.round(button.getBoundingClientRect().top)));
  expect(tops.length).toBeGreaterThan(2);
  expect(Math.max(...tops) - Math.min(...tops)).toBeLessThan(6);
  const description = await box('.description');
  expect(description.height).toBeLessThan(24);
  expect(Math.min(...tops)).toBeGreaterThanOrEqual(Math.floor(description.y + description.height) - 4);
});

it('the body of a request stands apart from its parameters', async () => {
  await open({}, 'request');
  const parameters = await box('#tabpanel .fields');
  const bar = await box('#tabpanel .content-bar');
  expect(bar.y - (parameters.y + parameters.height)).toBeGreaterThanOrEqual(8);
});

it('rows below a toolbar that takes all of the panel are reached by scrolling, and by keys', async () => {
  const rows = Array.from({ length: 50 }, (_, at) => call({ id: at + 1, path: `/call-${at + 1}` }));
  panel = await openPanel({ width: 460, height: 100 });
  await panel.fill(rows, statusOf(rows));
  const { width, height } = panel.page.viewportSize() ?? expect.fail('a viewport');
  await panel.page.mouse.move(width / 2, height / 2);
  // The page first, then the list in it.
  await panel.page.mouse.wheel(0, 300);
  const drawn = () =>
    panel.page.locator('.rows [role="row"]').evaluateAll(
      (all, limit) =>
        all.filter((row) => {
          const { top, bottom } = row.getBoundingClientRect();
          return top >= 0 && bottom <= limit;
        }).length,
      height,
    );
  await expect.poll(drawn).toBeGreaterThanOrEqual(2);
  await panel.page.focus('.grid');
  await panel.page.keyboard.press('End');
  await panel.page.locator('.rows', { hasText: '/call-50' }).waitFor();
  await expect.poll(drawn).toBeGreaterThanOrEqual(2);
});

it('what was not captured is always shown, in the colour of a warning', async () => {
  for (const width of [1_400, 380]) {
    panel = await openPanel({ width, height: 700 });
    await panel.fill([row], { ...statusOf([row]), bytesLost: 5_000 });
    await panel.settled();
    const lost = panel.page.locator('.count-lost');
    expect(await lost.textContent()).toBe('4.9 KiB not captured');
    const calls = panel.page.locator('.count-calls');
    const colour = (locator: typeof lost) => locator.evaluate((element) => getComputedStyle(element).color);
    expect(await colour(lost)).not.toBe(await colour(calls));
    await box('.count-lost');
    if (width > 380) await panel.close();
  }
});
