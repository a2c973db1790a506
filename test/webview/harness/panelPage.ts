/**
 * The panel's webview in a real browser, without VS Code: the same page, script and styles under the same
 * Content-Security-Policy, a theme's real variables, and a host that records the messages it receives.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { inject, onTestFailed } from 'vitest';
import type { ExchangeRow } from '../../../extension/engine/row.ts';
import type { TraceStatus } from '../../../extension/engine/traceStatus.ts';
import {
  MAX_ROWS_PER_MESSAGE,
  type ToHost,
  type ToWebview,
} from '../../../extension/views/webviewProtocol.ts';
import { WHOLE } from '../../kit/tier.mjs';
import themes from './themes.json' with { type: 'json' };

export type ThemeName = keyof typeof themes;

const ROOT = join(import.meta.dirname, '..', '..', '..');
export const OUTPUT = join(ROOT, 'test-output', 'webview');

/** The window's end of the fake host. */
declare global {
  interface Window {
    sentToHost: ToHost[];
    keptState: unknown;
    /** The panel has said that it can be filled. */
    panelIsReady: Promise<void>;
    /** What has had the focus, the latest last. */
    focusLog: string[];
  }
}

/** VS Code's own style sheet of a webview, as far as it shows, in the layer in which it comes. */
const DEFAULT_STYLES = `@layer vscode-default {
  html { scrollbar-color: var(--vscode-scrollbarSlider-background) transparent; background: var(--vscode-panel-background); }
  body { color: var(--vscode-editor-foreground); background: transparent; margin: 0; padding: 0 20px; }
}`;

/** What a panel is opened with. */
export interface PanelOptions {
  theme?: ThemeName;
  width?: number;
  height?: number;
  state?: unknown;
  /**
   * `reduce` by default: without a graphics card, the animations of a running trace cost more processor time than most tests.
   */
  reducedMotion?: 'reduce' | 'no-preference';
  /** Restricted Mode. */
  restricted?: boolean;
  /** `pseudo`: each text is in ⟦brackets⟧. */
  language?: 'en' | 'de' | 'pseudo';
}

/** A tab of the browser. When its panel is closed, it is reused for the next one: a new tab would cost four times as much. */
interface Tab {
  readonly page: Page;
  /** Of the panel that is in it. */
  problems: string[];
  /** The value last emulated. Setting it again would restyle and repaint the panel that is being replaced. */
  reducedMotion: PanelOptions['reducedMotion'];
}

const idle: Tab[] = [];
let context: Promise<BrowserContext> | null = null;

async function connect(): Promise<BrowserContext> {
  mkdirSync(OUTPUT, { recursive: true });
  const browser = await chromium.connect(inject('browser'));
  return browser.newContext();
}

async function newTab(): Promise<Tab> {
  context ??= connect();
  const page = await (await context).newPage();
  const tab: Tab = { page, problems: [], reducedMotion: undefined };
  page.on('framenavigated', (frame) => {
    // Messages that the previous panel logs while it is unloaded belong to no test.
    if (frame === page.mainFrame()) tab.problems = [];
  });
  page.on('pageerror', (error) => tab.problems.push(String(error)));
  page.on('console', (entry) => {
    if (entry.type() === 'error' || entry.type() === 'warning') tab.problems.push(entry.text());
  });
  return tab;
}

