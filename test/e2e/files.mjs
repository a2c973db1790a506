// Files of calls: opened beside what is traced, by people who trace nothing.
import assert from 'node:assert/strict';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { eventually } from './harness.mjs';

/** As Chrome and Firefox write them. */
const ENTRIES = [
  entry('POST', 'https://api.example/orders?token=sesame', 201, 40, '{"id":7}'),
  entry('GET', 'https://api.example/orders/7', 404, 12, '{"error":"none"}'),
  entry('GET', 'http://127.0.0.1:9/', 0, 3, null),
];

function entry(method, url, status, wait, text) {
  return {
    startedDateTime: '2026-11-22T18:00:00.000+01:00',
    time: wait,
    request: { method, url, httpVersion: 'h2', headers: [{ name: ':method', value: method }], bodySize: 0 },
    response: {
      status,
      statusText: '',
      headers: status === 0 ? [] : [{ name: 'content-type', value: 'application/json' }],
      content: text === null ? { size: 0 } : { size: text.length, mimeType: 'application/json', text },
      bodySize: -1,
      ...(status === 0 ? { _error: 'net::ERR_CONNECTION_REFUSED' } : {}),
    },
    cache: {},
    timings: { blocked: 1, dns: -1, connect: -1, ssl: -1, send: 0, wait, receive: 0 },
    serverIPAddress: '192.0.2.7',
  };
}

