// What is asked when debugging starts: whether to trace, and whether hooks may run in the program.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './harness.mjs';

export async function consent(steps, workbench, { url, workspace, dataDir }) {
  const { page } = workbench;
  const question = page.locator('.notification-list-item-message', { hasText: 'run a small hook' });

  await steps.step('Break on Calls without a program asks nothing', async () => {
    await workbench.open(url, workspace);
    await workbench.command('HTTP Trace: Break on Calls…');
    await workbench.answer('path:/nothing-calls-this');
    await page.keyboard.press('Enter');
    await page
      .getByRole('tree', { name: /Break on Calls/ })
      .locator('[role="treeitem"]', { hasText: '/nothing-calls-this' })
      .waitFor();
    // The question came right behind it.
    await page.waitForTimeout(1_500);
    assert.equal(await question.count(), 0);
  });

  await steps.step('a program of Node.js is debugged: it is asked, once', async () => {
    await workbench.startDebugging();
    await question.first().waitFor();
    assert.equal(await question.count(), 1);
    await workbench.picture('hooks-question-dark');
  });

  await steps.step('whether to trace: the answer “Always” starts a trace, and is kept', async () => {
    const trace = page.locator('.notification-toast', {
      hasText: 'Trace the HTTP calls of “Shop with customer',
    });
    await trace.getByRole('button', { name: 'Always' }).click();
    await page.locator('.statusbar-item[id*="httpTrace"] .codicon-pulse').waitFor();
    const settings = join(dataDir, 'data/User/settings.json');
    await eventually(
      () => /"httpTrace\.startWithDebugging": "always"/.test(readFileSync(settings, 'utf8')),
      'the setting is “always”',
    );
  });
}
