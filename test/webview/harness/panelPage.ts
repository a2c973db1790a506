/**
 * The panel's webview in a real browser, without VS Code: the same page, script and styles under the same
 * Content-Security-Policy, a theme's real variables, and a host that records the messages it receives.
 */
import { createHash } from 'node:crypto';
import { accessSync, constants, mkdirSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { delimiter, join } from 'node:path';
import { build } from 'esbuild';
import { type Browser, chromium, type Page } from 'playwright-core';
import type { ExchangeRow } from '../../../extension/engine/row.ts';
import type { TraceStatus } from '../../../extension/engine/traceStatus.ts';
import { panelHtml } from '../../../extension/views/panelHtml.ts';
import {
  MAX_ROWS_PER_MESSAGE,
  type ToHost,
  type ToWebview,
} from '../../../extension/views/webviewProtocol.ts';
import themes from './themes.json' with { type: 'json' };

export type ThemeName = keyof typeof themes;

const ROOT = join(import.meta.dirname, '..', '..', '..');
export const OUTPUT = join(ROOT, 'test-output', 'webview');

/** The window's end of the fake host. */
declare global {
  interface Window {
    sentToHost: ToHost[];
    keptState: unknown;
  }
}

/** VS Code's own style sheet of a webview, as far as it shows, in the layer in which it comes. */
const DEFAULT_STYLES = `@layer vscode-default {
  html { scrollbar-color: var(--vscode-scrollbarSlider-background) transparent; background: var(--vscode-panel-background); }
  body { color: var(--vscode-editor-foreground); background: transparent; margin: 0; padding: 0 20px; }
}`;

export function findChromium(): string {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    for (const folder of folders) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // Not there.
      }
    }
  }
  throw new Error(
    'These tests need a browser: no chromium, chromium-browser or google-chrome is on the PATH.',
  );
}

export class PanelBrowser {
  private constructor(
    private readonly browser: Browser,
    private readonly server: Server,
    private readonly address: string,
  ) {}

  static async start(): Promise<PanelBrowser> {
    mkdirSync(OUTPUT, { recursive: true });
    const bundled = async (entry: string): Promise<Uint8Array> => {
      const { outputFiles } = await build({
        entryPoints: [join(ROOT, 'extension/webview', entry)],
        bundle: true,
        write: false,
        platform: 'browser',
        format: 'iife',
        target: 'chrome120',
      });
      return outputFiles[0]?.contents ?? new Uint8Array();
    };
    const [script, style] = await Promise.all([bundled('main.ts'), bundled('styles/panel.css')]);
    const files = new Map<string, { type: string; body: Uint8Array }>([
      ['/dist/webview.js', { type: 'text/javascript', body: script }],
      ['/dist/panel.css', { type: 'text/css', body: style }],
    ]);
    const server = createServer((request, response) => {
      const file = files.get(request.url ?? '');
      const origin = `http://${request.headers.host}`;
      const restricted = request.url === '/?restricted';
      const unsupported = request.url === '/?unsupported';
      if (request.url === '/' || restricted || unsupported) {
        const nonce = createHash('sha256').update(origin).digest('base64url');
        response.setHeader('Content-Type', 'text/html');
        response.end(
          panelHtml({
            nonce,
            source: origin,
            trusted: !restricted,
            supported: !unsupported,
            script: '/dist/webview.js',
            style: '/dist/panel.css',
          }),
        );
      } else if (file !== undefined) {
        response.setHeader('Content-Type', file.type);
        response.end(file.body);
      } else {
        response.statusCode = 404;
        response.end();
      }
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const browser = await chromium.launch({
      executablePath: findChromium(),
      ignoreDefaultArgs: ['--hide-scrollbars'],
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
    return new PanelBrowser(browser, server, `http://127.0.0.1:${address.port}/`);
  }

  async open({
    theme = 'dark',
    width = 1500,
    height = 470,
    state = undefined,
    reducedMotion = 'no-preference',
    restricted = false,
  }: {
    theme?: ThemeName;
    width?: number;
    height?: number;
    state?: unknown;
    reducedMotion?: 'reduce' | 'no-preference';
    /** Restricted Mode. */
    restricted?: boolean;
  } = {}): Promise<PanelPage> {
    const page = await this.browser.newPage({ viewport: { width, height }, reducedMotion });
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('console', (entry) => {
      if (entry.type() === 'error' || entry.type() === 'warning') problems.push(entry.text());
    });
    const { bodyClass, variables } = themes[theme];
    await page.addInitScript(
      ([kept, vars, name, styles]) => {
        window.sentToHost = [];
        window.keptState = kept ?? undefined;
        Object.assign(window, {
          acquireVsCodeApi: () => ({
            postMessage: (message: ToHost) => window.sentToHost.push(message),
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
    await page.goto(`${this.address}${restricted ? '?restricted' : ''}`);
    await page.waitForFunction(() => window.sentToHost.some(({ type }) => type === 'ready'));
    return new PanelPage(page, problems);
  }

  async close(): Promise<void> {
    await this.browser.close();
    await new Promise((closed) => this.server.close(closed));
  }
}

export class PanelPage {
  constructor(
    readonly page: Page,
    /** Errors, and everything that the Content-Security-Policy forbade. */
    readonly problems: readonly string[],
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
    const messages: ToWebview[] = [{ type: 'reset' }, { type: 'status', status }];
    for (let at = 0; at < rows.length; at += MAX_ROWS_PER_MESSAGE) {
      messages.push({ type: 'rows', rows: rows.slice(at, at + MAX_ROWS_PER_MESSAGE), removed: [] });
    }
    await this.post(...messages);
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

  /** What the panel keeps over being hidden. */
  async state(): Promise<unknown> {
    return this.page.evaluate(() => window.keptState);
  }

  async screenshot(name: string): Promise<void> {
    await this.page.screenshot({ path: join(OUTPUT, `${name}.png`) });
  }

  async close(): Promise<void> {
    await this.page.close();
  }
}
