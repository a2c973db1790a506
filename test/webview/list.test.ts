/** The list of calls by mouse and keyboard: order, scrolling, columns. */
import { afterEach, describe, expect, it } from 'vitest';
import { call, calls } from './harness/calls.ts';
import { aiming, closePanel, open, panel, selected, shown, text } from './harness/currentPanel.ts';

afterEach(closePanel);

describe('what commands do in the list', () => {
  const rows = () => [
    call({ id: 1, host: 'shop.test', path: '/a?x=1' }),
    call({ id: 2, host: 'other.test', path: '/b' }),
    call({ id: 3, host: 'shop.test:81', path: '/c', pinned: true }),
  ];

  it('Show Only writes an exact term into the filter, and Hide another', async () => {
    await open(rows());
    await panel.post({ type: 'narrow', term: 'host:=shop.test' });
    await expect.poll(shown).toEqual([1]);
    await panel.post({ type: 'narrow', term: 'host:=other.test' });
    await expect.poll(shown).toEqual([2]);
    expect(await panel.page.inputValue('input')).toBe('host:=other.test');
    await panel.post({ type: 'narrow', term: '-path:=/b' });
    await expect.poll(shown).toEqual([]);
    expect(await panel.page.inputValue('input')).toBe('host:=other.test -path:=/b');
  });

  it('a pinned call has a mark that is read, and is found by is:pinned', async () => {
    await open(rows());
    const marks = panel.page.getByRole('img', { name: 'pinned' });
    await expect.poll(() => marks.count()).toBe(1);
    expect(await panel.page.locator('#call-3').getAttribute('data-vscode-context')).toContain(
      '"callPinned":true',
    );
    await panel.page.fill('input', 'is:pinned');
    await expect.poll(shown).toEqual([3]);
    await panel.post({
      type: 'rows',
      rows: [call({ ...rows()[2], revision: 2, pinned: false })],
      removed: [],
    });
    await expect.poll(shown).toEqual([]);
  });
});

