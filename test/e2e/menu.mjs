// The menu of VS Code that is open.
import { eventually } from './harness.mjs';

export class Menu {
  constructor(page) {
    this.page = page;
    this.items = page.getByRole('menuitem');
  }

  /** Its items, without the key bindings beside them. */
  async labels() {
    // The window's own menu bar has items as well, without labels.
    return eventually(async () => {
      const texts = await this.items.locator('.action-label').allTextContents();
      const labels = texts.map((text) => text.trim()).filter((text) => text !== '');
      return labels.length > 0 && labels;
    }, 'the menu is open');
  }

  /** A click on a menu that has just opened is ignored: it may be the rest of the one that opened it. */
  async choose(text) {
    const item = this.items.filter({ has: this.page.locator('.action-label', { hasText: exactly(text) }) });
    await item.click();
    for (let attempt = 1; ; attempt++) {
      // A slow window may close it only now.
      if (attempt > 1) await item.click({ timeout: 5_000 }).catch(() => {});
      try {
        await item.waitFor({ state: 'hidden', timeout: 2_000 });
        return;
      } catch (error) {
        if (attempt === 5) throw error;
      }
    }
  }

  /** Opens a menu inside it. */
  async open(text, inside) {
    await this.items.filter({ hasText: text }).hover();
    await this.items.filter({ hasText: inside }).waitFor();
  }

  async close() {
    await eventually(async () => {
      await this.page.keyboard.press('Escape');
      return (await this.items.filter({ hasText: 'Open Body' }).count()) === 0;
    }, 'the menu is closed');
  }
}

function exactly(text) {
  return new RegExp(`^\\s*${text.replace(/[.?*+()[\]{}|\\^$]/g, '\\$&')}\\s*$`);
}
