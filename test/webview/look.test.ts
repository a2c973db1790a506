/**
 * Pictures of the panel in every theme, size and state, kept in test-output/webview for people to look at. The
 * only assertion: nothing is reported, neither an error nor a violation of the Content-Security-Policy.
 */
import { expect, it } from 'vitest';
import { IDLE_STATUS } from '../../extension/engine/traceStatus.ts';
import { TABS, type TabId } from '../../extension/webview/details/tabs.ts';
import { variants, WHOLE } from '../kit/tier.mjs';
import { calls, exchangeOf, message, statusOf, tlsCalls } from './harness/calls.ts';
import { openPanel, type PanelPage, type ThemeName } from './harness/panelPage.ts';

const SIZES = [
  [1500, 470],
  [700, 470],
  [400, 600],
] as const;

async function openCall(panel: PanelPage, id: number, rows: ReturnType<typeof calls>): Promise<void> {
  const row = rows.find((r) => r.id === id);
  if (row === undefined) throw new Error(`no call ${id}`);
  await panel.post({ type: 'reveal', id });
  await panel.post({ type: 'details', id, exchange: exchangeOf(row) });
}

/** Numbers of calls, which pictures show in every theme and size. */
const COUNTS = [0, 5, 50_000];
const made = new Map<number, ReturnType<typeof calls>>();

/** The same ones each time: 50,000 take a while to make and to pack. */
function callsOf(count: number): ReturnType<typeof calls> {
  const rows = made.get(count) ?? calls(count);
  made.set(count, rows);
  return rows;
}

/** In which themes pictures are taken of what tests of the short run do, too, with the same assertion. */
const PICTURED: readonly ThemeName[] = WHOLE ? ['dark', 'light', 'high-contrast'] : [];

/** Otherwise each theme in one size: they differ in their colours only. */
const SIZE_OF = { dark: 1500, light: 700, 'high-contrast': 400, 'high-contrast-light': 1500 };

for (const theme of ['dark', 'light', 'high-contrast', 'high-contrast-light'] satisfies ThemeName[]) {
  for (const [width, height] of SIZES) {
    if (SIZE_OF[theme] !== width && !WHOLE) continue;
    for (const count of COUNTS) {
      // That very many are drawn is tested where they are scrolled.
      if ((count > 5 || (theme !== 'dark' && count !== 5)) && !WHOLE) continue;
      it(`${theme} ${width}×${height} with ${count} calls`, async () => {
        const panel = await openPanel({ theme, width, height });
        const rows = callsOf(count);
        await panel.fill(rows, statusOf(rows));
        await panel.page.waitForTimeout(300);
        await panel.screenshot(`${theme}-${width}x${height}-${count}`);
        expect(panel.problems).toEqual([]);
        await panel.close();
      });
    }

    // That every tab can be drawn where it is narrow, the German panel tests.
    if (theme !== 'dark' && !WHOLE) continue;
    it(`${theme} ${width}×${height} with details`, async () => {
      const panel = await openPanel({ theme, width, height });
      const rows = calls(1_284);
      const failed = rows.findLast((row) => row.status === 502 && row.phases.connectMs !== null);
      await panel.fill(rows, statusOf(rows));
      await openCall(panel, failed?.id ?? 1, rows);
      for (const { id } of TABS) {
        if (!(await panel.page.isVisible(`#tab-${id}`))) continue; // Messages, of a call without any
        await panel.page.click(`#tab-${id satisfies TabId}`);
        await panel.settled();
        await panel.page.waitForTimeout(300);
        await panel.screenshot(`${theme}-${width}x${height}-${id}`);
      }
      expect(panel.problems).toEqual([]);
      await panel.close();
    });
  }
}

