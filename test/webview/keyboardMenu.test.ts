/** By keyboard alone: where the focus goes, and the menu of a call. */
import { afterEach, expect, it } from 'vitest';
import { calls, statusOf } from './harness/calls.ts';
import { openPanel, type PanelPage } from './harness/panelPage.ts';

let panel: PanelPage;

afterEach(async () => {
  expect(panel.problems).toEqual([]);
  await panel.close();
});

const rows = calls(200);

/** VS Code's own listener: the nearest context above what the event aims at, and where the menu is to be. */
async function listenForMenus(): Promise<void> {
  await panel.page.evaluate(() => {
    const menus: unknown[] = [];
    Object.assign(window, { menus });
    window.addEventListener('contextmenu', (event) => {
      const element = (event.target as Element).closest<HTMLElement>('[data-vscode-context]');
      const row = (event.target as Element).closest('.row')?.getBoundingClientRect();
      menus.push({
        prevented: event.defaultPrevented,
        id: JSON.parse(element?.dataset['vscodeContext'] ?? '{}').callId,
        below: row === undefined ? null : event.clientY - row.bottom,
        inWindow: event.clientY > 0 && event.clientY <= window.innerHeight,
      });
      event.preventDefault();
    });
  });
}
const menus = (): Promise<unknown> =>
  panel.page.evaluate(() => (window as unknown as { menus: unknown }).menus);
const active = (): Promise<string> =>
  panel.page.evaluate(
    () => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '',
  );

it.each(['Shift+F10', 'ContextMenu'])('%s opens the menu of the selected call, at its row', async (key) => {
  panel = await openPanel();
  await panel.fill(rows, statusOf(rows));
  await listenForMenus();
  await panel.page.focus('.grid');
  await panel.page.keyboard.press('Home');
  await panel.page.keyboard.press('ArrowDown');
  const id = await panel.page.$eval('.row[aria-selected="true"]', (row) =>
    Number(row.id.replace('call-', '')),
  );
  await panel.page.keyboard.press(key);
  const menu = { prevented: false, id, below: 0, inWindow: true };
  expect(await menus()).toEqual([menu]);
  // One that was scrolled away comes back first.
  await panel.page.$eval('.scroller', (scroller) => scroller.scrollTo(0, 3_000));
  await panel.settled();
  await panel.page.keyboard.press(key);
  expect(await menus()).toEqual([menu, menu]);
});

it('the menu without a selected call is that of the first on screen, and selects it', async () => {
  panel = await openPanel();
  await panel.fill(rows, statusOf(rows));
  await listenForMenus();
  await panel.page.focus('.grid');
  await panel.page.keyboard.press('Shift+F10');
  const id = await panel.page.$eval('.row[aria-selected="true"]', (row) =>
    Number(row.id.replace('call-', '')),
  );
  expect(await menus()).toEqual([{ prevented: false, id, below: 0, inWindow: true }]);
});

it('the header has a menu of its own', async () => {
  panel = await openPanel();
  await panel.fill(rows, statusOf(rows));
  await panel.page.focus('.header [tabindex="0"]');
  await panel.page.keyboard.press('Shift+F10');
  await panel.page.getByRole('menu', { name: 'Columns' }).waitFor();
});

it('the keyboard that comes to the panel goes to the list, or to what an empty panel offers first', async () => {
  panel = await openPanel();
  const arrive = (): Promise<void> =>
    panel.page.evaluate(() => {
      (document.activeElement as HTMLElement).blur();
      window.dispatchEvent(new Event('focus'));
    });
  await panel.fill([], statusOf([], { phase: 'idle' }));
  await arrive();
  expect(await active()).toBe('Start');
  await panel.fill(rows, statusOf(rows));
  await arrive();
  expect(await active()).toBe('HTTP calls');
  // It stays where it was when it comes back.
  await panel.page.focus('.filter input');
  await panel.page.evaluate(() => window.dispatchEvent(new Event('focus')));
  expect(await active()).toBe('Filter calls');
});

it('Enter in the filter goes to the list, also when what was typed before matched nothing', async () => {
  panel = await openPanel();
  await panel.fill(rows, statusOf(rows));
  const empty = (): Promise<boolean> => panel.page.isVisible('.empty');
  await panel.page.focus('.filter input');
  await panel.page.keyboard.type('durati');
  await expect.poll(empty).toBe(true);
  // In one go: the list follows what is typed a little later.
  await panel.page.evaluate(() => {
    const input = document.activeElement as HTMLInputElement;
    input.value = 'duration:>0ms';
    input.dispatchEvent(new Event('input', { bubbles: true }));
    input.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true }));
  });
  expect(await active()).toBe('HTTP calls');
  expect(await empty()).toBe(false);
});

it('a filter that matches nothing keeps the keyboard; a list that becomes empty hands it on, and takes it back', async () => {
  panel = await openPanel();
  await panel.fill(rows, statusOf(rows));
  await panel.page.focus('.filter input');
  await panel.page.keyboard.type('nowhere');
  await panel.page.keyboard.press('Enter');
  expect(await active()).toBe('Filter calls');
  await panel.page.keyboard.press('Escape');
  await panel.page.keyboard.press('Enter');
  expect(await active()).toBe('HTTP calls');
  await panel.post({ type: 'reset' });
  await panel.fill([], statusOf([], { phase: 'idle' }));
  await expect.poll(active).toBe('Start');
  await panel.fill(rows, statusOf(rows));
  await expect.poll(active).toBe('HTTP calls');
  // Somebody writes in an editor.
  await panel.page.evaluate(() => (document.hasFocus = () => false));
  await panel.post({ type: 'reset' });
  await panel.fill([], statusOf([], { phase: 'idle' }));
  await expect.poll(() => panel.page.isVisible('.empty button')).toBe(true);
  expect(await active()).not.toBe('Start');
});

it('a call that is selected again when the panel comes back does not take the keyboard from the filter', async () => {
  panel = await openPanel();
  const status = statusOf(rows);
  await panel.fill(rows, status);
  await panel.page.focus('.grid');
  await panel.page.keyboard.press('Home');
  const state = await panel.state();
  await panel.close();
  panel = await openPanel({ state });
  await panel.page.focus('.filter input');
  await panel.fill(rows, status);
  await panel.page.waitForSelector('.row[aria-selected="true"]');
  expect(await active()).toBe('Filter calls');
});
