/**
 * One Chromium, and one server with the panel's page, script and styles, for all test files of the project: vitest's
 * global setup. Starting a browser costs as much as a whole test.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import type { TestProject } from 'vitest/node';
import { panelHtml } from '../../../extension/views/panelHtml.ts';
import type { Texts } from '../../../extension/words/translate.ts';
import { CHROMIUM_OPTIONS, findChromium } from '../../kit/chromium.mjs';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of the browser's WebSocket. */
    browser: string;
    /** Of the panel's page. */
    panel: string;
  }
}

const ROOT = join(import.meta.dirname, '..', '..', '..');

export default async function start(project: TestProject): Promise<() => Promise<void>> {
  const server = await servePanel();
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const browser = await chromium.launchServer({
    executablePath: findChromium(),
    host: '127.0.0.1',
    ignoreDefaultArgs: ['--hide-scrollbars'],
    // One process for all pages: a new one, and one in reserve, for each panel would cost a fifth of what it does.
    args: [...CHROMIUM_OPTIONS, '--process-per-site', '--disable-site-isolation-trials'],
  });
  project.provide('browser', browser.wsEndpoint());
  project.provide('panel', `http://127.0.0.1:${address.port}/`);
  return async () => {
    await browser.close();
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  };
}

async function servePanel(): Promise<Server> {
  const [script, style] = await Promise.all([bundled('main.ts'), bundled('styles/panel.css')]);
  const files = new Map<string, { type: string; body: Uint8Array }>([
    ['/dist/webview.js', { type: 'text/javascript', body: script }],
    ['/dist/panel.css', { type: 'text/css', body: style }],
  ]);
  const server = createServer((request, response) => {
    const file = files.get(request.url ?? '');
    const origin = `http://${request.headers.host}`;
    const { pathname, search } = new URL(request.url ?? '/', origin);
    const query = search.slice(1);
    const restricted = query === 'restricted';
    const unsupported = query === 'unsupported';
    if (pathname === '/') {
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
          ...languageOf(query),
        }),
      );
    } else if (file !== undefined) {
      response.setHeader('Content-Type', file.type);
      response.setHeader('Cache-Control', 'max-age=3600, immutable');
      response.end(file.body);
    } else {
      response.statusCode = 404;
      response.end();
    }
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return server;
}

/**
 * `pseudo`: every text is in brackets, so that what stands without is a text that was forgotten. `de`: German.
 */
function languageOf(query: string): { language: string; texts: Texts } {
  const texts = (name: string): Texts => JSON.parse(readFileSync(join(ROOT, 'l10n', name), 'utf8'));
  if (query === 'de') return { language: 'de', texts: texts('bundle.l10n.de.json') };
  if (query !== 'pseudo') return { language: 'en', texts: {} };
  const bracketed = Object.keys(texts('bundle.l10n.json')).map((text) => [text, `⟦${text}⟧`]);
  return { language: 'en-x-pseudo', texts: Object.fromEntries(bracketed) };
}

async function bundled(entry: string): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [join(ROOT, 'extension/webview', entry)],
    bundle: true,
    write: false,
    // As the package has it, and less to read for each panel.
    minify: true,
    platform: 'browser',
    format: 'iife',
    target: 'chrome120',
  });
  return outputFiles[0]?.contents ?? new Uint8Array();
}
