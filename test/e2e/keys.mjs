// VS Code by keyboard alone: nothing here clicks, and visible text shows where the focus is.
import { eventually } from './harness.mjs';

export class Keys {
  constructor(workbench) {
    this.workbench = workbench;
    this.page = workbench.page;
  }

  press(...keys) {
    return keys.reduce((before, key) => before.then(() => this.page.keyboard.press(key)), Promise.resolve());
  }

  type(text) {
    return this.page.keyboard.type(text);
  }

  /** Waits until it has the keyboard. */
  async focused(locator, what) {
    await eventually(() => hasKeyboard(locator).catch(() => false), `${what} has the keyboard`);
  }

  /** Presses a key until it has the keyboard; a slow window takes its time to move it. */
  async comesTo(key, locator, what) {
    await eventually(async () => {
      await this.page.keyboard.press(key);
      return eventually(() => hasKeyboard(locator), what, 700).catch(() => false);
    }, `${key} comes to ${what}`);
  }

  /** From the palette; what is offered first is what was typed. */
  async command(title) {
    const first = this.workbench.picks.first().locator('.label-name').first();
    // A view that takes the focus as it opens closes the palette, or gets what is typed.
    for (let attempt = 1; ; attempt++) {
      await this.press('F1');
      try {
        await this.workbench.input.waitFor({ timeout: 5_000 });
        await this.type(title);
        await eventually(
          async () => (await first.textContent({ timeout: 2_000 }).catch(() => null)) === title,
          title,
          8_000,
        );
        break;
      } catch (error) {
        if (attempt === 5) throw error;
        await this.press('Escape');
      }
    }
    await this.press('Enter');
  }

  /** One of a list to choose from. */
  async pick(text) {
    const { picks } = this.workbench;
    // What is far below is not drawn.
    await eventually(
      async () => (await this.workbench.asks()) && (await picks.count()) > 0,
      `what offers ${text}`,
    );
    await this.type(text);
    await eventually(async () => (await picks.first().textContent()).includes(text), text);
    await this.press('Enter');
  }

  /**
   * Opens the menu of the focused element, and chooses from it and its submenus.
   * @param key that opens it
   */
  async choose(key, ...path) {
    const labels = this.page.locator('.monaco-menu .action-label');
    // A key that comes while the view is being refreshed does nothing.
    await eventually(async () => {
      await this.press(key);
      return labels
        .filter({ hasText: path[0] })
        .first()
        .waitFor({ timeout: 3_000 })
        .then(
          () => true,
          () => false,
        );
    }, `${key} opens a menu with ${path[0]}`);
    for (const [depth, wanted] of path.entries()) {
      await eventually(async () => {
        if ((await this.#current()) === wanted) return true;
        await this.press('ArrowDown');
        return (await this.#current()) === wanted;
      }, `ArrowDown comes to ${wanted}`);
      await this.press(depth === path.length - 1 ? 'Enter' : 'ArrowRight');
    }
    await labels.filter({ hasText: path[0] }).first().waitFor({ state: 'hidden' });
  }

  /** What the menu's keyboard is on; the menu lies in the shadow of the window. */
  #current() {
    return this.page.evaluate(() => {
      let element = document.activeElement;
      while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
      // A menu that has just opened has the keyboard itself, and none of its items.
      if (element?.classList.contains('action-menu-item') !== true) return null;
      return element.querySelector('.action-label')?.textContent?.trim() ?? null;
    });
  }
}

function hasKeyboard(locator) {
  return locator.evaluate((element) => element === element.ownerDocument.activeElement);
}
