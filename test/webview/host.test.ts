/** What the panel and its host say to each other: commands, selection, what is kept, what was cleared. */
import { afterEach, describe, expect, it } from 'vitest';
import { IDLE_STATUS } from '../../extension/engine/traceStatus.ts';
import { call, calls, statusOf } from './harness/calls.ts';
import { closePanel, open, openEmpty, panel, selected, shown, text } from './harness/currentPanel.ts';

afterEach(closePanel);

describe('host', () => {
  it('gets commands from the buttons', async () => {
    await open([]);
    await panel.post({ type: 'status', status: IDLE_STATUS });
    await panel.page.click('[aria-label="Start"]');
    expect(await panel.lastSent('command')).toEqual({ type: 'command', command: 'start' });
    await panel.page.click('text=Choose a Process…');
    expect(await panel.lastSent('command')).toEqual({ type: 'command', command: 'pickProcess' });
    await panel.post({ type: 'status', status: statusOf([]) });
    await panel.page.click('text=Why Is Nothing Shown?');
    expect(await panel.lastSent('command')).toEqual({ type: 'command', command: 'whyNothing' });
    const rows = calls(3);
    await panel.fill(rows, statusOf(rows));
    await panel.page.click('[aria-label="Stop"]');
    expect(await panel.lastSent('command')).toEqual({ type: 'command', command: 'stop' });
    await panel.page.click('[aria-label="Clear"]');
    expect(await panel.lastSent('command')).toEqual({ type: 'command', command: 'clear' });
  });

  it('learns which call is selected, and whether the panel has the focus', async () => {
    await open(calls(20));
    await panel.page.click('#call-12');
    expect(await panel.lastSent('selected')).toEqual({ type: 'selected', id: 12 });
    await panel.page.keyboard.press('ArrowUp');
    expect(await panel.lastSent('selected')).toEqual({ type: 'selected', id: 11 });
    await panel.page.keyboard.press('Escape');
    await panel.page.keyboard.press('Escape');
    expect(await panel.lastSent('selected')).toEqual({ type: 'selected', id: null });
    await panel.page.evaluate(() => window.dispatchEvent(new Event('blur')));
    expect(await panel.lastSent('focus')).toEqual({ type: 'focus', focused: false });
  });

  it('has the filter on Ctrl+F, as editors have', async () => {
    await open(calls(20));
    await panel.page.click('#call-12');
    await panel.page.keyboard.press('Control+f');
    expect(await panel.page.evaluate(() => document.activeElement?.tagName)).toBe('INPUT');
  });

  it('gets the URL of the chosen call to copy', async () => {
    await open([call({ id: 1, host: '[::1]:8080', path: '/a?b=c' })]);
    await panel.page.click('#call-1');
    await panel.page.keyboard.press('Control+c');
    expect(await panel.lastSent('copy')).toEqual({ type: 'copy', text: 'http://[::1]:8080/a?b=c' });
  });

  it('reveals a call even if the filter hides it or it comes later', async () => {
    const rows = calls(500, { running: 0 });
    await open(rows.slice(0, 400));
    await panel.page.fill('.filter input', 'nowhere');
    await expect.poll(() => panel.page.isVisible('.empty')).toBe(true);
    await panel.post({ type: 'reveal', id: 123 });
    expect(await selected()).toEqual([123]);
    expect(await shown()).toContain(123);
    expect(await panel.page.inputValue('.filter input')).toBe('');
    expect(await panel.page.isVisible('.details')).toBe(true);
    expect((await panel.lastSent('details'))?.id).toBe(123);
    await panel.post({ type: 'reveal', id: 450 });
    expect(await selected()).toEqual([123]);
    await panel.post({ type: 'rows', rows: rows.slice(400), removed: [] });
    expect(await selected()).toEqual([450]);
    await panel.post({ type: 'focusFilter' });
    expect(await panel.page.evaluate(() => document.activeElement?.tagName)).toBe('INPUT');
  });

  it('finds the panel as it was after it was hidden, but for no other trace', async () => {
    const rows = calls(60, { running: 0 });
    await open(rows);
    await panel.page.click('#call-50');
    await panel.page.click('#tab-timing');
    await panel.page.fill('.filter input', 'api');
    await expect.poll(() => panel.state()).toMatchObject({ filter: 'api' });
    const state = await panel.state();
    expect(JSON.stringify(state)).not.toContain('shop');
    await panel.close();

    await open(rows, { state });
    await panel.settled();
    expect(await selected()).toEqual([50]);
    expect(await panel.page.isVisible('.details')).toBe(true);
    expect(await panel.page.getAttribute('#tab-timing', 'aria-selected')).toBe('true');
    expect(await panel.page.inputValue('.filter input')).toBe('api');
    expect((await panel.lastSent('details'))?.id).toBe(50);
    await panel.close();

    await openEmpty({ state });
    await panel.fill(rows, statusOf(rows, { startedAt: 1 }));
    expect(await selected()).toEqual([]);
    await panel.close();

    await openEmpty({
      state: { sort: { column: 'nonsense' }, widths: 7, tab: 9, filter: {}, chip: [] },
    });
    await panel.fill(rows, statusOf(rows));
    expect((await shown()).at(-1)).toBe(60);
  });

  it('may take everything back', async () => {
    await open(calls(60));
    await panel.page.click('#call-50');
    await panel.post({ type: 'reset' });
    expect(await panel.page.locator('.row').count()).toBe(0);
    expect(await panel.page.isVisible('.details')).toBe(false);
    expect(await panel.page.isVisible('.empty')).toBe(true);
  });
});

