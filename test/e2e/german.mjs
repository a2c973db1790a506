// In German, as VS Code's display language asks for. VS Code's own texts stay English here: its language pack is not
// installed, but for an empty one of ours.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** An empty language pack for German, so that the server takes the language. */
export function prepareGerman(dataDir) {
  const data = join(dataDir, 'data');
  mkdirSync(data, { recursive: true });
  const translations = join(data, 'german.json');
  writeFileSync(translations, JSON.stringify({ contents: {} }));
  const extensions = [{ extensionIdentifier: { id: 'http-trace.empty-language-pack' }, version: '1.0.0' }];
  const pack = { hash: 'empty', extensions, translations: { vscode: translations } };
  writeFileSync(join(data, 'languagepacks.json'), JSON.stringify({ de: pack }));
}

export async function german(steps, workbench, { url, workspace }) {
  const { page } = workbench;

  await steps.step('commands, welcome view and panel are German', async () => {
    await workbench.open(url, workspace);
    await workbench.command('HTTP Trace: Warum wird nichts angezeigt?');
    await page.locator('.notification-toast', { hasText: 'Es läuft kein Trace.' }).waitFor();
    await workbench.picture('german-why-dark');
    await workbench.command('HTTP Trace: Focus on HTTP Trace View');
    await workbench.panel.getByText('Starten Sie einen Trace').waitFor();
    assert.equal(await workbench.panel.locator('html').getAttribute('lang'), 'de');
    await workbench.picture('german-panel-dark');
  });

  await steps.step('the settings are German', async () => {
    await workbench.command('Preferences: Open Settings (UI)');
    await page.keyboard.type('@ext:http-trace.http-trace');
    await page.getByText('Mit jeder Debugsitzung automatisch einen Trace starten.').first().waitFor();
    await workbench.picture('german-settings-dark');
  });
}
