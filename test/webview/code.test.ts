/** Bodies of HTML, CSS and JavaScript, laid out in the details; pictures are in test-output/webview. */
import { afterEach, describe, expect, it } from 'vitest';
import { call, exchangeOf, message, statusOf } from './harness/calls.ts';
import { openPanel, type PanelPage } from './harness/panelPage.ts';

let panel: PanelPage;

afterEach(async () => {
  expect(panel.problems).toEqual([]);
  await panel.close();
});

async function open(type: string, text: string, width = 1500): Promise<void> {
  panel = await openPanel({ width });
  const row = call({ id: 1 });
  await panel.fill([row], statusOf([row]));
  await panel.page.click('#call-1');
  await expect.poll(async () => (await panel.lastSent('details'))?.id).toBe(1);
  const size = text.length;
  const response = message({
    headers: [['Content-Type', type]],
    bodySize: size,
    bodyCaptured: size,
    body: { text },
  });
  await panel.post({ type: 'details', id: 1, exchange: exchangeOf(row, { response }) });
  await panel.page.click('#tab-response');
}

const tabpanel = () => panel.page.locator('#tabpanel');
const lines = (): Promise<string[]> =>
  tabpanel()
    .locator('.laid-out:not([hidden])')
    .evaluateAll((all) => all.map((line) => line.textContent));

describe('code', () => {
  it('HTML has an element a line, with its scripts and styles laid out, and is text only', async () => {
    const page =
      '<!doctype html><body onload="document.title=1"><style>a{color:red}</style><h1>Hello <b>you</b></h1>' +
      '<script>document.title="gone";if(a){b()}</script><img src=x onerror="document.title=2">';
    await open('text/html; charset=utf-8', page);
    expect(await lines()).toEqual([
      '<!doctype html>',
      '<body onload="document.title=1">',
      '  <style>',
      '    a {',
      '      color: red',
      '    }',
      '  </style>',
      '  <h1>Hello <b>you</b></h1>',
      '  <script>',
      '    document.title = "gone";',
      '    if (a) {',
      '      b()',
      '    }',
      '  </script>',
      '  <img src=x onerror="document.title=2">',
    ]);
    expect(await panel.page.title()).not.toMatch(/gone|1|2/);
    expect(await tabpanel().locator('.content h1, .content script, .content img').count()).toBe(0);
    await tabpanel().getByRole('button', { name: 'Raw', exact: true }).click();
    expect(await tabpanel().locator('pre').textContent()).toBe(page);
    await tabpanel().getByRole('button', { name: 'Pretty', exact: true }).click();
    expect(await lines()).toHaveLength(15);
  });

  it('CSS and JavaScript fold, and keep the white space of templates', async () => {
    await open('text/css', 'a{color:red;top:0}@media print{a{b:c}}');
    expect(await lines()).toEqual([
      'a {',
      '  color: red;',
      '  top: 0',
      '}',
      '@media print {',
      '  a {',
      '    b: c',
      '  }',
      '}',
    ]);
    await panel.close();
    await open('application/javascript', 'function f(a){if(a){g(`x\n  y`)}}f(1)');
    expect(await lines()).toEqual(['function f(a) {', '  if (a) {', '    g(`x', '  y`)', '  }', '}', 'f(1)']);
    await tabpanel().locator('.laid-out', { hasText: 'function f' }).locator('.fold').click();
    expect(await lines()).toEqual(['function f(a) {', '}', 'f(1)']);
  });

  it('of a large bundle the first part is there at once, and no more than the limit', async () => {
    const bundle = 'var a=function(b){if(b){return b+1}else{c.d(b,{e:1,f:"g"})}};'.repeat(20_000);
    await open('text/javascript', bundle);
    await tabpanel().locator('.laid-out').first().waitFor();
    expect(await tabpanel().textContent()).toContain('Only the first 256 KiB are shown');
    const made = () => tabpanel().locator('.laid-out').count();
    const first = await made();
    expect(first).toBeGreaterThan(200);
    expect(first).toBeLessThan(2_000);
    // The next ones come when one scrolls near to them, as often as one does.
    for (let before = first, i = 0; i < 3; before = await made(), i++) {
      await tabpanel().evaluate((element) =>
        element.scrollTo(0, element.scrollHeight - element.clientHeight - 1_000),
      );
      await expect.poll(made).toBeGreaterThan(before);
    }
    // What is folded is not made.
    await tabpanel().getByRole('button', { name: 'Fold', exact: true }).click();
    await expect.poll(() => tabpanel().locator('.laid-out.folded').count()).toBeGreaterThan(100);
    expect((await lines()).slice(0, 3)).toEqual(['var a = function(b) {', '  if (b) {', '  } else {']);
    expect(await made()).toBeLessThan(5_000);
  });

  it('a list without an end is parted', async () => {
    await open('application/javascript', `a([${'1,'.repeat(20_000)}])`);
    await tabpanel().locator('.laid-out').first().waitFor();
    const pieces = await tabpanel()
      .locator('.laid-out')
      .evaluateAll((all) => all.map((line) => line.childElementCount));
    expect(Math.max(...pieces)).toBeLessThanOrEqual(201);
  });
});
