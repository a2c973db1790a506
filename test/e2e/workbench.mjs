// VS Code's window as a person uses it: by what can be read, clicked and typed.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../vscode/bundle.mjs';
import { eventually, PATIENCE } from './harness.mjs';

/** For the debug console, which may stay closed; also in milliseconds. */
const CONSOLE_PATIENCE = 10_000;
/** For a debug adapter to answer, in milliseconds. */
const ADAPTER_PATIENCE = 60_000;

/** Kinds of theme, by VS Code's name and in names of pictures; the last is the one that the steps are in. */
export const THEMES = [
  ['Light Modern', 'light'],
  ['Dark High Contrast', 'high-contrast'],
  ['Light High Contrast', 'high-contrast-light'],
  ['Dark Modern', 'dark'],
];

export class Workbench {
  /** @param takesPictures whether {@link picture} does anything: each costs as much as a step */
  constructor(page, takesPictures = true) {
    this.page = page;
    this.takesPictures = takesPictures;
    /** In this window, since it was loaded. */
    this.hasDebugged = false;
    page.setDefaultTimeout(PATIENCE);
  }

  /** Opens a folder and waits until the window can be used. One that is open already is tidied up. */
  async open(url, folder) {
    if (this.page.url() !== 'about:blank') return this.#tidy();
    await this.page.goto(`${url}/?folder=${encodeURIComponent(folder)}`);
    await this.page.locator('.monaco-workbench').waitFor();
    await this.page.locator('.explorer-folders-view .monaco-list-row').first().waitFor();
  }

