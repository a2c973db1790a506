// The main job, from opening the folder to clearing the list.
import assert from 'node:assert/strict';
import { variants } from '../kit/tier.mjs';
import { eventually } from './harness.mjs';
import { listKeys } from './listKeys.mjs';
import { THEMES } from './workbench.mjs';

export async function tracing(steps, workbench, { url, workspace }) {
  const { page, rows, details, tree } = workbench;

  await steps.step('the workspace opens', async () => {
    await workbench.open(url, workspace);
  });

  await steps.step('before debugging, panel and tree say what to do', async () => {
    await workbench.command('Run and Debug: Focus on HTTP Calls View');
    await page.getByText('Start debugging, then start a trace').waitFor();
    await workbench.command('HTTP Trace: Focus on HTTP Trace View');
    await workbench.panel.getByText('Start a trace to see every HTTP call').waitFor();
    await workbench.picture('welcome-dark');
  });

  await steps.step('F5 starts the sample', async () => {
    await workbench.startDebugging();
  });

  await steps.step('Start HTTP Trace from the palette shows calls in the panel', async () => {
    await workbench.command('Start HTTP Trace');
    await rows.nth(10).waitFor();
    await rows.filter({ hasText: '/orders' }).first().waitFor();
  });

  await steps.step('the status bar counts calls and errors', async () => {
    await eventually(
      async () => /\d+ calls · \d+ errors?/.test(await workbench.statusItem.textContent()),
      'calls and errors in the status bar',
    );
  });

  await steps.step('a click on a row opens its details', async () => {
    await workbench.filter('/orders');
    const row = rows.filter({ hasText: '201' }).first();
    await row.waitFor();
    await row.click();
    await details.waitFor();
    await details.getByText('/orders').first().waitFor();
    await workbench.picture('details-dark');
  });

  await steps.step('the response is shown as text', async () => {
    await details.getByRole('tab', { name: 'Response' }).click();
    await details.getByText('with a bow — danke').first().waitFor();
    await workbench.picture('response-dark');
  });

  await steps.step('the filter can be cleared', async () => {
    await workbench.filter('');
    await rows.filter({ hasText: '/chairs' }).first().waitFor();
  });

  await steps.step('a call of the program to itself is one row, which unfolds to both ends', async () => {
    await workbench.filter('/orders status:201');
    const both = rows.and(workbench.panel.locator('[aria-expanded]'));
    await workbench.panel.locator('.count-calls').filter({ hasText: ' of ' }).waitFor();
    await both.first().waitFor();
    // A list that is scrolled away from its end does not follow the newest calls: its rows stay where they are.
    const list = workbench.panel.getByRole('treegrid', { name: 'HTTP calls' });
    await list.hover();
    await page.mouse.wheel(0, -100_000);
    // Of an order that was under way when the trace began, only one end may be known: it is a row by itself.
    const first = both.first();
    await workbench.panel.locator('[aria-rowindex="2"]').waitFor();
    await first.waitFor();
    const withOneEnd = async () => (await rows.count()) - (await both.count());
    await eventually(
      async () => (await withOneEnd()) <= 1,
      'at most the order that was under way has one end',
    );
    const id = await first.getAttribute('id');
    const row = rows.and(workbench.panel.locator(`#${id}`));
    await row.locator('.twistie').click();
    await workbench.panel.locator(`#${id}[aria-expanded="true"]`).waitFor();
    const server = rows.and(workbench.panel.locator('[aria-level="2"]'));
    await eventually(async () => (await server.count()) === 1, 'the server’s row');
    await workbench.picture('both-ends-dark');
    await row.locator('.twistie').click();
    await eventually(async () => (await server.count()) === 0, 'the server’s row folded away');
    await list.hover();
    await page.mouse.wheel(0, 100_000);
  });

  await steps.step('a switch shows both ends as two rows, and the setting keeps it', async () => {
    const button = workbench.panel.getByRole('button', { name: 'Both Ends of a Call in One Row' });
    // Calls that a call caused are nested beneath it: the server's row beneath the client's.
    const server = rows.and(workbench.panel.locator('[aria-level="2"]'));
    await button.click();
    await eventually(async () => (await server.count()) > 1, 'two rows for each call');
    assert.equal(await button.getAttribute('aria-pressed'), 'false');
    await button.click();
    await eventually(async () => (await server.count()) === 0, 'one row for both ends');
    await rows.and(workbench.panel.locator('[aria-expanded="false"]')).first().waitFor();
    await workbench.filter('');
  });

  await steps.step('the tree holds process, host and route; a call in it leads to the details', async () => {
    await workbench.command('Run and Debug: Focus on HTTP Calls View');
    await workbench.leaveOnly('HTTP Calls');
    const route = tree.filter({ hasText: '/chairs' }).first();
    await route.waitFor();
    await route.click();
    const call = tree.filter({ hasText: 'Not Found' }).first();
    await call.waitFor();
    await call.click();
    await details.getByText('/chairs').first().waitFor();
    await workbench.picture('tree-dark');
  });

  await steps.step('Go to Call… finds by words and leads to the details', async () => {
    await workbench.command('HTTP Trace: Go to Call…');
    await workbench.answer('delete 500');
    await eventually(async () => {
      const offered = await workbench.picks.allTextContents();
      return offered.length > 0 && offered.every((text) => /DELETE.*\/cash-register.*500/.test(text));
    }, 'only what matches is offered');
    await workbench.picture('go-to-call-dark');
    await page.keyboard.press('Enter');
    await details.getByText('/cash-register').first().waitFor();
  });

  await steps.step('light and high contrast', async () => {
    for (const [theme, name] of [...variants(THEMES.slice(0, -1)), ...THEMES.slice(-1)]) {
      await workbench.theme(theme);
      await rows.first().waitFor();
      await workbench.settle();
      await workbench.picture(`calls-${name}`);
    }
  });

  await steps.step('the panel is drawn where it is moved to while a trace runs, and back', async () => {
    for (const [move, name] of [
      ['View: Move Panel Right', 'side'],
      ['View: Move Panel To Bottom', 'bottom'],
    ]) {
      await workbench.command(move);
      await eventually(() => workbench.isPanelDrawn(), `the panel is drawn after ${move}`);
      await rows.first().waitFor();
      await workbench.settle();
      await workbench.picture(`moved-${name}`);
    }
  });

  await steps.step('Stop from the palette; what was captured stays', async () => {
    await workbench.command('Stop HTTP Trace');
    await page.locator('.statusbar-item[id*="httpTrace"] .codicon-debug-stop').waitFor();
    assert((await rows.count()) > 0);
  });

  await listKeys(steps, workbench);

  await steps.step(
    'tree, panel and status bar agree on what is one call, whichever way is chosen',
    async () => {
      const numbers = (text) =>
        /([\d,]+) calls\D+([\d,]+) errors/.exec(text)?.slice(1).join(' calls, ') ?? null;
      const process = tree.and(page.locator('[aria-level="1"]')).first();
      const inTree = async () => numbers(await process.getAttribute('aria-label'));
      const inStatus = async () => numbers(await workbench.statusItem.textContent());
      const inPanel = async () =>
        /[\d,]+ calls/.exec(await workbench.panel.locator('.count-calls').textContent())?.[0];
      const agree = () =>
        eventually(async () => {
          const [said, panel] = [await inStatus(), await inPanel()];
          return said !== null && said === (await inTree()) && said.startsWith(`${panel}, `) && said;
        }, 'the same numbers in all three');
      const button = workbench.panel.getByRole('button', { name: 'Both Ends of a Call in One Row' });
      const ends = tree.and(page.locator('[aria-level="5"]'));
      const once = await agree();
      const call = tree.and(page.locator('[aria-level="4"][aria-expanded="false"]')).first();
      await call.locator('.monaco-tl-twistie').click();
      await ends.first().waitFor();
      await workbench.picture('both-ends-tree-dark');
      await button.click();
      await eventually(async () => (await ends.count()) === 0 && (await inTree()) !== once, 'two calls');
      const apart = await agree();
      const calls = (text) => Number.parseInt(text.replaceAll(',', ''), 10);
      assert(calls(apart) > calls(once), `${apart}; ${once}`);
      await button.click();
      await eventually(async () => (await inTree()) === once, 'one call again');
      assert.equal(await agree(), once);
    },
  );

  await steps.step('the button of the debug toolbar starts it again', async () => {
    await workbench.toolbar.getByRole('button', { name: /Start HTTP Trace/ }).click();
    await page.locator('.statusbar-item[id*="httpTrace"] .codicon-pulse').waitFor();
  });

  await steps.step('the trace ends with the program', async () => {
    await page.keyboard.press('Shift+F5');
    await page.locator('.statusbar-item[id*="httpTrace"] .codicon-debug-stop').waitFor();
    assert((await rows.count()) > 0);
    await workbench.picture('stopped-dark');
  });

  await steps.step('Clear leaves nothing', async () => {
    await workbench.command('HTTP Trace: Clear Calls');
    await workbench.panel.getByText('No calls. Start a trace').waitFor();
    assert.equal(await rows.count(), 0);
  });

  await steps.step('Why Is Nothing Shown? answers', async () => {
    await workbench.command('HTTP Trace: Why Is Nothing Shown?');
    await page.locator('.notification-list-item-message', { hasText: 'its calls were cleared' }).waitFor();
    await workbench.quiet();
  });

  await steps.step('Check This System shows a report', async () => {
    await workbench.command('HTTP Trace: Check This System');
    await page
      .locator('.monaco-editor .view-lines', { hasText: /eBPF|BTF|kernel/i })
      .first()
      .waitFor();
    await workbench.picture('system-check-dark');
  });
}
