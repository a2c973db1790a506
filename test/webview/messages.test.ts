/** The tab Messages by mouse and keyboard: live, long, hostile. */
import { afterEach, describe, expect, it } from 'vitest';
import type {
  ExchangeJson,
  MessageStreamJson,
  StreamMessageJson,
} from '../../extension/engine/exchangeJson.ts';
import { MASK } from '../../extension/privacy/secrets.ts';
import { variants } from '../kit/tier.mjs';
import { call, exchangeOf, message, statusOf, streamMessage } from './harness/calls.ts';
import { openPanel, type PanelPage, type ThemeName } from './harness/panelPage.ts';

let panel: PanelPage;

afterEach(async () => {
  expect(panel.problems).toEqual([]);
  await panel.close();
});

const ROW = call({
  id: 7,
  method: 'GET',
  status: 101,
  path: '/live',
  type: 'websocket',
  state: 'running',
  duration: null,
  messageFormat: 'websocket',
  messages: 3,
});

function exchange(
  messages: readonly StreamMessageJson[],
  stream: Partial<MessageStreamJson> = {},
): ExchangeJson {
  const out = messages.filter(({ direction }) => direction === 'out').length;
  const messageStream: MessageStreamJson = {
    format: 'websocket',
    out,
    in: messages.length - out,
    note: null,
    omitted: null,
    ...stream,
  };
  return exchangeOf(ROW, {
    durationMs: null,
    messages,
    messageStream,
    response: message({ body: null, bodySize: 0 }),
  });
}

async function open(
  messages: readonly StreamMessageJson[],
  stream: Partial<MessageStreamJson> = {},
  theme?: ThemeName,
) {
  panel = await openPanel({ height: 600, ...(theme === undefined ? {} : { theme }) });
  await panel.fill([ROW], statusOf([ROW]));
  await panel.post({ type: 'reveal', id: 7 });
  await update(messages, stream);
  await panel.page.click('#tab-messages');
  await panel.settled();
}

const update = (
  messages: readonly StreamMessageJson[],
  stream: Partial<MessageStreamJson> = {},
): Promise<void> => panel.post({ type: 'details', id: 7, exchange: exchange(messages, stream) });

const many = (count: number, from = 1): StreamMessageJson[] =>
  Array.from({ length: count }, (_, i) =>
    streamMessage({
      number: from + i,
      direction: i % 4 === 0 ? 'out' : 'in',
      text: `tick ${from + i}`,
      atMs: from + i,
    }),
  );

/** Numbers of the messages in view, top down. */
async function shown(): Promise<number[]> {
  return panel.page.evaluate(() => {
    const box = document.querySelector('.message-list')?.getBoundingClientRect();
    return [...document.querySelectorAll<HTMLElement>('.message:not([hidden])')]
      .map((line) => ({
        text: line.querySelector('.m-number')?.textContent ?? '',
        box: line.getBoundingClientRect(),
      }))
      .filter((line) => box !== undefined && line.box.top >= box.top - 1 && line.box.bottom <= box.bottom + 1)
      .sort((a, b) => a.box.top - b.box.top)
      .map(({ text }) => Number(text));
  });
}

// biome-ignore lint/performance/useDomNodeTextContent: it is what a person sees that counts.
const text = (selector: string): Promise<string> => panel.page.locator(selector).innerText();

