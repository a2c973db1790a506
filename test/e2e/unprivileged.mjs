// A user without the right to load programs into the kernel, and without sudo.
export async function unprivileged(steps, workbench, { url, workspace }) {
  const { page } = workbench;

  await steps.step(
    'without permission the exact command is shown before anything asks for a password',
    async () => {
      await workbench.open(url, workspace);
      await workbench.startDebugging();
      await workbench.command('Start HTTP Trace');
      await page.locator('.monaco-dialog-box', { hasText: 'sudo' }).waitFor();
      await workbench.picture('permission-dark');
    },
  );

  await steps.step('refusing it is no error', async () => {
    await page.locator('.monaco-dialog-box').getByRole('button', { name: 'Cancel' }).click();
    await workbench.command('Run and Debug: Focus on HTTP Calls View');
    await page.getByText('See every HTTP call your program makes').waitFor();
    await workbench.picture('refused-dark');
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
