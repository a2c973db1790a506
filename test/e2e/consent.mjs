// The question whether hooks may run in debugged programs: asked when a program is debugged in which one would.
import assert from 'node:assert/strict';

export async function consent(steps, workbench, { url, workspace }) {
  const { page } = workbench;
  const question = page.locator('.notification-list-item-message', { hasText: 'run a small hook' });

  await steps.step('Break on Calls without a program asks nothing', async () => {
    await workbench.open(url, workspace);
    await workbench.command('HTTP Trace: Break on Calls…');
    await workbench.input.fill('path:/nothing-calls-this');
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
}
