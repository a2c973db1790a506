// Calls that are kept when VS Code itself ends, and what a window at 200 % shows of them.
import assert from 'node:assert/strict';
import { eventually } from './harness.mjs';

/** Pixels of a window of 1440 × 900 at this zoom: 720 × 450. */
const ZOOM = 2;

export async function keepAlways(steps, workbench, { url, workspace, restart }) {
  const countOf = async ({ statusItem }) =>
    Number(/^\D*([\d,]+) calls/.exec(await statusItem.textContent())?.[1].replace(',', ''));
  let before = 0;
  let window = workbench;

  await steps.step('a trace has ended, and VS Code ends', async () => {
    await workbench.open(url, workspace);
    await workbench.startDebugging();
    await workbench.command('Start HTTP Trace');
    await workbench.rows.filter({ hasText: '/orders' }).first().waitFor();
    await workbench.command('Stop HTTP Trace');
    await workbench.statusItem.locator('.codicon-debug-stop').waitFor();
    before = await countOf(workbench);
    assert(before > 0);
  });

  await steps.step('a new VS Code shows its calls, and says where they are from', async () => {
    const opened = await restart(ZOOM);
    window = opened.workbench;
    await window.open(opened.url, workspace);
    await window.command('HTTP Trace: Focus on HTTP Trace View');
    await window.command('View: Toggle Maximized Panel');
    await window.rows.filter({ hasText: '/orders' }).first().waitFor();
    await window.statusItem.filter({ hasText: `${before} calls` }).waitFor();
    await window.panel.getByText('Kept from an earlier run of VS Code').waitFor();
    await window.picture('keep-always-zoomed');
  });

  await steps.step('at 200 % nothing of the panel is out of reach', async () => {
    await window.rows.filter({ hasText: '/orders' }).first().click();
    await window.page.keyboard.press('Enter');
    await window.details.getByRole('tab').first().waitFor();
    await window.settle();
    await window.picture('keep-always-zoomed-details');
    const out = await window.panel.locator('body').evaluate((body) => {
      const { clientWidth, clientHeight } = body.ownerDocument.documentElement;
      const controls = [...body.querySelectorAll('.toolbar button, .toolbar input, [role="tab"]')];
      return controls
        .filter((control) => control.checkVisibility())
        .map((control) => [control.textContent || control.ariaLabel, control.getBoundingClientRect()])
        .filter(
          ([, { left, right, top, bottom }]) =>
            left < 0 || top < 0 || right > clientWidth + 1 || bottom > clientHeight + 1,
        )
        .map(([name]) => name);
    });
    assert.deepEqual(out, []);
  });

  await steps.step('Clear removes them for good', async () => {
    await window.command('HTTP Trace: Clear Calls');
    await window.panel.getByRole('button', { name: 'Open Trace…' }).waitFor();
    const opened = await restart();
    window = opened.workbench;
    await window.open(opened.url, workspace);
    await window.command('HTTP Trace: Focus on HTTP Trace View');
    await window.panel.getByRole('button', { name: 'Open Trace…' }).waitFor();
    // What is kept is shown some time after the window opened.
    await window.page.waitForTimeout(3_000);
    await eventually(async () => (await window.rows.count()) === 0, 'no call is listed');
  });
}
