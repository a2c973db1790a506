/** The filter line by keyboard and mouse: completion, help, and terms that need the details of a call. */
import { afterEach, expect, it } from 'vitest';
import { call, statusOf } from './harness/calls.ts';
import { openPanel, type PanelPage } from './harness/panelPage.ts';

let panel: PanelPage;

afterEach(async () => {
  expect(panel.problems).toEqual([]);
  await panel.close();
});

const rows = [
  call({ id: 1, method: 'GET', host: 'api.test', path: '/orders', status: 200 }),
  call({ id: 2, method: 'POST', host: 'api.test', path: '/orders', status: 500 }),
  call({ id: 3, method: 'GET', host: 'cdn.test', path: '/logo.png', status: 404 }),
];
const INPUT = '.filter input';

async function open(): Promise<void> {
  panel = await openPanel();
  await panel.fill(rows, statusOf(rows));
}
const listed = (): Promise<number[]> =>
  panel.page.$$eval('.row', (all) => all.map((row) => Number(row.id.replace('call-', ''))).sort());
const offered = (): Promise<string[]> =>
  panel.page.$$eval('.completions:not([hidden]) .text', (all) => all.map((one) => one.textContent ?? ''));
const value = (): Promise<string> => panel.page.inputValue(INPUT);

it('understands or, parentheses, negation, lists, patterns and a pasted URL', async () => {
  await open();
  for (const [line, expected] of [
    ['status:500 or status:404', [2, 3]],
    ['api (5xx or method:POST)', [2]],
    ['-(5xx or 404)', [1]],
    ['method:POST,PUT', [2]],
    ['/\\.png/', [3]],
    ['!get', [2]],
    [`${rows[2]?.scheme}://cdn.test/logo.png`, [3]],
  ] as const) {
    await panel.page.fill(INPUT, line);
    await expect.poll(listed, { message: line }).toEqual(expected);
    expect(await panel.page.isVisible('.filter-message')).toBe(false);
  }
});

it('underlines at the character what it does not understand', async () => {
  await open();
  await panel.page.fill(INPUT, 'get status:404,5yy');
  expect(await panel.page.$$eval('.part-error', (all) => all.map((one) => one.textContent))).toEqual(['5yy']);
  await panel.page.fill(INPUT, 'is:eror');
  expect(await panel.page.textContent('.filter-message')).toContain('Did you mean “is:error”?');
});

it('offers names, then values that were seen, by keyboard and mouse', async () => {
  await open();
  await panel.page.focus(INPUT);
  await panel.page.keyboard.type('ho');
  expect(await offered()).toEqual(['host:']);
  expect(await panel.page.getAttribute(INPUT, 'aria-expanded')).toBe('true');
  await panel.page.keyboard.press('Tab');
  expect(await value()).toBe('host:');
  expect(await offered()).toEqual(['api.test', 'cdn.test']);
  await panel.page.keyboard.press('ArrowDown');
  await panel.page.keyboard.press('ArrowDown');
  expect(await panel.page.getAttribute(INPUT, 'aria-activedescendant')).toBe('completion-1');
  await panel.page.keyboard.press('Enter');
  expect(await value()).toBe('host:cdn.test');
  expect(await offered()).toEqual([]);
  await expect.poll(listed).toEqual([3]);
  await panel.page.keyboard.type(' me');
  await panel.page.click('.completions [role=option]:has-text("method:")');
  expect(await value()).toBe('host:cdn.test method:');
  await panel.page.keyboard.press('Escape');
  expect(await offered()).toEqual([]);
  expect(await value()).toBe('host:cdn.test method:');
  await panel.page.keyboard.press('Escape');
  expect(await value()).toBe('');
});

it('shows the language and the keys on ?, and takes an example', async () => {
  await open();
  await panel.page.focus('.grid');
  await panel.page.keyboard.press('?');
  expect(await panel.page.isVisible('dialog.help')).toBe(true);
  await panel.page.keyboard.press('Escape');
  expect(await panel.page.isVisible('dialog.help')).toBe(false);
  await panel.page.focus(INPUT);
  await panel.page.keyboard.type('?');
  expect(await panel.page.isVisible('dialog.help')).toBe(true);
  await panel.page.click('dialog.help .example:has-text("method:GET,POST")');
  expect(await panel.page.isVisible('dialog.help')).toBe(false);
  expect(await value()).toBe('method:GET,POST');
  await expect.poll(listed).toEqual([1, 2, 3]);
});

it('has the host look into bodies, says how far it is, and lists what was found', async () => {
  await open();
  await panel.page.fill(INPUT, 'get body:tea');
  await expect.poll(() => panel.lastSent('search')).toMatchObject({ query: 'get body:tea', ids: [1, 3] });
  const { search = 0 } = (await panel.lastSent('search')) ?? {};
  expect(await listed()).toEqual([]);
  await panel.post({ type: 'found', search, results: [[1, 1]], done: 1, total: 2 });
  expect(await listed()).toEqual([1]);
  expect(await panel.page.textContent('.searching')).toBe('searched 1 of 2');
  await panel.post({ type: 'found', search: search - 1, results: [[3, 1]], done: 2, total: 2 });
  expect(await listed()).toEqual([1]);
  await panel.post({ type: 'found', search, results: [[3, 0]], done: 2, total: 2 });
  expect(await listed()).toEqual([1]);
  expect(await panel.page.isVisible('.searching')).toBe(false);
});
