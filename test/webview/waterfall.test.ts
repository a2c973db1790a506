/** The waterfall of the list, and the overview above it. */
import { afterEach, describe, expect, it } from 'vitest';
import { examplePhases } from '../../extension/engine/testing/phases.ts';
import { call, calls, statusOf } from './harness/calls.ts';
import { closePanel, open, panel, text } from './harness/currentPanel.ts';

afterEach(closePanel);

describe('waterfall', () => {
  it('lets the bars of running calls grow, and nothing else move', async () => {
    const rows = [
      call({
        id: 1,
        start: 0,
        duration: 100,
        phases: examplePhases({ sendMs: 1, waitMs: 98, receiveMs: 1 }),
      }),
      call({
        id: 2,
        start: 100,
        duration: null,
        status: null,
        responseSize: null,
        state: 'running',
        completeness: [],
      }),
    ];
    await open(rows, { reducedMotion: 'no-preference' });
    const share = () =>
      panel.page.evaluate(() => {
        const width = (id: number) =>
          document.querySelector(`#call-${id} .bar`)?.getBoundingClientRect().width ?? 0;
        return width(2) / (width(1) + width(2));
      });
    const first = await share();
    await expect.poll(share).toBeGreaterThan(first);
    expect(await text('#call-2')).toMatch(/\d\.\d s…/);
    await panel.post(
      { type: 'rows', rows: [call({ id: 2, revision: 2, start: 100, duration: 100 })], removed: [] },
      { type: 'status', status: statusOf(rows, { phase: 'stopped', runningCalls: 0 }) },
    );
    const third = await share();
    await panel.page.waitForTimeout(300);
    expect(await share()).toBe(third);
    expect(third).toBeCloseTo(0.5, 1);
  });

  it('draws what grows no more often than it can look different', async () => {
    const rows = [
      call({ id: 1, start: 0, duration: 500_000 }),
      call({ id: 2, start: 100, duration: null, status: null, state: 'running', completeness: [] }),
    ];
    await open(rows, { reducedMotion: 'no-preference' });
    const before = await text('#call-2');
    const frames = await panel.page.evaluate(async () => {
      const { requestAnimationFrame } = window;
      let count = 0;
      window.requestAnimationFrame = (callback) => {
        count++;
        return requestAnimationFrame(callback);
      };
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      window.requestAnimationFrame = requestAnimationFrame;
      return count;
    });
    expect(await text('#call-2')).not.toBe(before);
    // 60 when it was drawn with each frame.
    expect(frames).toBeLessThanOrEqual(12);
  });

  it('explains the phases of a bar to who points at it', async () => {
    await open([
      call({
        id: 1,
        duration: 120,
        phases: examplePhases({ connectMs: 4, sendMs: 1, waitMs: 100, receiveMs: 19 }),
      }),
      call({
        id: 2,
        phases: examplePhases(),
      }),
    ]);
    const title = (id: number) => panel.page.getAttribute(`#call-${id} .c-waterfall`, 'title');
    expect(await title(1)).toBeNull();
    await panel.page.hover('#call-1 .c-waterfall');
    expect((await title(1))?.split('\n')).toEqual([
      'Connect 4.0 ms · Opening the connection',
      'Send 1.0 ms · First to last byte of the request',
      'Wait 100 ms · Last byte of the request to first byte of the response',
      'Receive 19.0 ms · First to last byte of the response',
      'Total 124 ms',
    ]);
    await panel.page.hover('#call-2 .c-waterfall');
    expect((await title(2)) ?? '').toBe('');
  });

  it('zooms the waterfall with ctrl and the wheel, and fits again with F', async () => {
    await open(calls(12, { running: 0 }));
    const width = () =>
      panel.page.evaluate(() => document.querySelector('#call-3 .bar')?.getBoundingClientRect().width ?? 0);
    const before = await width();
    const bar = await panel.page.locator('#call-3 .bar').boundingBox();
    if (bar === null) throw new Error('no bar');
    await panel.page.mouse.move(bar.x, bar.y + 4);
    await panel.page.keyboard.down('Control');
    await panel.page.mouse.wheel(0, -500);
    await panel.page.keyboard.up('Control');
    await expect.poll(width).toBeGreaterThan(before * 1.5);
    // Times stand above it in every zoom.
    expect(await panel.page.locator('.header .tick').allInnerTexts()).not.toEqual([]);
    const zoomed = await panel.page.locator('#call-3 .bar').boundingBox();
    expect(zoomed?.x).toBeCloseTo(bar.x, -1);
    await panel.page.focus('.grid');
    await panel.page.keyboard.press('f');
    await panel.settled();
    expect(await width()).toBeCloseTo(before, 0);
  });
});