describe('messages', () => {
  it('are lines with direction, time, kind, size and content', async () => {
    await open([
      streamMessage({ number: 1, direction: 'out', text: 'hello\n\x1b[31m', atMs: 1.2 }),
      streamMessage({ number: 2, kind: 'binary', base64: '/+8=', size: 2 }),
      streamMessage({ number: 3, kind: 'close', fields: [['code', '1001']], text: '', size: 0 }),
      streamMessage({ number: 4, kind: 'event', fields: [['event', 'price']], text: '{}', size: 2 }),
    ]);
    expect(await text('#tab-messages')).toBe('Messages 4');
    expect(await text('.message-summary')).toBe('WebSocket · 4 messages (1 sent, 3 received)');
    expect(await text('#call-7')).toContain('3 messages');
    const lines = await panel.page.$$eval('.message:not([hidden])', (elements) =>
      elements.map((line) => [...line.children].map((cell) => cell.textContent)),
    );
    expect(lines).toEqual([
      ['1', '↑', '1.2 ms', 'text', '11 B', 'hello\\x0a\\x1b[31m'],
      ['2', '↓', '1.0 ms', 'binary', '2 B', 'ff ef'],
      ['3', '↓', '1.0 ms', 'close 1001', '0 B', ''],
      ['4', '↓', '1.0 ms', 'price', '2 B', '{}'],
    ]);
    expect(await panel.page.getAttribute('.message .m-direction', 'aria-label')).toBe('sent');
  });

  it('of gRPC are shown by name, or by number, as the text that they are', async () => {
    const named = {
      type: 'shop.Order',
      source: 'proto',
      text: '{\n  "name": "<b>hat</b>"\n}',
      note: null,
    } as const;
    const guessed = {
      type: null,
      source: null,
      text: '1: "hat"\n2: 5 [zigzag -3]',
      note: 'It is a guess.',
    } as const;
    await open(
      [
        streamMessage({ number: 1, kind: 'message', text: null, size: 9, protobuf: named }),
        streamMessage({ number: 2, kind: 'message', base64: 'CgNoYXQQBQ==', size: 7, protobuf: guessed }),
      ],
      { format: 'grpc' },
    );
    const previews = await panel.page.$$eval('.message:not([hidden]) .m-preview', (cells) =>
      cells.map((cell) => cell.textContent),
    );
    expect(previews).toEqual(['{ "name": "<b>hat</b>" }', '1: "hat" 2: 5 [zigzag -3]']);
    await panel.page.click('.message >> nth=0');
    await panel.settled();
    expect(await text('.message-content')).toContain('shop.Order, from the .proto files');
    expect(await panel.page.$('.message-content b')).toBeNull();
    await panel.page.click('.message >> nth=1');
    await panel.settled();
    expect(await text('.message-content')).toContain('It is a guess.');
    expect(await text('.message-content')).toContain('2: 5 [zigzag -3]');
  });

  it('are chosen by mouse and keyboard, and the host is asked for the whole', async () => {
    await open([
      ...many(5),
      streamMessage({
        number: 6,
        text: '{"a":1,"b":[true]}',
        violations: [{ rule: 'RFC 6455 section 5.1', message: 'The client did not mask the frame.' }],
      }),
    ]);
    expect(await text('.message-content')).toBe('Choose a message to see its content.');
    await panel.page.click('.message:has-text("tick 2")');
    await expect.poll(() => panel.lastSent('message')).toEqual({ type: 'message', id: 7, number: 2 });
    expect(await text('.message-content')).toContain('tick 2');
    await panel.post({
      type: 'message',
      id: 7,
      number: 2,
      message: streamMessage({ number: 2, text: 'all of tick 2' }),
    });
    expect(await text('.message-content')).toContain('all of tick 2');
    await panel.page.keyboard.press('ArrowDown');
    await panel.page.keyboard.press('End');
    await expect.poll(async () => (await panel.lastSent('message'))?.number).toBe(6);
    expect(await panel.page.getAttribute('.message-list', 'aria-activedescendant')).toBe('message-6');
    expect(await text('.message-content')).toContain(
      'The client did not mask the frame. (RFC 6455 section 5.1)',
    );
    expect(await panel.page.locator('.message-content .laid-out').count()).toBe(6);
    await panel.page.keyboard.press('Home');
    await expect.poll(async () => (await panel.lastSent('message'))?.number).toBe(1);
    // An answer for a message that is no longer chosen changes nothing.
    await panel.post({
      type: 'message',
      id: 7,
      number: 6,
      message: streamMessage({ number: 6, text: 'late' }),
    });
    expect(await text('.message-content')).not.toContain('late');
    await panel.post({
      type: 'message',
      id: 7,
      number: 1,
      message: streamMessage({ number: 1, text: 'copied' }),
    });
    await panel.page.keyboard.press('Control+c');
    await expect.poll(() => panel.lastSent('copy')).toEqual({ type: 'copy', text: 'copied' });
    await panel.page.keyboard.press('Escape');
    await expect.poll(() => panel.page.isVisible('.details')).toBe(false);
  });

  it('come live: the newest stays in view until one scrolls away, then the place is kept', async () => {
    await open(many(100));
    expect((await shown()).at(-1)).toBe(100);
    await update(many(130));
    expect((await shown()).at(-1)).toBe(130);
    await panel.page.hover('.message-list');
    await panel.page.mouse.wheel(0, -600);
    await expect.poll(async () => (await shown()).at(-1)).toBeLessThan(110);
    await panel.settled();
    const before = await shown();
    await update(many(200));
    expect(await shown()).toEqual(before);
    // Older ones are no longer held.
    await update([...many(10), ...many(140, 61)], { omitted: { after: 10, count: 50 }, in: 160 });
    expect(await shown()).toEqual(before);
  });

  it('are few in the document however many there are, and say how many were not kept', async () => {
    const all = [...many(100), ...many(1_900, 98_101)];
    await open(all, { out: 0, in: 100_000, omitted: { after: 100, count: 98_000 } });
    expect(await text('.message-summary')).toContain(
      '100,000 messages (0 sent, 100,000 received) · 98,000 not kept',
    );
    expect(await panel.page.locator('.message').count()).toBeLessThan(60);
    expect(await panel.page.getAttribute('.message-list', 'aria-rowcount')).toBe('2001');
    await panel.page.focus('.message-list');
    await panel.page.keyboard.press('Home');
    await panel.settled();
    expect((await shown())[0]).toBe(1);
    await panel.page.evaluate(() => {
      const list = document.querySelector('.message-list');
      if (list !== null) list.scrollTop = 99 * 20;
    });
    await panel.settled();
    expect(await text('.message[data-direction="none"]:not([hidden])')).toContain('98,000 messages not kept');
  });

  it('show hostile content as text only', async () => {
    const hostile = '<img src=x onerror="document.title=1"><script>document.title=2</script>\u202e\u0000';
    await open([
      streamMessage({ number: 1, text: hostile, fields: [[hostile, hostile]], kind: 'event' }),
      streamMessage({
        number: 2,
        kind: 'part',
        fields: [['Content-Type', hostile]],
        base64: 'AAAA',
        size: 3,
      }),
    ]);
    const title = await panel.page.title();
    for (const number of [1, 2]) {
      await panel.page
        .locator('.message:not([hidden])')
        .nth(number - 1)
        .click();
      await panel.settled();
      expect(await panel.page.locator('.details img, .details script').count()).toBe(0);
    }
    expect(await panel.page.title()).toBe(title);
    expect(await text('.message-content')).toContain('\\u202e');
  });

  it('are masked until one asks, then read again', async () => {
    await open([streamMessage({ number: 1, text: `{"token":"${MASK}"}` })]);
    await panel.page.locator('.message:not([hidden])').first().click();
    await expect.poll(async () => (await panel.lastSent('message'))?.number).toBe(1);
    expect(await panel.page.isVisible('.title button[aria-label="Show Secrets of This Call"]')).toBe(true);
    const asked = (await panel.sent()).filter(({ type }) => type === 'message').length;
    await panel.page.click('.title button[aria-label="Show Secrets of This Call"]');
    await update([streamMessage({ number: 1, text: '{"token":"geheim"}' })]);
    await expect
      .poll(async () => (await panel.sent()).filter(({ type }) => type === 'message').length)
      .toBe(asked + 1);
    expect(await text('.message-content')).toContain('geheim');
  });

  it('of another call begin anew, and a call without any has no such tab', async () => {
    await open(many(3));
    await panel.page.click('.message:has-text("tick 2")');
    const other = call({ id: 8, messageFormat: null });
    await panel.post({ type: 'rows', rows: [other], removed: [] }, { type: 'reveal', id: 8 });
    await panel.post({ type: 'details', id: 8, exchange: exchangeOf(other) });
    expect(await panel.page.isVisible('#tab-messages')).toBe(false);
    expect(await panel.page.getAttribute('#tab-summary', 'aria-selected')).toBe('true');
    await panel.post({ type: 'reveal', id: 7 });
    await update([], { in: 0, out: 0 });
    expect(await text('.message-summary')).toBe('WebSocket · no messages yet');
    expect(await text('.message-content')).toBe('Choose a message to see its content.');
  });

  it.each(variants<ThemeName>(['dark', 'light', 'high-contrast', 'high-contrast-light'], 0, 2))(
    'look well in %s',
    async (theme) => {
      const book = JSON.stringify({
        type: 'update',
        symbol: 'ABC',
        bids: [
          [101.25, 300],
          [101, 1200],
        ],
        seq: 88_123,
      });
      const messages = [
        streamMessage({
          number: 1,
          direction: 'out',
          text: '{"type":"subscribe","channels":["book","trades"]}',
          atMs: 0.4,
        }),
        streamMessage({ number: 2, text: '{"type":"subscribed"}', atMs: 12.5 }),
        ...Array.from({ length: 40 }, (_, i) =>
          streamMessage({
            number: 101 + i,
            text: book,
            atMs: 1_000 + 40 * i,
            size: book.length,
            compressedSize: 48,
          }),
        ),
        streamMessage({ number: 141, direction: 'out', kind: 'ping', text: '', size: 0, atMs: 3_000 }),
        streamMessage({ number: 142, kind: 'pong', text: '', size: 0, atMs: 3_001 }),
        streamMessage({
          number: 143,
          kind: 'binary',
          base64: Buffer.from(Array.from({ length: 200 }, (_, i) => i)).toString('base64'),
          size: 200,
          atMs: 3_200,
        }),
        streamMessage({
          number: 144,
          direction: 'out',
          text: 'not masked',
          atMs: 3_400,
          violations: [{ rule: 'RFC 6455 section 5.1', message: 'The client did not mask the frame.' }],
        }),
        streamMessage({
          number: 145,
          text: null,
          size: null,
          compressedSize: 220,
          atMs: 3_600,
          note: 'The compressed message refers to earlier ones that are unknown, so it cannot be decompressed.',
        }),
        streamMessage({
          number: 146,
          kind: 'close',
          text: 'maintenance',
          size: 11,
          atMs: 4_100,
          fields: [
            ['code', '1012'],
            ['meaning', 'Service Restart'],
          ],
        }),
      ];
      await open(messages, { out: 3, in: 143, omitted: { after: 2, count: 98 } }, theme);
      await panel.page.locator('.message:has-text("seq")').last().click();
      await panel.page.waitForTimeout(200);
      await panel.screenshot(`messages-${theme}`);
      await panel.page.keyboard.press('End');
      await panel.page.waitForTimeout(200);
      await panel.screenshot(`messages-${theme}-close`);
      if (theme !== 'dark') return;
      for (const [width, height] of [
        [700, 470],
        [400, 600],
        [1_500, 300],
        // What is left of the panel in a window of 1440×900, and with that in a narrow one.
        [1_085, 250],
        [400, 270],
      ] as const) {
        await panel.page.setViewportSize({ width, height });
        await panel.page.waitForTimeout(200);
        await panel.screenshot(`messages-${theme}-${width}x${height}`);
      }
    },
  );
});
