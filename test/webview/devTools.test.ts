/** An exported archive in a third-party viewer: the Network panel of Chromium's DevTools imports it. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Engine } from '../../extension/engine/engine.ts';
import { conversation, recordBatch, START, type Step } from '../../extension/engine/testing/records.ts';
import { binary, MASK, switching, text, UPGRADE } from '../../extension/engine/testing/webSocket.ts';
import { HarWriter } from '../../extension/export/harWriter.ts';
import { CHROMIUM_OPTIONS, findChromium } from '../kit/chromium.mjs';
import { OUTPUT } from './harness/panelPage.ts';

/** 2026-11-22T18:00:00Z. */
const OFFSET = 1_795_370_400_000_000_000n - START;

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==',
  'base64',
);

function answer(head: string, body: Uint8Array): Step {
  return {
    in: Buffer.concat([Buffer.from(`HTTP/1.1 ${head}\r\nContent-Length: ${body.length}\r\n\r\n`), body]),
  };
}

const CALLS: readonly (readonly Step[])[] = [
  [
    { out: 'GET /straße?password=hunter2 HTTP/1.1\r\nHost: a.test\r\n\r\n' },
    answer(
      '200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip',
      gzipSync('{"answer":"ü","token":"geheim"}'),
    ),
  ],
  [
    {
      out: 'POST /orders HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{"a":1}',
    },
    {
      in: 'HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nnone \r\n4\r\nhere\r\n0\r\n\r\n',
    },
  ],
  [
    { out: 'GET /logo.png HTTP/1.1\r\nHost: a.test\r\n\r\n' },
    answer('200 OK\r\nContent-Type: image/png', PNG),
  ],
  [{ out: 'GET /never HTTP/1.1\r\nHost: a.test\r\n\r\n' }],
  [{ out: 'DELETE /orders/7 HTTP/1.1\r\nHost: a.test\r\n\r\n' }, { in: 'HTTP/1.1 204 No Content\r\n\r\n' }],
  [
    { out: UPGRADE },
    { in: switching() },
    { out: text('hello', { mask: MASK }) },
    { in: binary(Buffer.from([1, 2, 255])) },
  ],
];

function exported(): string {
  const engine = new Engine();
  engine.setClock({ offset: OFFSET, bootTime: START });
  CALLS.forEach((steps, i) => {
    engine.push(recordBatch(conversation(steps, { connection: BigInt(i + 1) })));
  });
  engine.finish();
  let written = '';
  const writer = new HarWriter('1.2.3', false, (piece) => {
    written += piece;
  });
  for (const id of engine.takeChanges().changed) {
    const json = engine.json(id, { reveal: false });
    if (json !== undefined) writer.add(json);
  }
  writer.end();
  return written;
}

/** What DevTools' own objects say of one request. */
interface Imported {
  readonly method: string;
  readonly url: string;
  readonly status: number;
  readonly type: string;
  readonly sent: string | null;
  readonly text: string | null;
  readonly base64: string | null;
  readonly frames: readonly { readonly type: string; readonly text: string }[];
}

let browser: Browser;
let imported: readonly Imported[];
let listed: readonly string[];

beforeAll(async () => {
  mkdirSync(OUTPUT, { recursive: true });
  browser = await chromium.launch({
    executablePath: findChromium({ devTools: true }),
    args: [...CHROMIUM_OPTIONS],
  });
  const page = await browser.newPage({ viewport: { width: 1200, height: 500 } });
  await page.goto('devtools://devtools/bundled/devtools_app.html?panel=network');
  // As a text, since these modules are DevTools' own.
  await page.waitForFunction(`import('./ui/legacy/legacy.js').then(({ InspectorView }) => {
    try { return InspectorView.InspectorView.instance() !== null; } catch { return false; }
  })`);
  imported = (await page.evaluate(`(async () => {
    const { ViewManager } = await import('./ui/legacy/legacy.js');
    const { NetworkPanel } = await import('./panels/network/network.js');
    const { NetworkLog } = await import('./models/logs/logs.js');
    await ViewManager.ViewManager.instance().showView('network');
    const archive = new File([${JSON.stringify(exported())}], 'calls.har');
    await NetworkPanel.NetworkPanel.instance().networkLogView.onLoadFromFile(archive);
    return Promise.all(NetworkLog.NetworkLog.instance().requests().map(async (request) => {
      const content = await request.requestContentData();
      return {
        method: request.requestMethod,
        url: request.url(),
        status: request.statusCode,
        type: request.resourceType().name(),
        sent: await request.requestFormData(),
        text: content.isTextContent === true ? content.text : null,
        base64: content.isTextContent === false ? content.base64 : null,
        frames: request.frames().map(({ type, text }) => ({ type: String(type), text })),
      };
    }));
  })()`)) as readonly Imported[];
  const rows = page.locator('tr.data-grid-data-grid-node');
  await rows.nth(CALLS.length - 1).waitFor();
  listed = await rows.allTextContents();
  await page.screenshot({ path: join(OUTPUT, 'har-in-devtools.png') });
});

afterAll(() => browser?.close());

const of = (path: string): Imported | undefined => imported.find(({ url }) => url.includes(path));

describe('an exported archive in Chromium’s DevTools', () => {
  it('is a row for each call', () => {
    expect(listed).toHaveLength(CALLS.length);
    expect(imported.map(({ method, status }) => [method, status])).toEqual([
      ['GET', 200],
      ['POST', 404],
      ['GET', 200],
      ['GET', 0],
      ['DELETE', 204],
      ['GET', 101],
    ]);
  });

  it('has the bodies, decoded, and what was sent', () => {
    expect(of('stra')?.text).toContain('"answer":"ü"');
    expect(of('/orders')).toMatchObject({ sent: '{"a":1}', text: 'none here' });
    expect(of('/logo')?.base64).toBe(PNG.toString('base64'));
    expect(of('/orders/7')?.text ?? '').toBe('');
  });

  it('has the messages of a WebSocket', () => {
    const chat = of('/chat');
    expect(chat?.type).toBe('websocket');
    expect(chat?.frames.map(({ type, text }) => [type, text])).toEqual([
      ['send', 'hello'],
      ['receive', Buffer.from([1, 2, 255]).toString('base64')],
    ]);
  });

  it('shows no secret', () => {
    const all = JSON.stringify([imported, listed]);
    for (const secret of ['hunter2', 'geheim']) expect(all).not.toContain(secret);
  });
});
