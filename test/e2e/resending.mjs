// From a call to its request in an editor, and from there to the server again.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { eventually } from './harness.mjs';
import { Menu } from './menu.mjs';

export async function resending(steps, workbench, { url, workspace }) {
  const { page, rows } = workbench;
  const menu = new Menu(page);
  const order = () => rows.filter({ hasText: '/orders' }).filter({ hasText: '201' }).first();
  const tab = (name) => page.getByRole('tab', { name: new RegExp(`^${name}`) });
  const lens = page.locator('.codelens-decoration a', { hasText: 'Send' });
  const dialog = page.locator('.monaco-dialog-box');

  await steps.step('calls are shown', async () => {
    await workbench.open(url, workspace);
    await workbench.startDebugging();
    await workbench.command('Start HTTP Trace');
    await workbench.filter('/orders');
    await order().waitFor();
    await workbench.quiet();
  });

  await steps.step('Edit and Resend opens the request, with a “Send” above it', async () => {
    await order().click({ button: 'right' });
    await menu.choose('Edit and Resend…');
    await tab('POST orders.http').waitFor();
    // Also if the editor loses the focus before VS Code has asked for what is above its lines.
    await workbench.panel.getByRole('treegrid', { name: 'HTTP calls' }).focus();
    await lens.waitFor();
    await workbench.settle();
    await workbench.picture('request-dark');
  });

  await steps.step('a click on it sends, and the response opens beside', async () => {
    await lens.click();
    await tab('Response to POST orders.txt').waitFor();
    await page.locator('.view-lines', { hasText: '201 Created' }).waitFor();
    // The request is still what one types into.
    assert.equal(await tab('POST orders.http').getAttribute('aria-selected'), 'true');
    await workbench.settle();
    await workbench.picture('response-dark');
  });

  await steps.step('by keyboard as well', async () => {
    const response = page.locator('.view-lines', { hasText: '201 Created' });
    const before = await response.textContent();
    await page.locator('.editor-instance .view-line', { hasText: 'POST' }).first().click();
    await page.keyboard.press('Control+Alt+r');
    // Another order has another number.
    await eventually(async () => (await response.textContent()) !== before, 'the second response');
    await workbench.command('View: Close All Editors');
  });

  await steps.step('Resend of the selected call, from the palette, asks as it is a POST', async () => {
    await order().click();
    await workbench.command('HTTP Trace: Resend');
    await dialog.filter({ hasText: 'Send this POST request again?' }).waitFor();
    await dialog.filter({ hasText: /POST http:\/\/127\.0\.0\.1:\d+\/orders/ }).waitFor();
    await workbench.picture('resend-asks-dark');
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    assert.equal(await tab('Response to').count(), 0);
    await workbench.command('HTTP Trace: Resend');
    await dialog.getByRole('button', { name: 'Resend' }).click();
    await tab('Response to POST orders.txt').waitFor();
    await workbench.command('View: Close All Editors');
  });

  await steps.step(
    'a secret of a response is shown by a click above it, and hidden by the palette',
    async () => {
      const server = createServer((_, response) =>
        response.setHeader('Set-Cookie', 'session=sesame').end('open'),
      );
      await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
      try {
        await order().click({ button: 'right' });
        await menu.choose('Edit and Resend…');
        await page.locator('.editor-instance .view-line', { hasText: 'POST' }).first().click();
        await page.keyboard.press('Control+a');
        await page.keyboard.insertText(`GET http://127.0.0.1:${server.address().port}/door HTTP/1.1\n\n`);
        await page.keyboard.press('Control+Alt+r');
        await tab('Response to POST orders.txt').waitFor();
        const response = page.locator('.view-lines', { hasText: 'Set-Cookie:' });
        await response.filter({ hasText: '••••••' }).waitFor();
        await page.locator('.codelens-decoration a', { hasText: 'Show Secrets' }).click();
        await response.filter({ hasText: 'session=sesame' }).waitFor();
        await response.click();
        await workbench.command('HTTP Trace: Show or Hide Secrets of Response');
        await response.filter({ hasText: '••••••' }).waitFor();
      } finally {
        server.close();
      }
    },
  );
}