  /** Ends what an earlier scenario has left: session, trace, calls, filter, editors, messages. */
  async #tidy() {
    if (await this.toolbar.isVisible()) {
      await this.page.keyboard.press('Shift+F5');
      await this.toolbar.waitFor({ state: 'hidden' });
      await this.statusItem.locator('.codicon-debug-stop').waitFor();
    }
    await this.command('HTTP Trace: Focus on HTTP Trace View');
    await this.filter('');
    // It is not offered where there is nothing to clear.
    if ((await this.rows.count()) > 0) await this.command('HTTP Trace: Clear Calls');
    await this.command('View: Close All Editors');
    await this.command('View: Show Explorer');
    await this.quiet();
  }

  /** The quick input: palette, picks. */
  get input() {
    return this.page.locator('.quick-input-widget input[type="text"], .quick-input-widget .input').first();
  }

  /** Runs a command from the palette by its title. */
  async command(title) {
    const exactly = new RegExp(`^${title.replace(/[.?*+()[\]{}|\\^$]/g, '\\$&')}$`);
    const label = this.page.locator('.label-name', { hasText: exactly });
    const item = this.picks.filter({ has: label }).first();
    // The palette does not learn of commands that come while it is open, as they do in a window that just opened; and a
    // view that takes the focus as it opens closes it.
    for (let attempt = 1; ; attempt++) {
      await this.page.keyboard.press('F1');
      try {
        // Longer each time: a busy machine needs long to show it.
        await this.input.fill(`>${title}`, { timeout: 3_000 * attempt });
        await item.waitFor({ timeout: 3_000 * attempt });
        // On a busy machine the command runs long before the click is reported: given up then, it would run twice.
        await item.click({ timeout: 10_000 });
        return;
      } catch (error) {
        if (attempt === 5) throw error;
        await this.page.keyboard.press('Escape');
      }
    }
  }

  /** Whether an input is open that is not the palette, whose text begins with `>`: on a busy machine that stays for a while. */
  async asks() {
    const written = await this.input.inputValue({ timeout: 2_000 }).catch(() => '>');
    return !written.startsWith('>') && (await this.input.isVisible());
  }

  /** Types into the input that a command opens: what is typed into the palette's is lost. */
  async answer(text) {
    await eventually(async () => {
      if (!(await this.asks())) return false;
      await this.input.fill(text, { timeout: 1_000 }).catch(() => {});
      return (await this.input.inputValue({ timeout: 1_000 }).catch(() => '')) === text;
    }, `the input takes ${text}`);
  }

  /**
   * After Enter in the dialog for files. On a busy machine it still examines what was typed before, as the name of the folder, and
   * refuses: then Enter once more.
   */
  async untilAccepted() {
    await eventually(async () => {
      const isClosed = await this.input.waitFor({ state: 'hidden', timeout: 5_000 }).then(
        () => true,
        () => false,
      );
      if (!isClosed) await this.page.keyboard.press('Enter');
      return isClosed;
    }, 'the dialog takes the name');
  }

  /** F5, and again when nothing happens: a window that just opened does not know of debuggers yet. */
  async startDebugging() {
    for (let attempt = 1; ; attempt++) {
      await this.page.keyboard.press('F5');
      try {
        await this.toolbar.waitFor({ timeout: 8_000 });
        break;
      } catch (error) {
        if (attempt === 8) throw error;
      }
    }
    // With the first session the debug console opens, unless a setting says never, and takes the focus: a question that is
    // open by then is closed. When the program has printed something, its process is known, too.
    const printed = this.page.locator('.repl .monaco-list-row').nth(1);
    if (!this.hasDebugged) await printed.waitFor({ timeout: CONSOLE_PATIENCE }).catch(() => {});
    this.hasDebugged = true;
    // When its adapter has answered, it can be paused or continued, or it has ended: then the extension knows the session, too.
    const actions = '.codicon-debug-pause:not(.disabled), .codicon-debug-continue:not(.disabled)';
    await Promise.race([
      this.toolbar.locator(actions).first().waitFor({ timeout: ADAPTER_PATIENCE }),
      this.toolbar.waitFor({ state: 'hidden', timeout: ADAPTER_PATIENCE }),
    ]);
  }

  /**
   * Starts a trace by its key, and again while VS Code does not know the session yet: then the trace belongs to no
   * session.
   * @returns when it was pressed, in milliseconds since the epoch
   */
  async startByKey() {
    const started = this.statusItem.locator('.codicon-loading, .codicon-pulse').first();
    for (let attempt = 1; ; attempt++) {
      const pressed = Date.now();
      await this.page.keyboard.press('Control+Alt+h');
      try {
        await started.waitFor({ timeout: 10_000 });
        return pressed;
      } catch (error) {
        if (attempt === 5) throw error;
      }
    }
  }

  /** Stops it by the same key, and again while VS Code does not know yet that a trace runs. */
  async stopByKey() {
    for (let attempt = 1; ; attempt++) {
      await this.page.keyboard.press('Control+Alt+h');
      try {
        await this.statusItem.locator('.codicon-debug-stop').waitFor({ timeout: 20_000 });
        return;
      } catch (error) {
        if (attempt === 5) throw error;
      }
    }
  }

  /** Items of an open pick, as they can be read. */
  get picks() {
    return this.page.locator('.quick-input-list .monaco-list-row');
  }

  /**
   * The webview of the panel: a frame in a frame. Editors have webviews as well, of other extensions or for custom editors;
   * a view's has lost its purpose in the address once it was hidden.
   */
  get panel() {
    return this.page
      .locator(
        'iframe.webview.ready[src*="extensionId=http-trace.http-trace"]:not([src*="purpose=customEditor"])',
      )
      .contentFrame()
      .locator('iframe#active-frame')
      .contentFrame();
  }

  /** The panel is drawn where it is: nothing hides or cuts it. */
  async isPanelDrawn() {
    return this.page.evaluate(() => {
      const frame = document.querySelector('iframe.webview.ready[src*="extensionId=http-trace.http-trace"]');
      if (frame === null) return false;
      const { x, y, width, height } = frame.getBoundingClientRect();
      return document.elementFromPoint(x + width / 2, y + height / 2) === frame;
    });
  }

  /** Drags its upper edge. @param wanted pixels */
  async resizePanel(wanted) {
    const { x, y, height, width } = await this.page.locator('.part.panel').boundingBox();
    const middle = x + width / 2;
    await this.page.mouse.move(middle, y - 1);
    await this.page.mouse.down();
    await this.page.mouse.move(middle, y - 1 - (wanted - height), { steps: 5 });
    await this.page.mouse.up();
  }

  /** Rows of the list of calls. */
  get rows() {
    return this.panel.getByRole('treegrid', { name: 'HTTP calls' }).locator('.rows [role="row"]');
  }

  get details() {
    return this.panel.getByLabel('Details of the call');
  }

  /** Types into the filter line of the panel. */
  async filter(text) {
    await this.panel.getByRole('combobox', { name: 'Filter calls' }).fill(text);
  }

  /** Opens a tab of the details, which is in the menu where it has no room. */
  async tab(name) {
    const tab = this.details.getByRole('tab', { name });
    const more = this.details.getByRole('button', { name: 'More Tabs' });
    await tab.or(more).first().waitFor();
    if (await tab.isVisible()) return tab.click();
    await more.click();
    await this.details.getByRole('menuitem', { name }).click();
  }

  /** Lines of the details' list of messages. */
  get messages() {
    return this.details.getByRole('grid', { name: 'Messages' }).locator('.message');
  }

  /** Rows of the tree in the side bar. */
  get tree() {
    return this.page.getByRole('tree', { name: /HTTP Calls/ }).locator('[role="treeitem"]');
  }

  /** Folds the other views of the side bar, so that this one has room. */
  async leaveOnly(view) {
    const headers = this.page
      .locator('.sidebar .pane-header[aria-expanded="true"]')
      .filter({ hasNotText: view });
    for (let left = await headers.count(); left > 0; left = await headers.count())
      await headers.first().click();
  }

  get toolbar() {
    return this.page.locator('.debug-toolbar');
  }

  get statusItem() {
    return this.page.locator('.statusbar-item[id*="httpTrace"]');
  }

  /** Out of the way of the tooltips of whatever lies under the mouse, and until a theme or a size has taken effect. */
  async settle() {
    await this.page.mouse.move(700, 300);
    if (this.takesPictures) await this.page.waitForTimeout(500);
  }

  /** A picture of the whole window, for people to look at, where they are wanted. */
  async picture(name) {
    if (this.takesPictures) await this.screenshot(name);
  }

  async screenshot(name) {
    const folder = join(root, 'test-output/screenshots');
    mkdirSync(folder, { recursive: true });
    await this.page.screenshot({ path: join(folder, `${name}.png`) });
  }

  /** Closes notifications, so that they do not cover what comes next. */
  async quiet() {
    await this.command('Notifications: Clear All Notifications');
  }

  async theme(name) {
    await this.command('Preferences: Color Theme');
    await this.answer(name);
    await this.picks.filter({ hasText: name }).first().click();
    await this.input.waitFor({ state: 'hidden' });
  }
}