/** @returns the point at a share of the overview's width, from 0 to 1 */
async function overviewPoints(): Promise<(share: number) => readonly [number, number]> {
  const box = await panel.page.locator('.overview').boundingBox();
  if (box === null) throw new Error('no overview');
  return (share) => [box.x + box.width * share, box.y + 20];
}

describe('overview', () => {
  it('chooses a time range by dragging, which can be moved, and all of it by a double click', async () => {
    const rows = calls(400, { running: 0 });
    await open(rows);
    const at = await overviewPoints();
    await panel.page.mouse.move(...at(0.25));
    await panel.page.mouse.down();
    await panel.page.mouse.move(...at(0.5), { steps: 8 });
    await panel.page.mouse.up();
    await panel.settled();
    const end = Math.max(...rows.map((row) => row.start + (row.duration ?? 0))) * 1.01;
    const within = (from: number, to: number) =>
      rows.filter((row) => row.start <= to * end && row.start + (row.duration ?? 0) >= from * end).length;
    const listed = async () => Number((await text('.count-calls')).split(' ')[0]);
    expect(Math.abs((await listed()) - within(0.25, 0.5))).toBeLessThan(5);
    expect(await panel.page.getAttribute('.overview', 'aria-valuetext')).toMatch(/ to /);

    await panel.page.mouse.move(...at(0.4));
    await panel.page.mouse.down();
    await panel.page.mouse.move(...at(0.6), { steps: 8 });
    await panel.page.mouse.up();
    await panel.settled();
    expect(Math.abs((await listed()) - within(0.45, 0.7))).toBeLessThan(5);

    await panel.page.mouse.dblclick(...at(0.9));
    await panel.settled();
    expect(await text('.count-calls')).toBe('400 calls');
    expect(await panel.page.isVisible('.brush')).toBe(false);
  });

  it('chooses from where the pointer was pressed, also when calls come meanwhile', async () => {
    const rows = calls(400, { running: 0 });
    await open(rows);
    const at = await overviewPoints();
    const end = Math.max(...rows.map((row) => row.start + (row.duration ?? 0)));
    const later = call({ id: 1_000, start: end * 2 - 1, duration: 1 });
    await panel.page.mouse.move(...at(0.25));
    await panel.page.mouse.down();
    await panel.post(
      { type: 'rows', rows: [later], removed: [] },
      { type: 'status', status: statusOf([...rows, later]) },
    );
    await panel.settled();
    await panel.page.mouse.move(...at(0.5), { steps: 8 });
    await panel.page.mouse.up();
    await panel.settled();
    const from = Number(await panel.page.getAttribute('.overview', 'aria-valuenow'));
    expect(from / end).toBeCloseTo(0.25, 1);
    expect(await text('.count-calls')).toMatch(/^2\d\d of|^3\d\d of/);
  });

  it('dims what the filter leaves out', async () => {
    await open(calls(40, { running: 0 }));
    const ink = () =>
      panel.page.locator('.overview canvas').evaluate((canvas: HTMLCanvasElement) => {
        const { width, height } = canvas;
        const copy = Object.assign(document.createElement('canvas'), { width, height });
        const context = copy.getContext('2d', { willReadFrequently: true })!;
        context.drawImage(canvas, 0, 0);
        // Below the ruler.
        const { data } = context.getImageData(0, height / 2, width, height / 2);
        return data.reduce((sum, value, at) => (at % 4 === 3 ? sum + value : sum), 0);
      });
    const all = await ink();
    await panel.page.fill('input', 'nothing-is-called-like-this');
    await expect.poll(ink).toBeLessThan(all * 0.8);
    expect(await ink()).toBeGreaterThan(all * 0.05);
    await panel.page.fill('input', '');
    await expect.poll(ink).toBeGreaterThan(all * 0.9);
  });

  it('can be used by keyboard', async () => {
    await open(calls(400, { running: 0 }));
    await panel.page.focus('.overview');
    await panel.page.keyboard.press('ArrowRight');
    await panel.settled();
    expect(await text('.count-calls')).toMatch(/^\d+ of 400 calls$/);
    await panel.page.keyboard.press('Escape');
    await panel.settled();
    expect(await text('.count-calls')).toBe('400 calls');
  });
});
