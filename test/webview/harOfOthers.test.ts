/**
 * HTTP Archives of other programs: those of Chromium's DevTools and of Playwright are opened, and from one of ours
 * Playwright answers a page's requests.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readFile } from '../../extension/capture/openFile.ts';
import { Engine } from '../../extension/engine/engine.ts';
import type { ExchangeJson } from '../../extension/engine/exchangeJson.ts';
import type { ExchangeRow } from '../../extension/engine/row.ts';
import { conversation, recordBatch, START, type Step } from '../../extension/engine/testing/records.ts';
import { HarWriter } from '../../extension/export/harWriter.ts';
import { freePort } from '../../scripts/freePort.mjs';
import { CHROMIUM_OPTIONS, findChromium } from '../kit/chromium.mjs';
import { BINARY, type HarSite, openSite, PNG } from './harness/harSite.ts';

interface Opened {
  readonly row: ExchangeRow;
  readonly call: ExchangeJson;
  readonly masked: ExchangeJson;
}

const folder = mkdtempSync(join(tmpdir(), 'http-trace-archives-'));
let site: HarSite;
let browser: Browser;
let debuggingPort: number;

beforeAll(async () => {
  site = await openSite();
  debuggingPort = await freePort();
  browser = await chromium.launch({
    executablePath: findChromium({ devTools: true }),
    args: [
      ...CHROMIUM_OPTIONS,
      `--remote-debugging-port=${debuggingPort}`,
      '--remote-allow-origins=devtools://devtools',
    ],
  });
});

afterAll(async () => {
  await browser?.close();
  await site?.close();
  rmSync(folder, { recursive: true });
});

/** As Open Trace… and Import HAR… do. */
async function openArchive(text: string): Promise<readonly Opened[]> {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(text);
  }
  const { source } = await readFile(pieces(), { cancelled: () => false });
  return source.takeChanges().changed.map((id) => {
    const row = source.row(id);
    const call = source.json(id, { reveal: true });
    const masked = source.json(id, { reveal: false });
    if (row === undefined || call === undefined || masked === undefined) throw new Error(`no call ${id}`);
    return { row, call, masked };
  });
}

async function visit(
  context: BrowserContext,
  before: (page: Page) => Promise<void> = async () => {},
): Promise<void> {
  const page = await context.newPage();
  await page.goto(site.url);
  await before(page);
  await page.evaluate('visit()');
}

async function ofPlaywright(): Promise<string> {
  const path = join(folder, 'playwright.har');
  const context = await browser.newContext({
    ignoreHTTPSErrors: true,
    recordHar: { path, mode: 'full', content: 'embed' },
  });
  await visit(context);
  await context.close();
  return readFileSync(path, 'utf8');
}

/** As a text, since its modules are DevTools' own. */
async function isTrue(tools: Page, expression: string): Promise<void> {
  await vi.waitFor(
    async () => {
      if ((await tools.evaluate(expression)) !== true) throw new Error(`never true: ${expression}`);
    },
    { timeout: 60_000, interval: 100 },
  );
}

/** What "Export HAR (with sensitive data)…" of its Network panel writes. */
async function ofDevTools(): Promise<string> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const tools = await browser.newPage();
  await visit(context, async (page) => {
    const answer = await fetch(`http://127.0.0.1:${debuggingPort}/json`);
    const targets = (await answer.json()) as { url: string; webSocketDebuggerUrl: string }[];
    const target = targets.find(({ url }) => url.startsWith(site.url));
    if (target === undefined) throw new Error('the page is no target');
    const address = target.webSocketDebuggerUrl.replace('ws://', '');
    await tools.goto(`devtools://devtools/bundled/devtools_app.html?ws=${address}&panel=network`);
    await isTrue(
      tools,
      `Promise.all([
      import('./core/sdk/sdk.js'), import('./ui/legacy/legacy.js'),
    ]).then(async ([{ NetworkManager, TargetManager }, { InspectorView, ViewManager }]) => {
      try { InspectorView.InspectorView.instance(); } catch { return false; }
      await ViewManager.ViewManager.instance().showView('network');
      const target = TargetManager.TargetManager.instance().primaryPageTarget();
      return (target?.model(NetworkManager.NetworkManager) ?? null) !== null;
    })`,
    );
    // From when on it records is shown by a call that it has recorded.
    await vi.waitFor(
      async () => {
        await page.evaluate("fetch('/').then(() => true)");
        const recorded = await tools.evaluate(`import('./models/logs/logs.js').then(({ NetworkLog }) =>
          NetworkLog.NetworkLog.instance().requests().length)`);
        if (recorded === 0) throw new Error('DevTools records nothing');
      },
      { timeout: 60_000, interval: 100 },
    );
  });
  // The last thing that the page does is to close its socket.
  await isTrue(
    tools,
    `import('./models/logs/logs.js').then(({ NetworkLog }) =>
    NetworkLog.NetworkLog.instance().requests().some((one) => one.resourceType().name() === 'websocket' && one.finished))`,
  );
  const text = await tools.evaluate(`(async () => {
    const { NetworkLog } = await import('./models/logs/logs.js');
    const { Writer } = await import('./models/har/har.js');
    let text = '';
    const stream = { write: async (piece) => { text += piece; }, close: async () => {} };
    const progress = { canceled: false, createSubProgress: () => progress };
    await Writer.Writer.write(stream, NetworkLog.NetworkLog.instance().requests(), { sanitize: false }, progress);
    return text;
  })()`);
  await tools.close();
  await context.close();
  return String(text);
}

