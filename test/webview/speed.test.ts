/**
 * How long 50,000 calls take from the host's messages to the screen, and a frame while scrolling. Printed, not
 * asserted: the machine decides.
 */
import { expect, it } from 'vitest';
import { MAX_ROWS_PER_MESSAGE, type ToWebview } from '../../extension/views/webviewProtocol.ts';
import { calls, statusOf } from './harness/calls.ts';
import { openPanel } from './harness/panelPage.ts';

it('paints 50,000 calls, scrolls through them and filters them', { timeout: 120_000 }, async () => {
  const rows = calls(50_000);
  const panel = await openPanel({ reducedMotion: 'no-preference' });
  const messages: ToWebview[] = [{ type: 'reset' }, { type: 'status', status: statusOf(rows) }];
  for (let at = 0; at < rows.length; at += MAX_ROWS_PER_MESSAGE) {
    messages.push({ type: 'rows', rows: rows.slice(at, at + MAX_ROWS_PER_MESSAGE), removed: [] });
  }
  const fill = await panel.page.evaluate(async (text) => {
    const list = JSON.parse(text) as ToWebview[];
    const painted = (): Promise<number> =>
      new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(performance.now()), 0)));
    const started = performance.now();
    for (const message of list) window.postMessage(message, '*');
    while (document.querySelector('.count-calls')?.textContent !== '50,000 calls') await painted();
    while (document.querySelector('#call-50000') === null) await painted();
    return (await painted()) - started;
  }, JSON.stringify(messages));

  const frames = await panel.page.evaluate(async () => {
    const scroller = document.querySelector('.scroller');
    const times: number[] = [];
    let last = await new Promise<number>((frame) => requestAnimationFrame(frame));
    for (let i = 0; i < 120; i++) {
      scroller?.scrollBy(0, i % 40 === 39 ? -200_000 : -330);
      const now = await new Promise<number>((frame) => requestAnimationFrame(frame));
      times.push(now - last);
      last = now;
    }
    return times.sort((a, b) => a - b);
  });

  const filter = await panel.page.evaluate(async () => {
    const input = document.querySelector<HTMLInputElement>('.filter input');
    if (input === null) return Number.NaN;
    input.value = 'status:5xx payments -host:cdn';
    const started = performance.now();
    input.dispatchEvent(new Event('input'));
    while (!document.querySelector('.count-calls')?.textContent?.includes(' of ')) {
      await new Promise((frame) => requestAnimationFrame(frame));
    }
    return performance.now() - started;
  });

  const median = frames[Math.floor(frames.length / 2)] ?? Number.NaN;
  const p95 = frames[Math.floor(frames.length * 0.95)] ?? Number.NaN;
  console.log(
    `50,000 calls: message to painted ${fill.toFixed(0)} ms; scrolling, frame median ${median.toFixed(1)} ms, ` +
      `95 % ${p95.toFixed(1)} ms, worst ${(frames.at(-1) ?? Number.NaN).toFixed(1)} ms; ` +
      `filter (80 ms of which are waited) ${filter.toFixed(0)} ms`,
  );
  expect(frames).toHaveLength(120);
  expect(panel.problems).toEqual([]);
  await panel.close();
});
