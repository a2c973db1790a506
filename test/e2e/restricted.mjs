// A workspace that the user does not trust.
import assert from 'node:assert/strict';

export async function restricted(steps, workbench, { url, workspace }) {
  const { page } = workbench;

  await steps.step('in Restricted Mode the tree says why nothing can be traced', async () => {
    await page.goto(`${url}/?folder=${encodeURIComponent(workspace)}`);
    // Nobody has trusted this folder; VS Code may ask in a dialog, or open it restricted at once.
    const refuse = page.getByRole('button', { name: /No, I don't trust/ });
    const banner = page.getByText('Restricted Mode is intended for safe code browsing');
    await refuse.or(banner).first().waitFor();
    if (await refuse.isVisible()) await refuse.click();
    await workbench.command('Run and Debug: Focus on HTTP Calls View');
    await page.getByText('HTTP Trace is off in Restricted Mode').waitFor();
    await workbench.picture('restricted-mode');
  });

  await steps.step('and Start HTTP Trace is not offered', async () => {
    await page.keyboard.press('F1');
    await workbench.input.fill('>Start HTTP Trace');
    await page.locator('.quick-input-list .monaco-list-row').first().waitFor();
    const offered = await workbench.picks.allInnerTexts();
    assert(!offered.some((text) => text.includes('Start HTTP Trace')), offered.join('\n'));
    await page.keyboard.press('Escape');
  });
}
