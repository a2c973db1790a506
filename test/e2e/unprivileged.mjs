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
}
