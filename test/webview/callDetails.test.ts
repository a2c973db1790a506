/** The details of a call: how they open, are laid out, read and copied. */
import { afterEach, describe, expect, it } from 'vitest';
import { MASK } from '../../extension/privacy/secrets.ts';
import { call, calls, exchangeOf, JSON_BODY, message } from './harness/calls.ts';
import { answer, closePanel, open, panel, selected, shown, text } from './harness/currentPanel.ts';

afterEach(closePanel);

describe('details', () => {
  it('stay closed for the menu, which is that of the call under the mouse', async () => {
    await open([call({ id: 4 }), call({ id: 5 })]);
    await panel.page.click('#call-5', { button: 'right' });
    expect(await panel.page.getAttribute('#call-5', 'aria-selected')).toBe('true');
    expect(await panel.page.locator('.details').isVisible()).toBe(false);
    const context = await panel.page.getAttribute('#call-5', 'data-vscode-context');
    expect(JSON.parse(context ?? '')).toEqual({
      webviewSection: 'call',
      callId: 5,
      callPinned: false,
      callSource: false,
      preventDefaultContextMenuItems: true,
    });
  });

  it('open by a click, change with the arrows and keep the tab', async () => {
    const rows = calls(40, { running: 0 });
    await open(rows);
    await panel.page.click('#call-30');
    await panel.settled();
    expect(await selected()).toEqual([30]);
    expect(await panel.lastSent('details')).toEqual({ type: 'details', id: 30, reveal: false });
    await answer(rows);
    expect(await text('.details h2')).toContain(rows[29]?.path);
    await panel.page.click('#tab-headers');
    expect(await text('#tabpanel')).toMatch(/Request headers/);
    await panel.page.focus('.grid');
    await panel.page.keyboard.press('ArrowDown');
    await panel.page.keyboard.press('ArrowDown');
    await expect.poll(async () => (await panel.lastSent('details'))?.id).toBe(32);
    await answer(rows);
    expect(await selected()).toEqual([32]);
    expect(await panel.page.getAttribute('.grid', 'aria-activedescendant')).toBe('call-32');
    expect(await panel.page.getAttribute('#tab-headers', 'aria-selected')).toBe('true');
    expect(await text('#tabpanel')).toMatch(/Request headers/);
    await panel.page.keyboard.press('Escape');
    expect(await panel.page.isVisible('.details')).toBe(false);
    expect(await panel.lastSent('details')).toEqual({ type: 'details', id: null, reveal: false });
    await panel.page.keyboard.press('Enter');
    expect(await panel.page.isVisible('.details')).toBe(true);
  });

  it('ask once when a key is held down', async () => {
    const rows = calls(60, { running: 0 });
    await open(rows);
    await panel.page.click('#call-50');
    const before = (await panel.sent()).filter(({ type }) => type === 'details').length;
    // In the page: the browser driver takes longer for a key than a key that is held down on a busy machine.
    await panel.page.$eval('.grid', (grid) => {
      for (let i = 0; i < 20; i++)
        grid.dispatchEvent(
          new KeyboardEvent('keydown', { key: 'ArrowUp', bubbles: true, cancelable: true, repeat: i > 0 }),
        );
    });
    await expect.poll(async () => (await panel.lastSent('details'))?.id).toBe(30);
    const asked = (await panel.sent()).filter(({ type }) => type === 'details').length - before;
    expect(asked).toBe(1);
  });

  it('have tabs that are tabs', async () => {
    const rows = calls(5, { running: 0 });
    await open(rows);
    await panel.page.click('#call-2');
    await answer(rows);
    await panel.page.focus('#tab-summary');
    // A call without messages has no tab for them, nor has a request that is only a head.
    for (const tab of ['headers', 'response', 'timing', 'connection', 'summary']) {
      await panel.page.keyboard.press('ArrowRight');
      expect(await panel.page.evaluate(() => document.activeElement?.id)).toBe(`tab-${tab}`);
      expect(await panel.page.getAttribute('#tabpanel', 'aria-labelledby')).toBe(`tab-${tab}`);
    }
    expect(await panel.page.locator('[role="tab"][tabindex="0"]').count()).toBe(1);
    await panel.page.keyboard.press('ArrowDown');
    await expect.poll(async () => (await panel.lastSent('details'))?.id).toBe(3);
  });

  it('show bodies as JSON, raw, as a form and as bytes, and open them in an editor', async () => {
    const rows = [call({ method: 'POST', requestSize: 51 })];
    await open(rows);
    await panel.page.click('#call-1');
    await answer(rows);
    await panel.page.click('#tab-response');
    await expect.poll(() => text('.content')).toBe(JSON.stringify(JSON.parse(JSON_BODY), null, 2));
    await panel.page.click('text=Raw');
    await expect.poll(() => text('.content')).toBe(JSON_BODY);
    await panel.page.click('text=Pretty');
    await panel.page.click('text=Open in Editor');
    expect(await panel.lastSent('openBody')).toEqual({ type: 'openBody', id: 1, part: 'response' });
    await panel.page.click('[aria-label="Copy body"]');
    expect(await panel.lastSent('copy')).toEqual({ type: 'copy', text: JSON_BODY });

    await panel.page.click('#tab-request');
    expect(
      await panel.page.$$eval('.fields tr', (trs) =>
        trs.map((tr) => [...tr.children].map((c) => c.textContent)),
      ),
    ).toEqual([
      ['order', 'a7f3'],
      ['amount', '12.50'],
      ['note', 'two words!'],
      ['card', MASK],
    ]);

    const png = message({
      headers: [['Content-Type', 'image/png']],
      bodySize: 8,
      bodyCaptured: 8,
      body: { base64: 'iVBORw0KGgo=' },
      bodyNote: 'Only the beginning was captured.',
    });
    await panel.post({ type: 'details', id: 1, exchange: exchangeOf(call({}), { response: png }) });
    await panel.page.click('#tab-response');
    await expect.poll(() => text('#tabpanel')).toContain('89 50 4e 47 0d 0a 1a 0a');
    expect(await text('.note >> nth=0')).toBe('Only the beginning was captured.');
  });

  it('draw images, lay out XML, and take a multipart body to its parts', async () => {
    const rows = [
      call({ method: 'POST', path: '/graphql', operation: 'mutation Upload\u202e' }),
      call({ id: 2, path: '/two' }),
    ];
    await open(rows);
    expect(await text('#call-1 .operation')).toBe('mutation Upload\\u202e');
    expect(await panel.page.isVisible('#call-2 .operation')).toBe(false);
    await panel.page.fill('.filter input', 'operation:upload');
    await expect.poll(shown).toEqual([1]);
    await panel.page.fill('.filter input', '');
    await panel.page.click('#call-1');
    await panel.page.click('#tab-response');
    const show = async (
      type: string,
      body: { text: string } | { base64: string },
      note: string | null = null,
    ) => {
      const response = message({
        headers: [['Content-Type', type]],
        bodySize: 9,
        bodyCaptured: 9,
        body,
        bodyNote: note,
      });
      await panel.post({ type: 'details', id: 1, exchange: exchangeOf(call({}), { response }) });
    };
    const png =
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
    await show('image/png', { base64: png });
    const drawn = () =>
      panel.page.$$eval('figure img', (images) =>
        images.map((image) => (image as HTMLImageElement).naturalWidth),
      );
    await expect.poll(drawn).toEqual([1]);
    expect(await text('figure')).toContain('1 × 1 pixels');
    await panel.page.click('text=Raw');
    await expect.poll(() => text('.content')).toContain('89 50 4e 47');
    await panel.page.click('text=Pretty');
    // A claim of 65,535 × 65,535 pixels is not believed, and half an image is not shown.
    const huge = Buffer.from(png, 'base64');
    huge.writeUInt32BE(65_535, 16);
    huge.writeUInt32BE(65_535, 20);
    await show('image/png', { base64: huge.toString('base64') });
    await expect.poll(() => text('.content')).toContain('This image cannot be displayed here.');
    await show('image/png', { base64: png }, 'Only the beginning was captured.');
    await expect.poll(() => text('.content')).toContain('This image is incomplete and cannot be displayed.');
    await show('image/svg+xml', { text: '<svg onload="alert(1)"><script>alert(2)</script></svg>' });
    await expect
      .poll(() => text('.content'))
      .toBe('<svg onload="alert(1)">\n  <script>alert(2)</script>\n</svg>');
    expect(await panel.page.locator('.content svg, .content script, .content img').count()).toBe(0);

    const multipart = Buffer.concat([
      Buffer.from(
        '--b\r\nContent-Disposition: form-data; name="meta"\r\nContent-Type: application/json\r\n\r\n{"a":1}\r\n',
      ),
      Buffer.from(
        '--b\r\nContent-Disposition: form-data; name="<img src=x>"; filename="cat.png"\r\nContent-Type: image/png\r\n\r\n',
      ),
      Buffer.from(png, 'base64'),
      Buffer.from(
        '\r\n--b\r\nContent-Disposition: form-data; name="blob"\r\n\r\n\xff\xfe\0\r\n--b--\r\n',
        'latin1',
      ),
    ]);
    await show('multipart/form-data; boundary=b', { base64: multipart.toString('base64') });
    await expect.poll(() => panel.page.locator('.part').count()).toBe(3);
    const titles = await panel.page.$$eval('.part h4', (all) =>
      all.map((h) => [...h.childNodes].map((n) => n.textContent)),
    );
    expect(titles).toEqual([
      ['meta', 'application/json · 7 B'],
      ['<img src=x>', 'cat.png', 'image/png · 70 B'],
      ['blob', '3 B'],
    ]);
    expect(await text('.part >> nth=0')).toContain('"a": 1');
    await expect.poll(drawn).toEqual([1]);
    expect(await text('.part >> nth=2')).toContain('ff fe 00');
  });

  it('bound what is rendered of a large body', async () => {
    const rows = [call({})];
    await open(rows);
    await panel.page.click('#call-1');
    await panel.page.click('#tab-response');
    const body = (text: string) =>
      message({
        headers: [['content-type', 'text/plain']],
        body: { text },
        bodySize: text.length,
        bodyCaptured: text.length,
      });
    await panel.post({
      type: 'details',
      id: 1,
      exchange: exchangeOf(call({}), { response: body('x'.repeat(1_000_000)) }),
    });
    expect(await text('#tabpanel')).toContain('Only the first 256 KiB are shown.');
    expect((await text('pre')).length).toBeLessThan(300_000);
    const deep = body(`${'['.repeat(500_000)}`);
    await panel.post({ type: 'details', id: 1, exchange: exchangeOf(call({}), { response: deep }) });
    await panel.settled();
  });

  it('show secrets only when asked, for this call only', async () => {
    const rows = calls(10, { running: 0 });
    await open(rows);
    await panel.page.click('#call-4');
    await answer(rows);
    await panel.page.click('[aria-label="Show Secrets of This Call"]');
    expect(await panel.lastSent('details')).toEqual({ type: 'details', id: 4, reveal: true });
    await panel.page.focus('.grid');
    await panel.page.keyboard.press('ArrowDown');
    await expect.poll(() => panel.lastSent('details')).toEqual({ type: 'details', id: 5, reveal: false });
    await answer(rows);
    expect(await panel.page.isVisible('[aria-label="Show Secrets of This Call"]')).toBe(true);
    // Nothing to show, no button.
    await answer(rows, { request: message(), response: null });
    expect(await panel.page.isVisible('[aria-label="Show Secrets of This Call"]')).toBe(false);
  });

  it('say in words what is not whole', async () => {
    const row = call({ completeness: ['response-gap', 'joined-late'], violations: 1, status: 200 });
    await open([row]);
    expect(await text('.badge')).toBe('gap +2');
    await panel.page.click('#call-1');
    await answer([row], {
      violations: [
        {
          rule: 'RFC 9112 section 6.3',
          message: 'Two lengths that differ; the first was used.',
          in: 'response',
        },
      ],
    });
    const summary = await text('#tabpanel');
    expect(summary).toContain('Some bytes of the response could not be captured.');
    expect(summary).toContain('The connection was open before the trace started');
    expect(summary).toContain('Two lengths that differ; the first was used.');
    expect(summary).toContain('RFC 9112 section 6.3, in the response');
  });

  it('stay where one reads while a running call is sent again', async () => {
    const row = call({ state: 'running', duration: null });
    await open([row]);
    await panel.page.click('#call-1');
    const long = Array.from({ length: 200 }, (_, i) => `line ${i}`).join('\n');
    const response = message({
      headers: [],
      body: { text: long },
      bodySize: null,
      bodyCaptured: long.length,
    });
    await panel.page.click('#tab-response');
    await panel.post({ type: 'details', id: 1, exchange: exchangeOf(row, { response }) });
    await panel.page.locator('#tabpanel').evaluate((element) => element.scrollTo(0, 800));
    await panel.post({
      type: 'details',
      id: 1,
      exchange: exchangeOf(row, { response: { ...response, bodyCaptured: 9 } }),
    });
    expect(await panel.page.locator('#tabpanel').evaluate((element) => element.scrollTop)).toBe(800);
  });

  it('say that a call is no longer available', async () => {
    await open(calls(3, { running: 0 }));
    await panel.page.click('#call-2');
    await panel.post({ type: 'details', id: 2, exchange: null });
    expect(await text('#tabpanel')).toBe('This call is no longer available: newer calls took its place.');
  });

  it('lie below the list where it is narrow, with a splitter for mouse and keyboard', async () => {
    const rows = calls(40, { running: 0 });
    await open(rows, { width: 500, height: 600 });
    await panel.page.click('#call-38');
    await answer(rows);
    const boxOf = async (selector: string) => {
      const box = await panel.page.locator(selector).boundingBox();
      if (box === null) throw new Error(`${selector} is not shown`);
      return box;
    };
    const list = await boxOf('.list');
    const details = await boxOf('.details');
    expect(details.y).toBeGreaterThan(list.y + list.height - 1);
    expect(await shown()).toContain(38);
    const sash = await boxOf('.sash');
    await panel.page.mouse.move(sash.x + 200, sash.y);
    await panel.page.mouse.down();
    await panel.page.mouse.move(sash.x + 200, sash.y - 80, { steps: 5 });
    await panel.page.mouse.up();
    await panel.settled();
    expect((await boxOf('.details')).height).toBeCloseTo(details.height + 80, -1);
    await panel.page.focus('.sash');
    await panel.page.keyboard.press('ArrowDown');
    await panel.settled();
    expect((await boxOf('.details')).height).toBeLessThan(details.height + 75);
    await panel.page.setViewportSize({ width: 1200, height: 600 });
    await panel.settled();
    expect((await boxOf('.details')).x).toBeGreaterThan((await boxOf('.list')).x + 300);
    // A low panel, as in a window of 1024 × 640: below the list they would have three lines.
    await panel.page.setViewportSize({ width: 668, height: 290 });
    await panel.settled();
    expect((await boxOf('.details')).height).toBeGreaterThan(180);
    expect((await boxOf('.list')).width).toBeGreaterThan(240);
    await panel.screenshot('low-details');
    await panel.page.setViewportSize({ width: 668, height: 560 });
    await panel.settled();
    expect((await boxOf('.details')).y).toBeGreaterThan((await boxOf('.list')).y);
  });
});