export async function openPanel({
  theme = 'dark',
  width = 1500,
  height = 470,
  state = undefined,
  reducedMotion = 'reduce',
  restricted = false,
  language = 'en',
}: PanelOptions = {}): Promise<PanelPage> {
  const tab = idle.pop() ?? (await newTab());
  const { page } = tab;
  const now = page.viewportSize();
  if (now?.width !== width || now.height !== height) await page.setViewportSize({ width, height });
  if (tab.reducedMotion !== reducedMotion) await page.emulateMedia({ reducedMotion });
  tab.reducedMotion = reducedMotion;
  const { bodyClass, variables } = themes[theme];
  const beginning = await page.addInitScript(
    ([kept, vars, name, styles]) => {
      window.sentToHost = [];
      window.keptState = kept ?? undefined;
      window.focusLog = [];
      for (const type of ['focus', 'blur', 'focusin', 'focusout']) {
        const note = ({ target }: Event) => {
          const of =
            target instanceof Element ? `${target.tagName} ${target.textContent?.slice(0, 30)}` : 'window';
          window.focusLog.push(`${Math.round(performance.now())} ms: ${type} ${of}`);
        };
        window.addEventListener(type, note);
      }
      let ready: () => void;
      window.panelIsReady = new Promise((resolve) => {
        ready = resolve;
      });
      Object.assign(window, {
        acquireVsCodeApi: () => ({
          postMessage: (message: ToHost) => {
            window.sentToHost.push(message);
            if (message.type === 'ready') ready();
          },
          getState: () => window.keptState,
          setState: (next: unknown) => {
            window.keptState = structuredClone(next);
          },
        }),
      });
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(styles);
      document.adoptedStyleSheets = [sheet];
      // The theme has to be there before the script in the body runs.
      new MutationObserver((_, observer) => {
        if (document.body === null) return;
        for (const [key, value] of Object.entries(vars)) {
          document.documentElement.style.setProperty(key, value);
        }
        document.body.className = name;
        observer.disconnect();
      }).observe(document, { childList: true, subtree: true });
    },
    [state ?? null, variables, bodyClass, DEFAULT_STYLES] as const,
  );
  await page.goto(
    `${inject('panel')}${restricted ? '?restricted' : language === 'en' ? '' : `?${language}`}`,
  );
  // A menu closes when it loses the focus, and once did so for no reason that was seen.
  onTestFailed(async () => console.log('focus:', (await page.evaluate(() => window.focusLog)).slice(-20)));
  // Playwright's own waiting would ask for frames, and compile a script of its own, for each panel.
  await page.evaluate(() => window.panelIsReady);
  return new PanelPage(page, tab.problems, async () => {
    await beginning.dispose();
    // Otherwise the mouse would hover over an element of the next panel.
    await page.mouse.move(-1, -1);
    idle.push(tab);
  });
}

const packed = new WeakMap<readonly ExchangeRow[], string>();

/** Messages with these rows, as compressed JSON in base64: the browser driver needs seconds for the 42 MB of 50,000. */
function packedRows(rows: readonly ExchangeRow[]): string {
  let text = packed.get(rows);
  if (text === undefined) {
    const messages: ToWebview[] = [];
    for (let at = 0; at < rows.length; at += MAX_ROWS_PER_MESSAGE) {
      messages.push({ type: 'rows', rows: rows.slice(at, at + MAX_ROWS_PER_MESSAGE), removed: [] });
    }
    text = gzipSync(JSON.stringify(messages), { level: 1 }).toString('base64');
    packed.set(rows, text);
  }
  return text;
}

export class PanelPage {
  constructor(
    readonly page: Page,
    /** Errors, and everything that the Content-Security-Policy forbade. */
    readonly problems: readonly string[],
    private readonly leave: () => Promise<void>,
  ) {}

  async post(...messages: readonly ToWebview[]): Promise<void> {
    // As one text: the browser driver is slow at large objects.
    await this.page.evaluate((text) => {
      for (const message of JSON.parse(text)) window.postMessage(message, '*');
    }, JSON.stringify(messages));
    await this.settled();
  }

  /** As the host does on `ready`. */
  async fill(rows: readonly ExchangeRow[], status: TraceStatus): Promise<void> {
    const beginning: ToWebview[] = [{ type: 'reset' }, { type: 'status', status }];
    if (rows.length <= MAX_ROWS_PER_MESSAGE) {
      await this.post(...beginning, { type: 'rows', rows, removed: [] });
      return;
    }
    await this.page.evaluate(
      async ([first, packed]) => {
        const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
        const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
        const rest: ToWebview[] = await new Response(stream).json();
        for (const message of [...first, ...rest]) window.postMessage(message, '*');
      },
      [beginning, packedRows(rows)] as const,
    );
    await this.settled();
  }

  /** Two frames: messages have been handled and what they changed is painted. */
  async settled(): Promise<void> {
    await this.page.evaluate(
      () =>
        new Promise<void>((done) => {
          setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(() => done())), 0);
        }),
    );
  }

  async sent(): Promise<readonly ToHost[]> {
    return this.page.evaluate(() => window.sentToHost);
  }

  /** The newest message of this kind. */
  async lastSent<T extends ToHost['type']>(type: T): Promise<Extract<ToHost, { type: T }> | undefined> {
    const all = await this.sent();
    return all.findLast((message): message is Extract<ToHost, { type: T }> => message.type === type);
  }

  /** What the panel has saved with setState. */
  async state(): Promise<unknown> {
    return this.page.evaluate(() => window.keptState);
  }

  /** A picture for people to look at, only in `npm run test:all`: it takes as long as a test. */
  async screenshot(name: string): Promise<void> {
    if (!WHOLE) return;
    await this.page.screenshot({ path: join(OUTPUT, `${name}.png`) });
  }

  /** Makes the tab available for the next panel. This object must not be used afterwards. */
  async close(): Promise<void> {
    await this.leave();
  }
}
