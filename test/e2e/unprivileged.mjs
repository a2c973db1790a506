// A user without the right to load programs into the kernel, and without sudo.
import assert from 'node:assert/strict';
import { eventually } from './harness.mjs';

export async function unprivileged(steps, workbench, { url, workspace }) {
  const { page } = workbench;
  const asked = page.locator('.monaco-dialog-box', { hasText: 'sudo' });
  const terminal = page.locator('.terminal-wrapper.active');
  /** What sudo has written: a terminal's rows are drawn, but can be read where a screen reader does. */
  const inTerminal = async (text) =>
    eventually(async () => (await terminal.locator('.xterm-rows').textContent()).includes(text), text);
  const messages = page.locator('.notification-toast .notification-list-item-message');

  await steps.step(
    'without permission the exact command is shown before anything asks for a password',
    async () => {
      await workbench.open(url, workspace);
      await workbench.startDebugging();
      await workbench.command('Start HTTP Trace');
      await asked.waitFor();
      await workbench.picture('permission-dark');
    },
  );

  await steps.step('refusing it is no error', async () => {
    await page.locator('.monaco-dialog-box').getByRole('button', { name: 'Cancel' }).click();
    await workbench.command('Run and Debug: Focus on HTTP Calls View');
    await page.getByText('See every HTTP call your program makes').waitFor();
    await workbench.picture('refused-dark');
  });

  await steps.step(
    'a wrong password is one message that says so, and one can try again at once',
    async () => {
      await workbench.command('Start HTTP Trace');
      await asked.getByRole('button', { name: 'Open Terminal' }).click();
      for (let attempt = 1; attempt <= 3; attempt++) {
        await inTerminal(attempt === 1 ? 'password for nobody' : 'try again');
        await eventually(
          async () =>
            (await terminal.locator('.xterm-rows').textContent()).split('password for nobody').length >
            attempt,
          `prompt ${attempt}`,
        );
        if (attempt === 1) {
          await workbench.statusItem.filter({ hasText: 'Starting HTTP Trace' }).waitFor();
          await workbench.picture('sudo-dark');
        }
        await page.keyboard.type('wrong');
        await page.keyboard.press('Enter');
      }
      const message = messages.filter({ hasText: 'sudo did not grant' });
      await message.waitFor();
      await workbench.picture('wrong-password-dark');
      assert.deepEqual(await messages.count(), 1);
      await page.locator('.notification-toast').getByRole('button', { name: 'Try Again' }).click();
      await asked.waitFor();
    },
  );

  await steps.step('a prompt that is given up by closing its terminal is no error', async () => {
    await asked.getByRole('button', { name: 'Open Terminal' }).click();
    await inTerminal('password for nobody');
    await workbench.command('Terminal: Kill the Active Terminal Instance');
    await terminal.waitFor({ state: 'detached' });
    await workbench.command('Run and Debug: Focus on HTTP Calls View');
    await page.getByText('See every HTTP call your program makes').waitFor();
    assert.equal(await messages.count(), 0);
    await workbench.picture('gave-up-dark');
  });

  await steps.step('the command that installs the trusted loader is shown before it runs', async () => {
    await workbench.command('HTTP Trace: Install Trusted Loader');
    const dialog = page.locator('.monaco-dialog-box', { hasText: 'sha256sum -c' });
    await dialog.waitFor();
    await workbench.picture('install-dark');
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'detached' });
  });

  await steps.step('where none is installed, removing it says so', async () => {
    await workbench.command('HTTP Trace: Remove Trusted Loader');
    await page.locator('.notification-toast', { hasText: 'No trusted loader is installed.' }).waitFor();
  });
}
