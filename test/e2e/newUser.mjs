// A new user with only the README: a failing call is found, copied as cURL, exported, compared with another one. Each
// label that the README names must be one that was used here. Prints the actions and the time.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { harProblems } from '../kit/harSchema.mjs';
import { root } from '../vscode/bundle.mjs';
import { eventually } from './harness.mjs';
import { Menu } from './menu.mjs';

/** The README's first section: from "Try it" to the next heading. */
const TRY_IT = /\n## Try it\n([\s\S]*?)\n## /.exec(readFileSync(join(root, 'README.md'), 'utf8'))?.[1];

export async function newUser(steps, workbench, { url, workspace }) {
  const { page, panel, rows, details } = workbench;
  const menu = new Menu(page);
  const actions = [];
  const did = async (action, work) => {
    await work;
    actions.push(action);
  };
  /** Labels that were found where one clicks them. */
  const used = new Set();
  const clickButton = async (name) => {
    await did(`click ${name}`, panel.getByRole('button', { name, exact: true }).click());
    used.add(name);
  };
  const choose = async (row, ...path) => {
    await did('right click', row.click({ button: 'right' }));
    if (path.length > 1) await did(`to ${path[0]}`, menu.open(path[0], path[1]));
    await did(`click ${path.at(-1)}`, menu.choose(path.at(-1)));
    for (const label of path) used.add(label);
  };
  const failed = rows.filter({ hasText: '500' }).last();
  let reason = '';
  let began = 0;

  await steps.step('F5 and “Start HTTP Trace” show calls', async () => {
    await workbench.open(url, workspace);
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    began = performance.now();
    await did('F5', workbench.startDebugging());
    await did('Start HTTP Trace', workbench.command('Start HTTP Trace'));
    // It is asked once, and lies on the list.
    const question = page.locator('.notification-toast', { hasText: 'run a small hook' });
    await did('Not Now', question.getByRole('button', { name: 'Not Now' }).click());
    await rows.filter({ hasText: '/cash-register' }).first().waitFor();
  });

  await steps.step('Errors lists the calls that failed, and a click says why', async () => {
    await clickButton('Errors');
    await eventually(async () => {
      const texts = await rows.allTextContents();
      return texts.length > 0 && texts.every((text) => /(?:404|500)/.test(text));
    }, 'only calls that failed');
    await did('click the call', failed.click());
    await did('click Response', workbench.tab('Response'));
    await details.getByText('The till is broken').first().waitFor();
    reason = 'The till is broken';
    await workbench.picture('new-user-failed');
  });

  await steps.step('copied as cURL, it gets the same answer', async () => {
    await choose(failed, 'Copy as', 'Copy as cURL');
    const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
    await eventually(async () => (await clipboard()).startsWith('curl '), 'a curl command');
    const answer = execFileSync('bash', ['-c', `${(await clipboard()).trimEnd()} --silent --show-error`], {
      encoding: 'utf8',
    });
    await did('run it', null);
    assert.equal(JSON.parse(answer).title, reason);
  });

  await steps.step('exported, it is a valid HTTP Archive', async () => {
    await choose(failed, 'Export HAR…');
    await did('All calls in the list', workbench.picks.filter({ hasText: 'All calls in the list' }).click());
    await did('Secrets masked', workbench.picks.filter({ hasText: 'Secrets masked' }).click());
    // A name of its own: of one that is there VS Code would ask.
    const path = join(workspace, 'failed-calls.har');
    await eventually(async () => (await workbench.input.inputValue()).endsWith('.har'), 'a name is offered');
    await did('type a name', workbench.input.fill(path));
    await did('Enter', page.keyboard.press('Enter'));
    await workbench.untilAccepted();
    await page.locator('.notification-list-item-message', { hasText: 'Exported' }).waitFor();
    const archive = JSON.parse(readFileSync(path, 'utf8'));
    assert.deepEqual(harProblems(archive), []);
    const statuses = new Set(archive.log.entries.map(({ response }) => response.status));
    assert.deepEqual([...statuses].sort(), [404, 500]);
  });

  await steps.step('compared with another call, the difference is seen', async () => {
    await choose(failed, 'Select for Compare');
    await choose(rows.filter({ hasText: '404' }).first(), 'Compare with Selected');
    await page.locator('.tab', { hasText: 'DELETE cash-register 500 ↔ GET chairs 404' }).waitFor();
    await page.locator('.monaco-diff-editor .view-lines').first().waitFor();
    await workbench.picture('new-user-compared');
    const seconds = Math.round((performance.now() - began) / 1_000);
    console.log(`a new user: ${actions.length} actions, ${seconds} s here`);
  });

  await steps.step('the README names what was used, as it is called', async () => {
    assert.ok(TRY_IT !== undefined, 'the README has a section “Try it”');
    assert.match(TRY_IT, /press F5, then run "Start HTTP Trace"/);
    const labels = [...TRY_IT.replaceAll(/\*\*[^*]+\*\*/g, '').matchAll(/\*([^*\n]+)\*/g)].map(
      ([, label]) => label,
    );
    assert.ok(labels.length >= 5, labels.join(', '));
    for (const label of labels) assert.ok(used.has(label), `“${label}” was not found where one looks for it`);
  });
}
