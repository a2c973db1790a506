/** What the debugger adds to the panel: names, pauses, ended processes, with pictures in test-output/webview. */
import { describe, expect, it } from 'vitest';
import type { ExchangeRow } from '../../extension/engine/row.ts';
import { variants } from '../kit/tier.mjs';
import { call, exchangeOf, statusOf } from './harness/calls.ts';
import { openPanel, type ThemeName } from './harness/panelPage.ts';

const SHOP = {
  session: 'Shop',
  script: 'shop.js',
  pausedMs: 0,
  waitPausedMs: 0,
  pausedPeer: null,
  source: null,
};
const CUSTOMER = { ...SHOP, session: 'Customer (dev)', script: 'customer.js' };

/** Calls of 40 ms every 100 ms; number 5 stood for 1.2 s at a breakpoint of the shop, its caller waited. */
const rows: readonly ExchangeRow[] = Array.from({ length: 12 }, (_, index) => {
  const id = index + 1;
  const start = index * 100 + (index > 4 ? 1_200 : 0);
  const server = index % 2 === 0;
  const stood = id === 5;
  const waited = id === 4;
  const took = stood || waited ? 1_240 : 40;
  return call({
    id,
    pid: server ? 100 : 200,
    processName: 'node',
    side: server ? 'server' : 'client',
    path: `/orders/${id}`,
    start: waited ? start + 95 : start,
    duration: took,
    phases: { ...call({}).phases, sendMs: 1, waitMs: took - 2, receiveMs: 1 },
    debug: server
      ? { ...SHOP, ...(stood ? { pausedMs: 1_200, waitPausedMs: 1_200 } : {}) }
      : { ...CUSTOMER, ...(waited ? { pausedPeer: { session: 'Shop', ms: 1_200 } } : {}) },
  });
});
const status = statusOf(rows, {
  targets: [
    { pid: 100, name: 'node', ended: true, parent: null, tls: null },
    { pid: 200, name: 'node', ended: false, parent: null, tls: null },
  ],
  pauses: [{ pids: [100], session: 'Shop', from: 410, to: 1_610 }],
});

describe('the debugger in the panel', () => {
  for (const [number, theme] of (['dark', 'light', 'high-contrast'] satisfies ThemeName[]).entries()) {
    for (const [width, height] of variants(
      [
        [1_500, 470],
        [520, 620],
      ] as const,
      number,
    )) {
      it(`${theme} ${width}×${height}`, async () => {
        const panel = await openPanel({ theme, width, height });
        const { page } = panel;
        await panel.fill(rows, status);
        await panel.settled();
        expect(await page.textContent('#call-5 .c-time')).toBe('40.0 ms');
        expect(await page.getAttribute('#call-4 .c-time', 'title')).toContain(
          '“Shop”, which answers, was paused',
        );
        const bands = await page.evaluate(
          () =>
            getComputedStyle(document.querySelector('#call-1 .c-waterfall') ?? document.body).backgroundImage,
        );
        if (width > 1_000) expect(bands).toContain('linear-gradient');
        await panel.screenshot(`${theme}-${width}-paused`);

        const row = rows[4] ?? call({});
        await panel.post({ type: 'reveal', id: 5 });
        const exchange = exchangeOf(row, {
          debug: { session: 'Shop', script: 'shop.js', waitPausedMs: 1_200, pausedPeer: null, source: null },
          timings: { ...row.phases, pausedMs: 1_200 },
        });
        await panel.post({ type: 'details', id: 5, exchange });
        await panel.settled();
        const summary = (await page.textContent('#tabpanel')) ?? '';
        expect(summary).toContain('Debug session');
        expect(summary).toContain('and about 1.20 s paused by the debugger');
        await page.click('#tab-timing');
        await panel.settled();
        const timing = (await page.textContent('#tabpanel')) ?? '';
        expect(timing).toContain('Pausedabout 1.20 s');
        expect(timing).toContain('Without the pause it took 40.0 ms');
        await panel.screenshot(`${theme}-${width}-paused-timing`);
        expect(panel.problems).toEqual([]);
        await panel.close();
      });
    }
  }

  it('names processes by script, marks the ended, and sorts and filters without pauses', async () => {
    const panel = await openPanel({});
    const { page } = panel;
    await panel.fill(rows, status);
    await panel.settled();
    expect(await page.textContent('#call-1 .c-process')).toContain('shop.js');
    expect(await page.textContent('#call-2 .c-process')).toContain('customer.js');
    expect(await page.getAttribute('#call-1 .c-process', 'title')).toContain('which has ended');
    expect(await page.getAttribute('#call-2 .c-process', 'title')).toContain(
      'Debug session “Customer (dev)”',
    );
    expect(await page.getAttribute('#call-2 .c-process', 'title')).not.toContain('ended');
    for (const [line, count] of [
      ['session:shop', 6],
      ['process:customer', 6],
      ['is:paused', 2],
      ['duration:>1s', 1],
    ] as const) {
      await page.fill('.filter input', line);
      await expect.poll(() => page.locator('.row:visible').count()).toBe(count);
    }
    expect(panel.problems).toEqual([]);
    await panel.close();
  });
});
