// In German, as VS Code's display language asks for. VS Code's own texts stay English here: an empty language pack
// of ours replaces its own.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './harness.mjs';

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

const WALKTHROUGH = [
  {
    title: 'Einen Trace starten',
    links: ['HTTP Trace starten', 'Prozess auswählen…', 'Dieses System prüfen'],
    picture: 'start-dark-de.png',
  },
  {
    title: 'Den Aufruf finden',
    links: ['Aufrufe anzeigen', 'Aufrufe filtern'],
    picture: 'calls-dark-de.png',
  },
  { title: 'Den Aufruf ansehen', links: ['Gehe zu Aufruf…'], picture: 'details-dark-de.png' },
  {
    title: 'Mit dem Aufruf arbeiten',
    links: ['HAR exportieren…', 'Trace öffnen…'],
    picture: 'menu-dark-de.png',
  },
];

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

  await steps.step('the walkthrough is German, with pictures and links that lead on', async () => {
    await workbench.command('Welcome: Open Walkthrough...');
    await workbench.answer('HTTP-Aufrufe Ihres Programms');
    await workbench.picks.first().click();
    const guide = page.locator('.gettingStartedContainer');
    for (const [index, { title, links, picture }] of WALKTHROUGH.entries()) {
      const step = guide.locator('.getting-started-step').nth(index);
      await step.locator('.step-title', { hasText: title }).waitFor();
      // The first one is open already, and a click would fold it.
      if (!(await step.evaluate((element) => element.classList.contains('expanded')))) await step.click();
      const image = guide.locator('.getting-started-media img');
      await eventually(
        () =>
          image.evaluateAll(
            (images, name) => images.some((one) => one.currentSrc.includes(name) && one.naturalWidth > 300),
            picture,
          ),
        `${picture} is drawn`,
      );
      const offered = await step
        .locator('.button-container .monaco-button, .step-description-container a')
        .allTextContents();
      assert.deepEqual(
        offered.map((text) => text.trim()),
        links,
      );
      await workbench.settle();
      await workbench.picture(`german-walkthrough-${index + 1}-dark`);
    }
    // What is to be typed is set apart, and a link does what it says.
    await guide
      .locator('.step-description-container code', { hasText: 'status:5xx' })
      .waitFor({ state: 'attached' });
    await guide.locator('.getting-started-step').nth(2).click();
    await guide.getByText('Gehe zu Aufruf…').click();
    await page
      .locator('.quick-input-title, .notification-toast')
      .filter({ hasText: /Aufruf/ })
      .first()
      .waitFor();
    await page.keyboard.press('Escape');
    await workbench.command('View: Close All Editors');
  });

  await steps.step('the settings are German', async () => {
    await workbench.command('Preferences: Open Settings (UI)');
    await page.keyboard.type('@ext:http-trace.http-trace');
    await page.getByText('Mit jeder Debugsitzung automatisch einen Trace starten.').first().waitFor();
    await workbench.picture('german-settings-dark');
  });
}