describe.each([
  ['Playwright', ofPlaywright],
  ['Chromium’s DevTools', ofDevTools],
])('an archive of %s', (by, write) => {
  let calls: readonly Opened[];
  const of = (path: string): Opened => {
    const found = calls.find(({ row }) => row.path?.startsWith(path));
    if (found === undefined) throw new Error(`no call of ${path}`);
    return found;
  };

  beforeAll(async () => {
    calls = await openArchive(await write());
  });

  it('has every call, with its protocol and status', () => {
    expect(
      calls
        .filter(({ row }) => row.path !== '/' || row.status === null)
        .map(({ row }) => [row.method, row.path?.split('?')[0], row.status, row.protocol]),
    ).toEqual([
      ['GET', '/json', 200, 'HTTP/1.1'],
      ['GET', '/redirect', 302, 'HTTP/1.1'],
      ['GET', '/json', 200, 'HTTP/1.1'],
      ['GET', '/logo.png', 200, 'HTTP/1.1'],
      ['POST', '/orders', 201, 'HTTP/1.1'],
      ['POST', '/form', 204, 'HTTP/1.1'],
      ['PUT', '/upload', 200, 'HTTP/1.1'],
      ['GET', '/missing', 404, 'HTTP/1.1'],
      ['POST', '/second', 200, 'HTTP/2'],
      ['GET', '/', null, by === 'Playwright' ? 'HTTP/1.1' : ''],
      ['GET', '/chat', 101, 'HTTP/1.1'],
    ]);
    for (const { row } of calls) expect(row.duration).toBeGreaterThanOrEqual(0);
  });

  it('has bodies as they were: text, compressed, binary, over HTTP/2', () => {
    expect(of('/json').call.response).toMatchObject({
      body: { text: '{"answer":"ü","token":"geheim"}' },
      decodedSize: 32,
    });
    expect(of('/logo.png').call.response?.body).toEqual({ base64: PNG.toString('base64') });
    expect(of('/upload').call.response?.body).toEqual({ base64: BINARY.toString('base64') });
    expect(of('/orders').call.request?.body).toEqual({ text: '{"note":"with a bow — danke"}' });
    expect(of('/form').call.request?.body).toEqual({ text: 'a=b+c&password=hunter2' });
    expect(of('/second').call).toMatchObject({
      url: `${site.secure}/second`,
      request: { body: { text: 'over HTTP/2' } },
      response: { body: { text: 'zwei — gelesen' } },
    });
  });

  it('has a request’s bytes, or says that the file does not', () => {
    const { call } = of('/upload');
    if (by === 'Playwright')
      expect(call).toMatchObject({
        request: { bodySize: 8, bodyCaptured: 0, body: null, bodyNote: expect.stringContaining('not hold') },
        completeness: ['request-truncated'],
      });
    else
      expect(call).toMatchObject({
        request: { bodySize: 8, body: { base64: BINARY.toString('base64') }, bodyNote: null },
        completeness: ['complete'],
      });
  });

  it('says why a call failed', () => {
    expect(calls.find(({ call }) => call.url?.startsWith(site.refused))?.call).toMatchObject({
      status: null,
      response: null,
      ending: { how: 'failed', error: 'net::ERR_CONNECTION_REFUSED' },
    });
  });

  it('has the messages of a WebSocket, in milliseconds since its beginning', () => {
    const { call } = of('/chat');
    expect(call.messageStream).toMatchObject({ format: 'websocket', out: 2, in: 2 });
    expect(call.messages).toMatchObject([
      { direction: 'out', kind: 'text', text: 'grüß dich', size: 11 },
      { direction: 'in', kind: 'text', text: 'grüß dich' },
      { direction: 'out', kind: 'binary', base64: 'AQL/', size: 3 },
      { direction: 'in', kind: 'binary', base64: 'AQL/' },
    ]);
    const times = call.messages.map(({ atMs }) => atMs);
    expect(times).toEqual(times.toSorted((one, other) => one - other));
    for (const time of times) expect(Math.abs(time)).toBeLessThan(600_000);
  });

  it('shows no secret', () => {
    const shown = JSON.stringify(calls.map(({ row, masked }) => [row, masked]));
    for (const secret of ['sesame', 'hunter2', 'geheim']) expect(shown).not.toContain(secret);
  });
});

