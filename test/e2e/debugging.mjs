// Three services under the debugger: the story, a pause, source lines and the waterfall. Named on the command line, it
// also takes README's pictures of these into media/.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { root } from '../vscode/bundle.mjs';
import { eventually } from './harness.mjs';
import { THEMES } from './workbench.mjs';

/** Pixels. */
const PANEL_HEIGHT = 360;
/** How long the program is paused for the picture, in milliseconds. */
const PAUSE = 1_200;
/** By then the list shows what a range chooses, in milliseconds. */
const LISTED_MS = 3_000;

export async function debugging(steps, workbench, { url, workspace, takes }) {
  const { page, panel, rows } = workbench;
  const part = page.locator('.part.panel');
  const marks = panel.locator('.overview .mark');
  const editorTab = (file) => page.locator('.tab.active', { hasText: file });
  const take = async (name, clip) => {
    if (takes) await page.screenshot({ path: join(root, 'media', `${name}.png`), ...(clip ? { clip } : {}) });
  };

  await steps.step('three services are debugged, and traced from the start', async () => {
    await workbench.open(url, workspace);
    // Its settings leave the debug console closed.
    workbench.hasDebugged = true;
    await workbench.startDebugging();
    await workbench.command('HTTP Trace: Focus on HTTP Trace View');
    await rows.filter({ hasText: '/orders/' }).first().waitFor();
    await workbench.quiet();
    await workbench.resizePanel(PANEL_HEIGHT);
    await rows.filter({ hasText: '/orders/3' }).first().waitFor();
  });

  await steps.step('what the services print is on the time line; the pointer tells it', async () => {
    const mark = marks.first();
    await mark.waitFor();
    await eventually(async () => /order 1: floor, 7 left/.test(await mark.getAttribute('title')), 'its text');
  });

  await steps.step('a click on a mark opens its line', async () => {
    await marks.first().click();
    await editorTab('gateway.js').waitFor();
    await eventually(
      async () => /Ln 28\b/.test(await page.locator('[id="status.editor.selection"]').textContent()),
      'the line that prints',
    );
  });

  await steps.step('each call has its line, in the list and above the code', async () => {
    await eventually(
      async () => (await rows.locator('.c-source', { hasText: 'gateway.js:' }).count()) > 0,
      'a source line in the list',
    );
    await page.locator('.codelens-decoration', { hasText: /call/ }).first().waitFor();
    await workbench.quiet();
    await workbench.settle();
    await workbench.picture('source-lines-dark');
    await take('source-line');
  });

  await steps.step('the calls of three services are one waterfall', async () => {
    await eventually(
      async () => (await rows.evaluateAll((all) => all.some((row) => row.ariaLevel === '3'))) === true,
      'a call beneath a call beneath a call',
    );
    const strip = await panel.locator('.overview').boundingBox();
    const showAll = () => page.mouse.dblclick(strip.x + strip.width / 2, strip.y + 4);
    // Of one order: from after the mark before it to its own, which move while the orders go on.
    await eventually(async () => {
      const [before, own] = await Promise.all([2, 3].map((index) => marks.nth(index).boundingBox()));
      await page.mouse.move(before.x + before.width + 1, strip.y + 4);
      await page.mouse.down();
      await page.mouse.move(own.x + own.width, strip.y + 4, { steps: 5 });
      await page.mouse.up();
      return eventually(async () => (await rows.count()) === 4, 'its rows', LISTED_MS).catch(showAll);
    }, 'the four calls of one order');
    assert.deepEqual(await rows.evaluateAll((all) => all.map((row) => Number(row.ariaLevel))), [1, 2, 3, 2]);
    const processes = await rows.locator('.c-process').allTextContents();
    assert(
      /gateway\.js.*gateway\.js.*orders\.js.*orders\.js.*stock\.js.*stock\.js/.test(processes.join(' ')),
      processes,
    );
    await workbench.quiet();
    await workbench.settle();
    await take('waterfall', await part.boundingBox());
    await showAll();
  });

  await steps.step('a breakpoint in a service is a band', async () => {
    await workbench.command('Go to File...');
    await workbench.answer('orders.js');
    await workbench.picks.filter({ hasText: 'orders.js' }).first().click();
    await editorTab('orders.js').waitFor();
    await workbench.command('Go to Line/Column...');
    await workbench.answer(':23');
    await page.keyboard.press('Enter');
    await page.keyboard.press('F9');
    await page.locator('.debug-top-stack-frame-column, .debug-top-stack-frame-line').first().waitFor();
    await page.waitForTimeout(PAUSE);
    await page.keyboard.press('F9');
    await page.keyboard.press('F5');
    await page.waitForTimeout(PAUSE);
    const bands = () =>
      rows
        .locator('.c-waterfall')
        .first()
        .evaluate((cell) => getComputedStyle(cell).backgroundImage);
    await eventually(async () => /gradient/.test(await bands()), 'a band behind the waterfall');
    await workbench.quiet();
    await workbench.settle();
    await workbench.picture('pause-dark');
    await take('pause', await part.boundingBox());
  });

  // For people to look at: nothing is asserted.
  if (workbench.takesPictures)
    await steps.step('the story in every theme', async () => {
      for (const [theme, kind] of THEMES) {
        await workbench.theme(theme);
        await workbench.settle();
        await workbench.picture(`story-${kind}`);
      }
    });
}