/** What of each kind of body is worth a look. */
const BODIES: readonly (readonly [
  name: string,
  type: string,
  body: { text: string } | { base64: string },
])[] = [
  [
    'xml',
    'application/soap+xml; charset=utf-8',
    {
      text: '<?xml version="1.0"?><soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope"><soap:Header><wsse:Password Type="text">••••••</wsse:Password></soap:Header><soap:Body><!-- one order --><m:Order id="a7f3"><m:Item>Tea &amp; scones</m:Item><m:Empty/><m:Note><![CDATA[5 < 6]]></m:Note></m:Order></soap:Body></soap:Envelope>',
    },
  ],
  ['image', 'image/bmp', { base64: bitmap(240, 120) }],
  [
    'multipart',
    'multipart/form-data; boundary=b0',
    {
      base64: Buffer.concat([
        Buffer.from(
          '--b0\r\nContent-Disposition: form-data; name="operations"\r\nContent-Type: application/json\r\n\r\n{"query":"mutation Upload","variables":{"file":null}}\r\n' +
            '--b0\r\nContent-Disposition: form-data; name="comment"\r\n\r\nTwo lines\r\nof text\r\n' +
            '--b0\r\nContent-Disposition: form-data; name="picture"; filename="sunset over the very long sea.bmp"\r\nContent-Type: image/bmp\r\n\r\n',
        ),
        Buffer.from(bitmap(90, 40), 'base64'),
        Buffer.from(
          '\r\n--b0\r\nContent-Disposition: form-data; name="data"; filename="data.bin"\r\n\r\n\x00\x01\x02\xff\xfe binary\r\n--b0--\r\n',
          'latin1',
        ),
      ]).toString('base64'),
    },
  ],
];

/** A picture with colours of 24 bits, as base64. */
function bitmap(width: number, height: number): string {
  const line = Math.ceil((width * 3) / 4) * 4;
  const bytes = Buffer.alloc(54 + line * height);
  bytes.write('BM');
  bytes.writeUInt32LE(bytes.length, 2);
  bytes.writeUInt32LE(54, 10);
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(width, 18);
  bytes.writeInt32LE(height, 22);
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(24, 28);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      bytes.set([(x * 255) / width, (y * 255) / height, 160], 54 + y * line + x * 3);
  return bytes.toString('base64');
}

it('behind the program, and stopping: how much is left, and a button that does not wait for it', async () => {
  for (const [theme, width, height] of variants([
    ['dark', 1500, 470],
    ['light', 700, 470],
    ['high-contrast', 400, 600],
  ] as const)) {
    const panel = await openPanel({ theme, width, height });
    const rows = calls(300);
    await panel.fill(rows, statusOf(rows, { behindMs: 3_049, waitingRecords: 12_000 }));
    await panel.page.waitForTimeout(300);
    expect(await panel.page.textContent('.count-behind')).toBe('3 s behind');
    await panel.screenshot(`${theme}-${width}x${height}-behind`);
    const status = statusOf(rows, { phase: 'stopping', behindMs: 3_049, waitingRecords: 4_200 });
    await panel.post({ type: 'status', status });
    await panel.settled();
    expect(await panel.page.textContent('.count-behind')).toBe('4,200 records left');
    expect(await panel.page.isEnabled('button[title="Stop and Drop the Rest"]')).toBe(true);
    await panel.screenshot(`${theme}-${width}x${height}-stopping`);
    await panel.post({ type: 'status', status: { ...status, waitingRecords: 0 } });
    await panel.settled();
    expect(await panel.page.isVisible('.count-behind')).toBe(false);
    expect(await panel.page.isEnabled('button[title="Start"]')).toBe(false);
    expect(panel.problems).toEqual([]);
    await panel.close();
  }
});

