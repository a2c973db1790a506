/** The columns of the list are chosen and ordered by mouse and keyboard; filters are kept. */
import { afterEach, describe, expect, it } from 'vitest';
import { call, calls, exchangeOf, message, statusOf } from './harness/calls.ts';
import { openPanel, type PanelOptions, type PanelPage } from './harness/panelPage.ts';

let panel: PanelPage;

afterEach(async () => {
  expect(panel.problems).toEqual([]);
  await panel.close();
});

async function open(options: PanelOptions = {}) {
  panel = await openPanel(options);
  const rows = calls(8);
  await panel.fill(rows, statusOf(rows));
}

const columns = () =>
  panel.page.$$eval('.header .cell', (cells) =>
    cells.map((cell) => /c-(\w+)/.exec(cell.className)?.[1] ?? cell.className),
  );
/** Of the first row, by the place where it is drawn. */
const cells = () =>
  panel.page.$$eval('.row:first-child .cell', (all) =>
    all
      .sort((a, b) => a.getBoundingClientRect().left - b.getBoundingClientRect().left)
      .map((cell) => /c-(\w+)/.exec(cell.className)?.[1]),
  );
const menu = () => panel.page.getByRole('menu', { name: 'Columns' });

const USUAL = ['id', 'method', 'status', 'call', 'protocol', 'type', 'size', 'time', 'process', 'waterfall'];

describe('the columns', () => {
  it('are chosen in the menu of the header, which stays open; the panel remembers', async () => {
    await open();
    expect(await columns()).toEqual(USUAL);
    await panel.page.click('.header .c-type', { button: 'right' });
    const item = (name: string) => menu().getByRole('menuitemcheckbox', { name });
    expect(await item('Protocol').getAttribute('aria-checked')).toBe('true');
    await item('Protocol').click();
    await item('Start').click();
    await panel.settled();
    const chosen = [...USUAL.filter((id) => id !== 'protocol'), 'start'];
    chosen.splice(chosen.indexOf('waterfall'), 1);
    chosen.push('waterfall');
    expect(await columns()).toEqual(chosen);
    expect(await cells()).toEqual(chosen);
    expect(await panel.page.textContent('.row .c-start')).toMatch(/^\d+(\.\d+)? (ms|s)$/);
    expect(await panel.state()).toMatchObject({ columns: { shown: ['start'], hidden: ['protocol'] } });
    expect(await item('Protocol').getAttribute('aria-checked')).toBe('false');
    await panel.page.keyboard.press('Escape');
    await expect.poll(() => menu().isVisible()).toBe(false);
    const state = await panel.state();
    await panel.close();
    await open({ state });
    expect(await columns()).toEqual(chosen);
    // By keyboard, also where the column that had it is hidden, and back to how it was.
    await panel.page.focus('.header [tabindex="0"]');
    await panel.page.keyboard.press('Shift+F10');
    await menu().waitFor();
    await panel.page.keyboard.press('Enter');
    await panel.settled();
    expect(await columns()).not.toContain('id');
    await panel.page.keyboard.press('End');
    await panel.page.keyboard.press('Enter');
    await panel.settled();
    expect(await columns()).toEqual(USUAL);
    expect(await panel.page.evaluate(() => document.activeElement?.getAttribute('role'))).toBe(
      'columnheader',
    );
  });

  it('are moved by dragging one; the header stays as it is until it is let go, and nothing is sorted', async () => {
    await open();
    const time = await panel.page.locator('.header .c-time').boundingBox();
    const method = await panel.page.locator('.header .c-method').boundingBox();
    if (time === null || method === null) throw new Error('no columns');
    await panel.page.mouse.move(time.x + 20, time.y + 8);
    await panel.page.mouse.down();
    await panel.page.mouse.move(method.x + 5, time.y + 8, { steps: 6 });
    await panel.settled();
    expect(await columns()).toEqual(USUAL);
    expect(await panel.page.isVisible('.drop-place')).toBe(true);
    await panel.page.mouse.up();
    await panel.settled();
    const moved = ['id', 'time', ...USUAL.filter((id) => id !== 'id' && id !== 'time')];
    expect(await columns()).toEqual(moved);
    expect(await cells()).toEqual(moved);
    expect(await panel.page.isVisible('.drop-place')).toBe(false);
    expect(await panel.page.getAttribute('.header .c-time', 'aria-sort')).toBe('none');
    await panel.page.click('.header .c-time');
    expect(await panel.page.getAttribute('.header .c-time', 'aria-sort')).toBe('ascending');
  });

  it('are moved by Ctrl+Shift and an arrow, and keep the keyboard', async () => {
    await open();
    await panel.page.focus('.header [tabindex="0"]');
    await panel.page.keyboard.press('ArrowRight');
    await panel.page.keyboard.press('Control+Shift+ArrowRight');
    await panel.settled();
    expect((await columns()).slice(0, 3)).toEqual(['id', 'status', 'method']);
    await panel.page.keyboard.press('Control+Shift+ArrowLeft');
    await panel.page.keyboard.press('Control+Shift+ArrowLeft');
    await panel.settled();
    expect((await columns()).slice(0, 3)).toEqual(['method', 'id', 'status']);
    expect(await panel.page.evaluate(() => document.activeElement?.className)).toContain('c-method');
  });

  it('ignore nonsense in the state', async () => {
    await open({ state: { columns: { order: ['x', 'call', 'call', 7], shown: 3, hidden: [null] } } });
    expect([...(await columns())].sort()).toEqual([...USUAL].sort());
  });
});

