/**
 * The panel in other languages. In an invented one, each text is in brackets: text without them cannot be translated.
 * In German, which is longer than English, nothing is cut off; pictures are in test-output/webview.
 */
import { expect, it } from 'vitest';
import type { ExchangeJson } from '../../extension/engine/exchangeJson.ts';
import type { ExchangeRow } from '../../extension/engine/row.ts';
import { IDLE_STATUS, type TraceStatus } from '../../extension/engine/traceStatus.ts';
import { PROPERTIES } from '../../extension/filter/properties.ts';
import { TABS } from '../../extension/webview/details/tabs.ts';
import { variants } from '../kit/tier.mjs';
import { call, calls, exchangeOf, failedLookup, gatewayCalls, statusOf, tlsCalls } from './harness/calls.ts';
import { openPanel, type PanelPage } from './harness/panelPage.ts';

/** What is the same in every language: units, names of protocols and of what others have made, examples of the filter. */
const NAMES = new Set(
  `http trace tls dns tcp udp url grpc json rpc graphql mcp api ai websocket openssl sse har kib mib gib tib
  method orders status not host cdn page down home end ctrl wheel shift enter escape users stock out
  times systemd resolved timeout openai chat completions responses embeddings anthropic messages gemini generatecontent
  ${PROPERTIES.map(({ example, name }) => `${example} ${name}`).join(' ')}`
    .toLowerCase()
    .match(/[a-z]{3,}/g),
);

/** Texts, titles and names of all that is visible, and the texts of style sheets. */
function visibleTexts(panel: PanelPage): Promise<string[]> {
  return panel.page.evaluate(() => {
    const found = new Set<string>();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      const element = node instanceof Element ? node : node.parentElement;
      if (element === null || element.closest('script') !== null || !element.checkVisibility()) continue;
      if (node instanceof Element) {
        for (const name of ['title', 'aria-label', 'placeholder', 'alt', 'aria-valuetext'])
          found.add(node.getAttribute(name) ?? '');
        for (const pseudo of ['::before', '::after']) {
          const { content, display } = getComputedStyle(node, pseudo);
          const [, attribute] = /^attr\(([\w-]+)\)$/.exec(content) ?? [];
          if (attribute !== undefined) found.add(node.getAttribute(attribute) ?? '');
          else if (content.startsWith('"') && display !== 'none') found.add(content.slice(1, -1));
        }
      } else found.add(node.textContent ?? '');
    }
    return [...found];
  });
}

/** What stands outside of all brackets. */
function outside(text: string): string {
  let depth = 0;
  let rest = '';
  for (const character of text) {
    if (character === '⟦') depth++;
    else if (character === '⟧') depth--;
    else if (depth === 0) rest += character;
  }
  return rest;
}

/** @param data what was shown: its words are not ours. */
function untranslated(texts: readonly string[], data: string): string[] {
  const known = new Set(data.toLowerCase().match(/[a-z]{3,}/g));
  return texts.filter((text) => {
    // A word of the filter.
    if (/^[a-z]+:\S*$/.test(text)) return false;
    const words =
      outside(text)
        .toLowerCase()
        .match(/[a-z]{3,}/g) ?? [];
    return words.some((word) => !known.has(word) && !NAMES.has(word));
  });
}

/** Of every kind that a list may have. */
const ROWS: readonly ExchangeRow[] = [
  ...calls(40),
  ...tlsCalls().map((row) => ({ ...row, id: row.id + 100 })),
  failedLookup({ id: 201 }),
  call({ id: 202, status: null, duration: null, state: 'running' }),
  call({ id: 203, messageFormat: 'websocket', messages: 3, status: 101 }),
  call({ id: 204, pinned: true, violations: 2, operation: 'AddItem' }),
].map((row, index) => ({
  ...row,
  connection: `c${index}`,
  // As the helper says it.
  encrypted:
    row.encrypted === 'rustls is not supported'
      ? 'rustls is not supported, as Rust has no fixed calling convention'
      : row.encrypted,
}));

/** What the rows and details hold besides texts of ours that are made elsewhere. */
function dataOf(rows: readonly ExchangeRow[], exchanges: readonly ExchangeJson[]): string {
  const plain = rows.map(({ completeness, encrypted, failure, state, side, ending, ...rest }) => rest);
  const kept = exchanges.map(({ request, response, url, process, connection, tls, grpc }) => [
    [request?.headers, request?.body, response?.headers, response?.body, url, process, grpc],
    [connection, tls?.cipher, tls?.version, tls?.serverName, tls?.alpn],
  ]);
  return JSON.stringify([plain, kept]);
}

async function open(panel: PanelPage, row: ExchangeRow): Promise<ExchangeJson> {
  const exchange = exchangeOf(row);
  await panel.post({ type: 'reveal', id: row.id });
  await panel.post({ type: 'details', id: row.id, exchange });
  return exchange;
}

/** Of each kind that has details of its own. */
const DETAILED = new Set([103, 105, 107, 201, 202, 203, 204]);

const NO_TEXT: readonly string[] = [];

it('has no text in the list that cannot be translated', async () => {
  const panel = await openPanel({ language: 'pseudo', height: 1_600 });
  await panel.fill(ROWS, statusOf(ROWS));
  const texts = await visibleTexts(panel);
  expect(texts.some((text) => text.includes('⟦'))).toBe(true);
  expect(untranslated(texts, dataOf(ROWS, []))).toEqual(NO_TEXT);
  expect(panel.problems).toEqual([]);
  await panel.close();
});