describe('narrow details', () => {
  it('show the tabs that have room, and the others in a menu', async () => {
    const rows = calls(20);
    await open(rows, { width: 760, height: 470 });
    await panel.page.click('#call-12');
    await panel.page.evaluate(() =>
      document.querySelector<HTMLElement>('.details')?.style.setProperty('width', '260px'),
    );
    await panel.page.evaluate(() =>
      document.querySelector<HTMLElement>('.details')?.style.setProperty('flex', 'none'),
    );
    await expect.poll(() => panel.page.isVisible('[aria-label="More Tabs"]')).toBe(true);
    expect(await panel.page.isVisible('#tab-summary')).toBe(true);
    expect(await panel.page.isVisible('#tab-connection')).toBe(false);
    await panel.page.click('[aria-label="More Tabs"]');
    await panel.page.click('.popup-menu:visible [role=menuitem]:has-text("Connection")');
    expect(await panel.page.isVisible('.popup-menu:visible')).toBe(false);
    expect(await panel.page.getAttribute('#tab-connection', 'aria-selected')).toBe('true');
    expect(await panel.page.isVisible('#tab-connection')).toBe(true);
    const ends = await panel.page.evaluate(() => {
      const list = document.querySelector('.tabs');
      return list === null ? null : list.scrollWidth <= list.clientWidth;
    });
    expect(ends).toBe(true);
  });
});

describe('what is selected and copied', () => {
  it('of laid out JSON has its indentation; Ctrl+A takes the tab alone', async () => {
    const rows = calls(20);
    await open(rows);
    await panel.page.click('#call-12');
    await panel.page.click('#tab-response');
    await answer(rows, {
      response: message({
        headers: [['Content-Type', 'application/json']],
        bodySize: 13,
        bodyCaptured: 13,
        body: { text: '{"a":{"b":1}}' },
      }),
    });
    await panel.page.keyboard.press('Control+a');
    const copied = await panel.page.evaluate(() => getSelection()?.toString() ?? '');
    expect(copied).toContain('{\n  "a": {\n    "b": 1\n  }\n}');
    expect(copied).not.toContain('Errors');
  });
});