const response = (head: string, body: Uint8Array | string): Step => ({
  in: Buffer.concat([
    Buffer.from(`HTTP/1.1 ${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`),
    Buffer.from(body),
  ]),
});

describe('an exported archive', () => {
  it('is what Playwright answers a page from', async () => {
    const engine = new Engine();
    engine.setClock({ offset: 1_795_370_400_000_000_000n - START, bootTime: START });
    const calls: readonly (readonly Step[])[] = [
      [
        { out: 'GET /page HTTP/1.1\r\nHost: shop.test\r\n\r\n' },
        response('200 OK\r\nContent-Type: text/html; charset=utf-8', '<h1>für jeden Raum</h1>'),
      ],
      [
        { out: 'GET /catalogue?page=1 HTTP/1.1\r\nHost: shop.test\r\n\r\n' },
        response(
          '200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip',
          gzipSync('{"name":"Lampe für alle"}'),
        ),
      ],
      [
        { out: 'GET /lamps HTTP/1.1\r\nHost: shop.test\r\n\r\n' },
        response('301 Moved Permanently\r\nLocation: /catalogue?page=1', ''),
      ],
      [
        { out: 'GET /logo.png HTTP/1.1\r\nHost: shop.test\r\n\r\n' },
        response('200 OK\r\nContent-Type: image/png', PNG),
      ],
      [
        {
          out: 'POST /orders HTTP/1.1\r\nHost: shop.test\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{"a":1}',
        },
        response('404 Not Found\r\nContent-Type: application/problem+json', '{"title":"none"}'),
      ],
    ];
    calls.forEach((steps, i) => {
      engine.push(recordBatch(conversation(steps, { connection: BigInt(i + 1) })));
    });
    engine.finish();
    const path = join(folder, 'ours.har');
    let text = '';
    const writer = new HarWriter('1.2.3', false, (piece) => {
      text += piece;
    });
    for (const id of engine.takeChanges().changed) {
      const json = engine.json(id, { reveal: false });
      if (json !== undefined) writer.add(json);
    }
    writer.end();
    writeFileSync(path, text);

    const context = await browser.newContext();
    await context.routeFromHAR(path, { notFound: 'abort' });
    const page = await context.newPage();
    await page.goto('http://shop.test/page');
    expect(await page.textContent('h1')).toBe('für jeden Raum');
    const fetched = await page.evaluate(`(async () => {
      const of = async (...call) => {
        const answer = await fetch(...call);
        const bytes = new Uint8Array(await answer.arrayBuffer());
        return [answer.status, answer.headers.get('content-type'), btoa(String.fromCharCode(...bytes))];
      };
      return Promise.all([
        of('/catalogue?page=1'), of('/lamps'), of('/logo.png'), of('/orders', { method: 'POST', body: '{"a":1}' }),
        fetch('/other').then(() => 'answered', () => 'aborted'),
      ]);
    })()`);
    const base64 = (body: string | Uint8Array): string => Buffer.from(body).toString('base64');
    expect(fetched).toEqual([
      [200, 'application/json', base64('{"name":"Lampe für alle"}')],
      [200, 'application/json', base64('{"name":"Lampe für alle"}')],
      [200, 'image/png', base64(PNG)],
      [404, 'application/problem+json', base64('{"title":"none"}')],
      'aborted',
    ]);
    await context.close();
  });
});