describe('list', () => {
  it('holds 50,000 calls with a bounded document, and scrolls to the last and the first', async () => {
    const rows = calls(50_000);
    await open(rows);
    const nodes = () => panel.page.evaluate(() => document.querySelectorAll('*').length);
    expect((await shown()).at(-1)).toBe(50_000);
    const before = await nodes();
    expect(before).toBeLessThan(1_000);
    await panel.page.hover('.scroller');
    for (let i = 0; i < 20; i++) await panel.page.mouse.wheel(0, -3_000);
    await expect.poll(async () => (await shown())[0]).toBeLessThan(48_000);
    await panel.page.focus('.grid');
    await panel.page.keyboard.press('Home');
    await panel.settled();
    expect((await shown())[0]).toBe(1);
    await panel.page.keyboard.press('End');
    await panel.settled();
    expect((await shown()).at(-1)).toBe(50_000);
    expect(await nodes()).toBeLessThan(before + 200);
    expect(await panel.page.getAttribute('.grid', 'aria-rowcount')).toBe('50001');
    expect(await panel.page.getAttribute('#call-50000', 'aria-rowindex')).toBe('50001');
  });

  it('keeps the newest in view until one scrolls away, then says how many are new', async () => {
    const rows = calls(100);
    await open(rows.slice(0, 50));
    expect((await shown()).at(-1)).toBe(50);
    await panel.post({ type: 'rows', rows: rows.slice(50, 60), removed: [] });
    expect((await shown()).at(-1)).toBe(60);
    expect(await panel.page.isVisible('.hint')).toBe(false);

    await panel.page.hover('.scroller');
    await panel.page.mouse.wheel(0, -400);
    await expect.poll(async () => (await shown()).at(-1)).toBeLessThan(50);
    const before = await shown();
    await panel.post({ type: 'rows', rows: rows.slice(60, 72), removed: [1, 2, 3] });
    expect(await shown()).toEqual(before);
    expect(await text('.hint')).toBe('12 new');
    await panel.page.click('.hint');
    await panel.settled();
    expect((await shown()).at(-1)).toBe(72);
    expect(await panel.page.isVisible('.hint')).toBe(false);
    await panel.post({ type: 'rows', rows: rows.slice(72), removed: [] });
    expect((await shown()).at(-1)).toBe(100);
  });

  it('says what is new beside the rows and not over them, where it is narrow', async () => {
    const rows = calls(100);
    await open(rows.slice(0, 50), { width: 300, height: 400 });
    await panel.page.hover('.scroller');
    await panel.page.mouse.wheel(0, -400);
    await panel.page.locator('#call-50').waitFor({ state: 'hidden' });
    await panel.post({ type: 'rows', rows: rows.slice(50), removed: [] });
    await panel.page.locator('.hint').waitFor();
    await panel.settled();
    await panel.screenshot('dark-300-news');
    const [hint, list] = await Promise.all(
      ['.hint', '.scroller'].map((selector) => panel.page.locator(selector).boundingBox()),
    );
    expect(list!.y + list!.height).toBeLessThanOrEqual(hint!.y);
    expect(list!.height).toBeGreaterThan(150);
    await panel.page.click('.hint');
    await expect.poll(async () => (await shown()).at(-1)).toBe(100);
    expect(await panel.page.isVisible('.hint')).toBe(false);
  });

  it('keeps the row under a pointer that aims, and goes on when it has rested', async () => {
    const rows = calls(100);
    await open(rows.slice(0, 50));
    const aimed = (await shown()).at(-3)!;
    const box = (await panel.page.locator(`#call-${aimed}`).boundingBox())!;
    await aiming(box, async () => {
      await panel.post({ type: 'rows', rows: rows.slice(50, 60), removed: [1, 2, 3] });
      expect((await shown()).at(-3)).toBe(aimed);
      expect(await panel.page.isVisible('.hint')).toBe(false);
    });
    // The pointer rests, and the list follows again: also while rows move under it.
    await expect.poll(async () => (await shown()).at(-1)).toBe(60);
    await panel.post({ type: 'rows', rows: rows.slice(60, 70), removed: [] });
    expect((await shown()).at(-1)).toBe(70);
    const next = (await shown()).at(-3)!;
    await aiming(box, async () => {
      await panel.post({ type: 'rows', rows: rows.slice(70, 80), removed: [] });
      await panel.page.mouse.down();
    });
    await panel.post({ type: 'rows', rows: rows.slice(80, 90), removed: [] });
    await panel.page.mouse.up();
    expect(await selected()).toEqual([next]);
    expect((await panel.lastSent('details'))?.id).toBe(next);
  });

  it('goes on at once when the pointer leaves, and keeps the aimed row in an order by time, too', async () => {
    const rows = calls(200).map((row, i) => ({ ...row, duration: i + 1, state: 'ended' as const }));
    await open(rows.slice(0, 60));
    await aiming({ x: 120, y: 200, height: 22 }, async () => {
      await panel.post({ type: 'rows', rows: rows.slice(60, 70), removed: [] });
      expect((await shown()).at(-1)).toBeLessThanOrEqual(60);
    });
    await panel.page.mouse.move(200, 2);
    await panel.settled();
    expect((await shown()).at(-1)).toBe(70);

    await panel.page.click('.header .c-time .name');
    await panel.page.click('.header .c-time .name');
    await panel.settled();
    const [, , third] = await shown();
    const box = (await panel.page.locator(`#call-${third}`).boundingBox())!;
    await aiming(box, async () => {
      // Slower ones than all: without aiming they would push it down.
      await panel.post({ type: 'rows', rows: rows.slice(70, 75), removed: [] });
      expect((await panel.page.locator(`#call-${third}`).boundingBox())?.y).toBe(box.y);
    });
    await panel.page.mouse.move(200, 2);
    await panel.settled();
    expect((await shown())[0]).toBe(75);
  });

  it('sorts by a click on a header, up, down and back', async () => {
    await open([
      call({ id: 1, duration: 30 }),
      call({ id: 2, duration: null, status: null, state: 'running' }),
      call({ id: 3, duration: 10 }),
    ]);
    const header = panel.page.locator('.header .c-time');
    await header.click();
    await panel.settled();
    expect(await shown()).toEqual([3, 1, 2]);
    expect(await header.getAttribute('aria-sort')).toBe('ascending');
    await header.click();
    await panel.settled();
    expect(await shown()).toEqual([1, 3, 2]);
    expect(await header.getAttribute('aria-sort')).toBe('descending');
    await panel.post({ type: 'rows', rows: [call({ id: 2, revision: 2, duration: 20 })], removed: [] });
    expect(await shown()).toEqual([1, 2, 3]);
    await header.click();
    await panel.settled();
    expect(await header.getAttribute('aria-sort')).toBe('none');
    expect(await panel.page.getAttribute('.header .c-id', 'aria-sort')).toBe('ascending');
    // By keyboard.
    await panel.page.keyboard.press('Shift+Tab');
    await panel.page.focus('.header [tabindex="0"]');
    await panel.page.keyboard.press('Enter');
    await panel.settled();
    expect(await shown()).toEqual([3, 2, 1]);
  });

  it('has columns that can be made wider, and remembers it', async () => {
    await open(calls(5));
    const width = async () => (await panel.page.locator('.header .c-method').boundingBox())?.width ?? 0;
    const before = await width();
    const handle = await panel.page.locator('.header .c-method .handle').boundingBox();
    if (handle === null) throw new Error('no handle');
    await panel.page.mouse.move(handle.x + 3, handle.y + 8);
    await panel.page.mouse.down();
    await panel.page.mouse.move(handle.x + 53, handle.y + 8, { steps: 5 });
    await panel.page.mouse.up();
    await panel.settled();
    expect(await width()).toBeCloseTo(before + 50, 0);
    expect(await panel.state()).toMatchObject({ widths: { method: Math.round(before + 50) } });
    expect(await panel.page.getAttribute('.header .c-method', 'aria-sort')).toBe('none');
  });

  it('keeps the header and every column while an edge is dragged far', async () => {
    await open(calls(20), { width: 1300 });
    const names = () => panel.page.$$eval('.header .cell', (all) => all.map((one) => one.className));
    const before = await names();
    const handle = await panel.page.locator('.header .c-call .handle').boundingBox();
    if (handle === null) throw new Error('no handle');
    const y = handle.y + 5;
    await panel.page.mouse.move(handle.x + 3, y);
    await panel.page.mouse.down();
    const widths: number[] = [];
    for (const by of [20, 60, 120, 200, 400, 100, 30]) {
      await panel.page.mouse.move(handle.x + 3 + by, y);
      await panel.settled();
      widths.push(
        await panel.page.$eval('.header .c-call', (cell) => Math.round(cell.getBoundingClientRect().width)),
      );
    }
    await panel.page.mouse.up();
    expect(await names()).toEqual(before);
    // It follows the pointer as far as there is room, and back again.
    expect((widths[1] ?? 0) - (widths[0] ?? 0)).toBeGreaterThan(0);
    expect((widths[4] ?? 0) - (widths[6] ?? 0)).toBeGreaterThan(0);
    expect((widths[1] ?? 0) - (widths[6] ?? 0), String(widths)).toBe(30);
  });

  it('begins at the top when it is sorted, and not at the selected call', async () => {
    await open(calls(500));
    await panel.page.click('#call-495');
    await panel.page.click('.header .c-time .name');
    await panel.page.click('.header .c-time .name');
    await panel.settled();
    const times = await panel.page.$eval('.scroller', (one) => one.scrollTop);
    expect(times).toBe(0);
  });
});
