/** The line that made a call: column, tooltip, details, and what a click asks for. */
import { describe, expect, it } from 'vitest';
import type { DebugFacts, ExchangeRow } from '../../extension/engine/row.ts';
import { variants } from '../kit/tier.mjs';
import { call, exchangeOf, statusOf } from './harness/calls.ts';
import { openPanel, type ThemeName } from './harness/panelPage.ts';

const FACTS: DebugFacts = {
  session: 'Shop',
  script: 'shop.js',
  pausedMs: 0,
  waitPausedMs: 0,
  pausedPeer: null,
  source: { path: '/shop/src/pay.ts', line: 12, column: 3, function: 'pay' },
};
const rows: readonly ExchangeRow[] = Array.from({ length: 9 }, (_, index) =>
  call({
    id: index + 1,
    start: index * 30,
    path: `/orders/${index + 1}`,
    debug: index === 8 ? { ...FACTS, source: null } : { ...FACTS, source: placeOf(index) },
  }),
);

function placeOf(index: number): NonNullable<DebugFacts['source']> {
  const hostile = { path: '/shop/<b>x</b>\u202e\n.ts', line: 7, column: null, function: '<img>' };
  return index === 1
    ? hostile
    : { path: `/shop/src/pay.ts`, line: 12 + (index % 3), column: 3, function: 'pay' };
}

const stack = [
  { path: '/shop/node_modules/axios/lib/http.js', line: 300, column: 1, function: 'send' },
  { path: '/shop/src/pay.ts', line: 12, column: 3, function: 'pay' },
  { path: '/shop/src/main.ts', line: 90, column: 3, function: null },
  { path: 'node:internal/process/task_queues', line: 95, column: 5, function: 'processTicksAndRejections' },
];

describe('the source line of a call', () => {
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
        await panel.fill(rows, statusOf(rows));
        await panel.settled();
        if (width > 1_000) {
          expect(await page.textContent('#call-1 .c-source')).toBe('pay.ts:12');
          expect(await page.textContent('#call-9 .c-source')).toBe('');
          expect(await page.textContent('#call-2 .c-source')).not.toContain('\u202e');
        } else expect(await page.$('.c-source')).toBeNull();
        await panel.screenshot(`${theme}-${width}-source`);

        const row = rows[0] ?? call({});
        await panel.post({ type: 'reveal', id: 1 });
        await panel.post({
          type: 'details',
          id: 1,
          exchange: exchangeOf(row, {
            debug: {
              session: 'Shop',
              script: 'shop.js',
              waitPausedMs: 0,
              pausedPeer: null,
              source: { ...placeOf(0), stack },
            },
          }),
        });
        await panel.settled();
        await page.click('details.stack summary');
        await panel.settled();
        await panel.screenshot(`${theme}-${width}-source-details`);
        await page.click('text=Open Line');
        await page.click('details.stack button >> text=main.ts:90');
        const asked = (await panel.sent()).filter(({ type }) => type === 'openSource');
        expect(asked).toEqual([
          { type: 'openSource', id: 1, frame: null },
          { type: 'openSource', id: 1, frame: 2 },
        ]);
        // What is no file has no link.
        expect(await page.$$('details.stack button')).toHaveLength(3);
        expect(panel.problems).toEqual([]);
        await panel.close();
      });
    }
  }

  it('has no column as long as none is known', async () => {
    const panel = await openPanel({ theme: 'dark', width: 1_500, height: 470 });
    const bare = rows.map((row) => ({ ...row, debug: { ...FACTS, source: null } }));
    await panel.fill(bare, statusOf(bare));
    await panel.settled();
    expect(await panel.page.$('.c-source')).toBeNull();
    await panel.post({ type: 'rows', rows: [{ ...(rows[0] ?? call({})), revision: 99 }], removed: [] });
    await panel.settled();
    expect(await panel.page.textContent('#call-1 .c-source')).toBe('pay.ts:12');
    await panel.close();
  });
});