export async function files(steps, workbench, { url, workspace }) {
  const { page, rows, tree, panel } = workbench;
  const archive = join(workspace, 'chrome.har');
  const messages = page.locator('.notification-list-item-message');
  writeFileSync(archive, JSON.stringify({ log: { version: '1.2', creator: {}, entries: ENTRIES } }));
  /** The dialog for files, which in the browser is a quick input. */
  const choose = async (path) => {
    await eventually(async () => (await workbench.input.inputValue()).startsWith('/'), 'the dialog is open');
    // What is typed while it reads the folder is lost, and a slow window closes it later than it is looked at.
    let chosen = false;
    await eventually(async () => {
      if (!(await workbench.input.isVisible())) return chosen;
      if (
        !(await workbench.picks
          .filter({ hasText: basename(path) })
          .first()
          .isVisible())
      )
        return false;
      // It may close meanwhile, with what was typed before.
      await workbench.input.fill(path, { timeout: 1_000 }).catch(() => {});
      if ((await workbench.input.inputValue({ timeout: 1_000 }).catch(() => '')) !== path) return false;
      await page.keyboard.press('Enter');
      chosen = true;
      return workbench.input.waitFor({ state: 'hidden', timeout: 2_000 }).then(
        () => true,
        () => false,
      );
    }, 'the file is chosen');
  };

  await steps.step('an empty panel offers to open a trace', async () => {
    await workbench.open(url, workspace);
    await workbench.command('HTTP Trace: Focus on HTTP Trace View');
    await panel.getByRole('button', { name: 'Open Trace…' }).waitFor();
    await workbench.picture('files-empty-dark');
    await panel.getByRole('button', { name: 'Open Trace…' }).click();
    await choose(archive);
    await rows.filter({ hasText: '/orders' }).first().waitFor();
  });

  await steps.step('rows say which file they are from, and hide its secrets', async () => {
    assert.equal(await rows.count(), 3);
    const order = rows.filter({ hasText: '201' });
    assert.match(await order.textContent(), /chrome\.har/);
    assert.doesNotMatch(await order.textContent(), /sesame/);
    await workbench.statusItem.filter({ hasText: '3 calls · 2 errors' }).waitFor();
    await order.click();
    await page.keyboard.press('Enter');
    await workbench.tab('Response');
    await workbench.details.getByText('"id"').waitFor();
    await workbench.settle();
    await workbench.picture('files-dark');
  });

  await steps.step('the tree has them below the file', async () => {
    await workbench.command('Run and Debug: Focus on HTTP Calls View');
    await workbench.leaveOnly('HTTP Calls');
    await tree.filter({ hasText: 'chrome.har' }).waitFor();
    await workbench.settle();
    await workbench.picture('files-tree-dark');
  });

  await steps.step('the filter, copies and the export work as with any call', async () => {
    await workbench.filter('process:chrome body:none');
    await eventually(async () => (await rows.count()) === 1, 'one call is listed');
    await rows.first().click();
    await workbench.command('HTTP Trace: Copy as cURL');
    await page.locator('.statusbar-item', { hasText: 'Copied as cURL' }).waitFor();
    await workbench.filter('');
    await workbench.command('HTTP Trace: Export HAR…');
    await workbench.picks.filter({ hasText: 'All calls' }).click();
    await workbench.picks.filter({ hasText: 'Secrets masked' }).click();
    const path = join(workspace, 'calls.har');
    // That of another scenario: VS Code would ask.
    rmSync(path, { force: true });
    await eventually(async () => (await workbench.input.inputValue()) === path, 'a name is offered');
    await page.keyboard.press('Enter');
    await messages.filter({ hasText: 'Exported 3 calls' }).waitFor();
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.doesNotMatch(readFileSync(path, 'utf8'), /sesame/);
    await workbench.quiet();
  });

  await steps.step('what was exported is imported again, beside the rest', async () => {
    await workbench.command('HTTP Trace: Import HAR…');
    await choose(join(workspace, 'calls.har'));
    await eventually(async () => (await rows.count()) === 6, 'the calls of both files are listed');
    await workbench.statusItem.filter({ hasText: '6 calls · 4 errors' }).waitFor();
  });

  await steps.step('a file that is not a trace says so', async () => {
    await workbench.command('HTTP Trace: Import HAR…');
    await choose(join(workspace, 'README.md'));
    await messages.filter({ hasText: 'README.md cannot be opened. The file is neither' }).waitFor();
    await workbench.picture('files-none-dark');
    await workbench.quiet();
  });

  await steps.step('a trace is saved, with its secrets, after a word about them', async () => {
    await workbench.command('HTTP Trace: Clear Calls');
    await workbench.startDebugging();
    await workbench.command('Start HTTP Trace');
    await rows.filter({ hasText: '/orders' }).first().waitFor();
    await workbench.command('Stop HTTP Trace');
    await workbench.command('HTTP Trace: Save Trace…');
    await page.getByText('Save the trace with its secrets?').waitFor();
    await workbench.picture('files-save-dark');
    await page.getByRole('button', { name: 'Save with Secrets' }).click();
    const path = join(workspace, 'calls.httptrace');
    await eventually(async () => (await workbench.input.inputValue()) === path, 'a name is offered');
    await page.keyboard.press('Enter');
    await messages.filter({ hasText: 'Saved the trace' }).waitFor();
    assert.equal(statSync(path).mode & 0o777, 0o600);
    await workbench.quiet();
  });

  await steps.step('what was captured survives a reload, and says so', async () => {
    const before = Number(/^\D*(\d+) calls/.exec(await workbench.statusItem.textContent())?.[1]);
    assert(before > 0);
    await workbench.command('Developer: Reload Window');
    workbench.hasDebugged = false;
    await page.locator('.monaco-workbench').waitFor();
    await workbench.command('HTTP Trace: Focus on HTTP Trace View');
    await rows.filter({ hasText: '/orders' }).first().waitFor();
    await workbench.statusItem.filter({ hasText: `${before} calls` }).waitFor();
    await panel.getByText('Kept from before the window was reloaded').waitFor();
    await workbench.picture('files-kept-dark');
  });

  await steps.step('a trace that was saved is opened beside it', async () => {
    await workbench.command('HTTP Trace: Open Trace…');
    await choose(join(workspace, 'calls.httptrace'));
    await workbench.filter('process:httptrace');
    await rows.filter({ hasText: 'calls.httptrace' }).first().waitFor();
    await workbench.filter('');
    await workbench.picture('files-saved-dark');
  });

  await steps.step('a double click on a recording opens it', async () => {
    await workbench.command('HTTP Trace: Clear Calls');
    await workbench.command('View: Show Explorer');
    await page.locator('.explorer-folders-view').getByText('calls.httptrace').dblclick();
    await page.locator('.tab', { hasText: 'calls.httptrace' }).waitFor();
    await workbench.statusItem.filter({ hasText: /\d calls/ }).waitFor();
    await workbench.settle();
    await workbench.picture('files-editor-dark');
    // Then there is one webview again.
    await workbench.command('View: Close All Editors');
    await rows.filter({ hasText: '/orders' }).first().waitFor();
  });

  await steps.step('a file that is dropped on the panel is opened', async () => {
    await workbench.command('HTTP Trace: Clear Calls');
    const drop = (data) =>
      panel.locator('body').evaluate((body, { text, uri }) => {
        const dataTransfer = new DataTransfer();
        if (text !== undefined) dataTransfer.items.add(new File([text], 'dropped.har'));
        if (uri !== undefined) dataTransfer.setData('text/uri-list', uri);
        const event = { dataTransfer, bubbles: true, cancelable: true };
        body.dispatchEvent(new DragEvent('dragover', event));
        body.dispatchEvent(new DragEvent('drop', event));
      }, data);
    await drop({ text: readFileSync(archive, 'utf8') });
    await rows.filter({ hasText: 'dropped.har' }).first().waitFor();
    await drop({ uri: `file://${archive}` });
    await rows.filter({ hasText: 'chrome.har' }).first().waitFor();
  });

  await steps.step('with Shift, so is one from the Explorer', async () => {
    await workbench.command('HTTP Trace: Clear Calls');
    await workbench.command('View: Show Explorer');
    const file = page.locator('.explorer-folders-view').getByText('chrome.har');
    const drag = async () => {
      // The Explorer may still move it, as it shows files that have just been written: hover waits until it stands still.
      await file.hover();
      const from = await file.boundingBox();
      const to = await page.locator('iframe.webview.ready').boundingBox();
      await page.mouse.move(from.x + 10, from.y + 8);
      await page.mouse.down();
      await page.keyboard.down('Shift');
      for (const share of [0.2, 0.5, 0.8, 0.9, 1])
        await page.mouse.move(
          from.x + (to.x + to.width / 2 - from.x) * share,
          from.y + (to.y + to.height / 2 - from.y) * share,
          { steps: 4 },
        );
      await page.mouse.up();
      await page.keyboard.up('Shift');
    };
    await eventually(async () => {
      await drag();
      const shown = rows.filter({ hasText: 'chrome.har' }).first();
      return shown.waitFor({ timeout: 10_000 }).then(
        () => true,
        () => false,
      );
    }, 'it is opened');
  });

  await steps.step('Clear leaves nothing of them', async () => {
    await workbench.command('HTTP Trace: Clear Calls');
    await panel.getByRole('button', { name: 'Open Trace…' }).waitFor();
    await workbench.statusItem.waitFor({ state: 'hidden' });
  });
}