describe('Restricted Mode', () => {
  it('offers what leads out of it, and nothing that cannot be', async () => {
    await openEmpty({ restricted: true });
    await panel.post({ type: 'status', status: IDLE_STATUS });
    expect(await text('.empty .sentence')).toContain('Restricted Mode');
    expect(await panel.page.isDisabled('[aria-label="Start"]')).toBe(true);
    await panel.page.click('.empty button');
    expect(await panel.lastSent('command')).toEqual({ type: 'command', command: 'manageTrust' });
  });
});

describe('Clear', () => {
  it('leaves nothing of what was: counts, selection, open details, remembered calls', async () => {
    const rows = calls(60, { running: 0 });
    await open(rows);
    await panel.page.click('#call-50');
    await expect.poll(() => panel.state()).toMatchObject({ held: { calls: 60 } });
    const nothing = { list: 1, calls: 0, errors: 0, bytesSeen: 0, now: 0, runningCalls: 0 };
    await panel.post({ type: 'reset' }, { type: 'status', status: statusOf([], nothing) });
    expect(await panel.page.isVisible('.details')).toBe(false);
    expect(await text('.counters')).toBe(['0 calls', '0 errors', '0 B'].join(''));
    expect(await panel.page.isDisabled('[aria-label="Clear"]')).toBe(true);
    const fresh = calls(60, { running: 0 });
    await panel.post(
      { type: 'status', status: statusOf(fresh, { list: 1 }) },
      { type: 'rows', rows: fresh, removed: [] },
    );
    expect(await selected()).toEqual([]);
    expect(await panel.page.isVisible('.details')).toBe(false);
  });

  it('is possible when there are only bytes, or rows that are no calls', async () => {
    await openEmpty();
    await panel.post({ type: 'status', status: statusOf([], { bytesSeen: 10 }) });
    expect(await panel.page.isDisabled('[aria-label="Clear"]')).toBe(false);
  });
});

describe('a window that was loaded again', () => {
  it('says what was dropped, once, and does not count what is not there', async () => {
    const rows = calls(60, { running: 0 });
    await open(rows);
    await panel.page.fill('.filter input', 'api');
    await expect.poll(() => panel.state()).toMatchObject({ filter: 'api', held: { calls: 60 } });
    const state = await panel.state();
    await panel.close();

    await openEmpty({ state });
    await panel.post({ type: 'status', status: IDLE_STATUS });
    expect(await text('.empty .detail')).toContain('its 60 calls were not kept');
    expect(await text('.count-calls')).toBe('0 calls');
    await panel.close();

    // The same trace is still there: the panel was only hidden.
    await openEmpty({ state });
    await panel.fill(rows, statusOf(rows));
    await panel.post({ type: 'reset' }, { type: 'status', status: IDLE_STATUS });
    expect(await text('.empty .detail')).toBe('No proxy, no certificate, no code changes.');
  });
});