it('menus: those of a call over its row and its details, none elsewhere, that of a text in the filter', async () => {
  await open();
  const contextOf = (selector: string) =>
    panel.page.$eval(selector, (element) => {
      element.dispatchEvent(new MouseEvent('contextmenu', { bubbles: true, cancelable: true }));
      let context = {};
      for (
        let at = element.closest<HTMLElement>('[data-vscode-context]');
        at !== null;
        at = at.parentElement?.closest<HTMLElement>('[data-vscode-context]') ?? null
      )
        context = { ...JSON.parse(at.dataset['vscodeContext'] ?? '{}'), ...context };
      return context;
    });
  await panel.page.click('#call-3');
  const row = await contextOf('#call-3 .c-call');
  expect(row).toMatchObject({ webviewSection: 'call', callId: 3, preventDefaultContextMenuItems: true });
  expect(await contextOf('.details .tabpanel')).toEqual(row);
  await panel.page.evaluate(() =>
    getSelection()?.selectAllChildren(document.querySelector('.details .title') as Element),
  );
  expect(await contextOf('.details .tabpanel')).toEqual({ ...row, preventDefaultContextMenuItems: false });
  expect(await contextOf('.toolbar')).toEqual({ preventDefaultContextMenuItems: true });
  expect(await contextOf('.filter input')).toEqual({ preventDefaultContextMenuItems: false });
});

it('a request without body and parameters has no tab of its own', async () => {
  panel = await openPanel();
  const rows = [
    call({ id: 1, requestSize: 0, path: '/plain' }),
    call({ id: 2, requestSize: 0, path: '/asks?page=2' }),
    call({ id: 3, requestSize: 4, path: '/writes' }),
  ];
  await panel.fill(rows, statusOf(rows));
  const empty = message({ body: null, bodySize: 0, bodyCaptured: 0 });
  const tab = panel.page.locator('#tab-request');
  for (const [id, request, offered] of [
    [1, empty, false],
    [2, empty, true],
    [3, message({ body: { text: 'four' }, bodySize: 4, bodyCaptured: 4 }), true],
    // Whether it had one is not known.
    [1, null, true],
  ] as const) {
    await panel.page.click(`#call-${id}`);
    const row = rows[id - 1];
    if (row === undefined) throw new Error('no row');
    await panel.post({ type: 'details', id, exchange: exchangeOf(row, { request }) });
    expect(await tab.isVisible(), `${id}`).toBe(offered);
  }
});

describe('saved filters', () => {
  const star = () => panel.page.getByRole('button', { name: 'Saved Filters' });
  const saved = () => panel.page.getByRole('menu', { name: 'Saved Filters' });
  const input = () => panel.page.getByRole('combobox', { name: 'Filter calls' });

  it('are kept by the star, offered by it, used and removed', async () => {
    await open();
    await input().fill('status:>=400');
    await panel.page.keyboard.press('Escape');
    await input().fill('status:>=400 api');
    await star().click();
    await saved().getByRole('menuitem', { name: 'Save “status:>=400 api”' }).click();
    expect(await panel.lastSent('savedFilters')).toEqual({
      type: 'savedFilters',
      filters: ['status:>=400 api'],
    });
    expect(await star().getAttribute('class')).toContain('full');
    // The host has it from the settings.
    await panel.post({ type: 'savedFilters', filters: ['duration:>1s', 'status:>=400 api'] });
    await input().fill('');
    await star().click();
    await panel.page.keyboard.press('Enter');
    expect(await input().inputValue()).toBe('duration:>1s');
    await star().click();
    await panel.page.keyboard.press('Delete');
    expect(await panel.lastSent('savedFilters')).toMatchObject({ filters: ['status:>=400 api'] });
    expect(await saved().getByRole('menuitem').allTextContents()).toEqual([
      'status:>=400 api',
      'Save “duration:>1s”',
    ]);
    await panel.page.keyboard.press('Escape');
    expect(await saved().isVisible()).toBe(false);
    expect(await star().evaluate((element) => element === document.activeElement)).toBe(true);
  });

  it('are none without a filter, and not one that is wrong', async () => {
    await open();
    await star().click();
    const only = saved().getByRole('menuitem');
    expect(await only.allTextContents()).toEqual(['Type a filter to save it']);
    await only.click({ force: true });
    expect(await panel.lastSent('savedFilters')).toBeUndefined();
    await panel.page.keyboard.press('Escape');
    await input().fill('metod:GET');
    await star().click();
    expect(await only.getAttribute('aria-disabled')).toBe('true');
  });
});

it('a term that is being completed is not called wrong until it is left', async () => {
  await open();
  const input = panel.page.getByRole('combobox', { name: 'Filter calls' });
  await input.pressSequentially('status:');
  await panel.page.getByRole('listbox').waitFor();
  expect(await panel.page.isVisible('.filter-message')).toBe(false);
  await panel.page.keyboard.press('Escape');
  expect(await panel.page.isVisible('.filter-message')).toBe(true);
  expect(await panel.page.textContent('.filter-message')).toMatch(/status/);
});