it('has no text in nested calls that cannot be translated', async () => {
  const panel = await openPanel({ language: 'pseudo', height: 1_600 });
  const rows = gatewayCalls();
  await panel.fill(rows, statusOf(rows));
  const texts = await visibleTexts(panel);
  expect(texts).toContain('⟦probably⟧');
  expect(untranslated(texts, dataOf(rows, []))).toEqual(NO_TEXT);
  expect(panel.problems).toEqual([]);
  await panel.close();
});

it('has no text in the details that cannot be translated', async () => {
  const panel = await openPanel({ language: 'pseudo', height: 1_600 });
  await panel.fill(ROWS, statusOf(ROWS));
  const failed = variants(ROWS.filter(({ id, status }) => !DETAILED.has(id) && status === 502));
  for (const row of [...failed, ...ROWS.filter(({ id }) => DETAILED.has(id))]) {
    const exchange = await open(panel, row);
    for (const { id } of TABS) {
      if (!(await panel.page.isVisible(`#tab-${id}`))) continue;
      await panel.page.click(`#tab-${id}`);
      await panel.settled();
      expect([row.id, id, untranslated(await visibleTexts(panel), dataOf(ROWS, [exchange]))]).toEqual([
        row.id,
        id,
        NO_TEXT,
      ]);
    }
  }
  await panel.close();
});

const STATES: readonly Partial<TraceStatus>[] = [
  { phase: 'idle' },
  { phase: 'starting' },
  { phase: 'running' },
  { phase: 'running', calls: 3 },
  { phase: 'stopping' },
  { phase: 'stopped' },
  { phase: 'failed', problem: 'The helper did not start in time.' },
];

it('has no text in an empty list, the help and completion that cannot be translated', async () => {
  const panel = await openPanel({ language: 'pseudo' });
  for (const state of STATES) {
    await panel.fill([], { ...IDLE_STATUS, ...state });
    expect([state.phase, untranslated(await visibleTexts(panel), '')]).toEqual([state.phase, NO_TEXT]);
  }
  const filter = panel.page.locator('.filter input');
  for (const typed of ['m', 'stat', 'status:x', '(', 'nothing:1', '/(/']) {
    await filter.fill(typed);
    await panel.settled();
    expect([typed, untranslated(await visibleTexts(panel), typed)]).toEqual([typed, NO_TEXT]);
  }
  await filter.fill('?');
  await panel.settled();
  expect(untranslated(await visibleTexts(panel), '')).toEqual(NO_TEXT);
  await panel.close();
});

/** Controls whose text does not fit. */
function cutOff(panel: PanelPage): Promise<string[]> {
  return panel.page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>('button, .chip, .tab, .sentence, .detail, dt, h3, h4')]
      .filter((element) => element.checkVisibility())
      .filter(
        ({ scrollWidth, clientWidth, offsetWidth }) =>
          scrollWidth > Math.max(clientWidth, offsetWidth) + 1 && clientWidth > 0,
      )
      .map((element) => `${element.className}: ${element.textContent}`),
  );
}

/** Elements of one bar that overlap. */
function overlaps(panel: PanelPage): Promise<string[]> {
  return panel.page.evaluate(() => {
    const found: string[] = [];
    for (const bar of document.querySelectorAll(
      '.toolbar, .tabs, .content-bar, .orders, .counters, .actions',
    )) {
      const boxes = [...bar.children]
        .filter((element) => element.checkVisibility())
        .map((element) => ({ text: element.textContent, box: element.getBoundingClientRect() }))
        .filter(({ box }) => box.width > 0);
      for (const [index, { text, box }] of boxes.entries())
        for (const other of boxes.slice(index + 1))
          if (
            box.right > other.box.left + 1 &&
            other.box.right > box.left + 1 &&
            box.bottom > other.box.top + 1 &&
            other.box.bottom > box.top + 1
          )
            found.push(`${bar.className}: ${text} | ${other.text}`);
    }
    return found;
  });
}

const SIZES = [
  ['dark', 1_500, 470],
  ['light', 700, 470],
  ['light', 380, 700],
  ['dark', 380, 700],
] as const;

it.each(variants(SIZES, 3))(
  'is German, and nothing is cut off: %s, %i × %i',
  async (theme, width, height) => {
    const panel = await openPanel({ language: 'de', theme, width, height });
    const name = `german-${theme}-${width}`;
    expect(await panel.page.evaluate(() => document.documentElement.lang)).toBe('de');
    const look = async (what: string): Promise<void> => {
      await panel.settled();
      await panel.screenshot(`${name}-${what}`);
      expect([what, await cutOff(panel), await overlaps(panel)]).toEqual([what, [], []]);
    };
    await panel.fill([], IDLE_STATUS);
    expect(await panel.page.textContent('.empty .sentence')).toMatch(/^Starten Sie einen Trace/);
    await look('empty');
    await panel.fill(ROWS, statusOf(ROWS));
    await look('list');
    const rows = [
      ...calls(40)
        .filter(({ status }) => status === 502)
        .slice(0, 1),
      ...ROWS.filter(({ id }) => id === 105 || id === 204),
    ];
    for (const row of rows) {
      await open(panel, row);
      for (const { id } of TABS) {
        if (!(await panel.page.isVisible(`#tab-${id}`))) continue;
        await panel.page.click(`#tab-${id}`);
        await look(`${row.id}-${id}`);
      }
    }
    await panel.page.locator('.filter input').fill('?');
    await look('help');
    expect(panel.problems).toEqual([]);
    await panel.close();
  },
);

it('groups numbers as German does, and leaves durations as the filter reads them', async () => {
  const panel = await openPanel({ language: 'de' });
  const rows = calls(1_284);
  await panel.fill(rows, statusOf(rows));
  expect(await panel.page.textContent('.count-calls')).toMatch(/1\.\d{3} Aufrufe/);
  await panel.close();
});