for (const theme of PICTURED) {
  it(`${theme}: filter, brush, sorting, news, what is not whole`, async () => {
    const panel = await openPanel({ theme });
    const rows = calls(1_284);
    const { page } = panel;
    await panel.fill(rows.slice(0, 1_200), statusOf(rows));
    await page.fill('.filter input', 'api status:>=400 -path:/v1/rates metod:GET');
    const box = await page.locator('.overview').boundingBox();
    if (box === null) throw new Error('no overview');
    await page.mouse.move(box.x + 300, box.y + 20);
    await page.mouse.down();
    await page.mouse.move(box.x + 900, box.y + 20, { steps: 4 });
    await page.mouse.up();
    await page.click('.header .c-time');
    await page.focus('.filter input');
    await page.waitForTimeout(300);
    await panel.screenshot(`${theme}-state-filter`);

    await page.fill('.filter input', '');
    await page.dblclick('.overview');
    await page.click('.header .c-id');
    await panel.settled();
    await page.hover('.scroller');
    await page.mouse.wheel(0, -700);
    await panel.settled();
    await panel.post({ type: 'rows', rows: rows.slice(1_200), removed: [] });
    await page.focus('.grid');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.waitForTimeout(300);
    await panel.screenshot(`${theme}-state-news`);

    const odd = rows[1_100];
    if (odd === undefined) throw new Error('no call');
    const bytes = Buffer.from(Array.from({ length: 3_000 }, (_, i) => (i * 7) % 256)).toString('base64');
    await panel.post({ type: 'reveal', id: odd.id });
    await panel.post({
      type: 'details',
      id: odd.id,
      exchange: exchangeOf(odd, {
        completeness: ['response-truncated', 'joined-late'],
        violations: [
          {
            rule: 'RFC 9112 section 6.3',
            message: 'Content-Length and Transfer-Encoding are both there; the second was followed.',
            in: 'response',
          },
        ],
        interim: [{ status: 103, statusText: 'Early Hints', headers: [['Link', '</app.css>; rel=preload']] }],
        response: message({
          headers: [['Content-Type', 'image/png']],
          body: { base64: bytes },
          bodySize: 120_000,
          bodyCaptured: 3_000,
          bodyNote: 'Only the first 3 KiB were captured.',
        }),
      }),
    });
    await page.click('#tab-summary');
    await page.waitForTimeout(300);
    await panel.screenshot(`${theme}-state-incomplete`);
    await page.click('#tab-response');
    await page.waitForTimeout(300);
    await panel.screenshot(`${theme}-state-bytes`);
    for (const [name, type, body] of BODIES) {
      const response = message({
        headers: [['Content-Type', type]],
        body,
        bodySize: 4_321,
        bodyCaptured: 4_321,
      });
      const exchange = exchangeOf(odd, { response });
      await panel.post({ type: 'details', id: odd.id, exchange });
      await page.waitForTimeout(300);
      await panel.screenshot(`${theme}-body-${name}`);
    }
    expect(panel.problems).toEqual([]);
    await panel.close();
  });
}

for (const theme of PICTURED) {
  it(`${theme}: TLS`, async () => {
    const panel = await openPanel({ theme });
    const rows = tlsCalls();
    await panel.fill(rows, statusOf(rows));
    await panel.page.waitForTimeout(300);
    await panel.screenshot(`${theme}-tls-list`);
    for (const [id, tab] of [
      [1, 'connection'],
      [1, 'timing'],
      [3, 'summary'],
      [3, 'timing'],
      [3, 'response'],
      [5, 'summary'],
      [5, 'connection'],
    ] satisfies [number, TabId][]) {
      await openCall(panel, id, rows);
      await panel.page.click(`#tab-${tab}`);
      await panel.settled();
      await panel.page.waitForTimeout(300);
      await panel.screenshot(`${theme}-tls-${id}-${tab}`);
    }
    expect(panel.problems).toEqual([]);
    await panel.close();
  });
}

for (const theme of PICTURED) {
  it(`${theme}: idle, and a failure`, async () => {
    const panel = await openPanel({ theme, width: 700, height: 300 });
    await panel.post({ type: 'status', status: IDLE_STATUS });
    await panel.screenshot(`${theme}-state-idle`);
    const problem =
      'HTTP Trace has no permission to read network calls in the kernel. Start VS Code as root, or install the trusted loader.';
    await panel.post({ type: 'status', status: statusOf([], { phase: 'failed', problem }) });
    await panel.screenshot(`${theme}-state-failed`);
    const rows = calls(5);
    await panel.fill(rows, statusOf(rows, { phase: 'failed', problem }));
    await panel.screenshot(`${theme}-state-problem`);
    expect(panel.problems).toEqual([]);
    await panel.close();
  });
}
