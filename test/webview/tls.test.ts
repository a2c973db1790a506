/** What the panel says about encryption and name lookups. */
import { afterEach, describe, expect, it } from 'vitest';
import { examplePhases } from '../../extension/engine/testing/phases.ts';
import { call, failedLookup, LOOKUP, tlsCalls } from './harness/calls.ts';
import { answer, closePanel, open, panel, shown, text } from './harness/currentPanel.ts';

afterEach(closePanel);

describe('TLS', () => {
  it('shows connections without plaintext with the reason, and counts them as no calls', async () => {
    await open(tlsCalls());
    expect(await text('.count-calls')).toBe('5 calls');
    expect(await text('.count-errors')).toBe('1 error');
    expect(await text('#call-3 .c-call')).toMatch(
      /^metrics\.example:8443\s+rustls is not supported\s+encrypted$/,
    );
    expect(await text('#call-5 .c-call')).toMatch(/unknown_ca \(alert 48\) sent by the client\s+TLS failed$/);
    expect(await panel.page.getAttribute('#call-5', 'data-status')).toBe('error');
    expect(await text('#call-3 .c-method')).toBe('TLS');
    expect(await panel.page.getAttribute('#call-3 .c-method', 'aria-label')).toBe('TLS connection');
    expect(await text('#call-7 .c-time')).toMatch(/^\d+\.\d s…$/);
    expect(await panel.page.getAttribute('#call-1 .c-call', 'title')).toBe(
      'https://api.shop.example/v1/session',
    );
    await panel.page.fill('.filter input', 'is:encrypted');
    await expect.poll(shown).toEqual([3, 7]);
    expect(await text('.count-calls')).toBe('0 of 5 calls + 2 encrypted');
    await panel.page.fill('.filter input', '');
    // The chips move as the count gets shorter.
    await expect.poll(() => text('.count-calls')).toBe('5 calls');
    await panel.page.click('.chip:text("Running")');
    await expect.poll(shown).toEqual([]);
  });

  it('shows for a call what was agreed on and how its socket was found', async () => {
    const rows = tlsCalls();
    await open(rows);
    await panel.page.click('#call-1');
    await answer(rows);
    await panel.page.click('#tab-connection');
    const connection = await text('#tabpanel');
    for (const said of [
      'session on connection 4',
      'TLSv1.3',
      'TLS_AES_256_GCM_SHA384',
      'api.shop.example',
      'h2, http/1.1 offered',
      '6.2 ms',
      'full',
      'OpenSSL',
      '3.0.19',
      'by the system call in which the library sent or received it',
    ]) {
      expect(connection).toContain(said);
    }
    await panel.page.click('#tab-timing');
    expect(await text('.timing')).toMatch(
      /Connect\s+600 µs\s+Opening the connection\s+TLS handshake\s+6\.2 ms/,
    );
  });

  it('says for a stream why its connection was given up, and that the request may be sent again', async () => {
    const rows = [call({ id: 1 })];
    await open(rows);
    await panel.page.click('#call-1');
    const said = { code: 11, name: 'ENHANCE_YOUR_CALM', text: '<b>too_many_pings</b>' };
    const goAway = { ...said, by: 'server', processed: false } as const;
    await answer(rows, { http2: { stream: 7, pushed: false, reset: null, goAway, blockedMs: null } });
    await panel.page.click('#tab-connection');
    const connection = await text('#tabpanel');
    expect(connection).toContain('ENHANCE_YOUR_CALM: <b>too_many_pings</b>');
    expect(connection).toContain(
      'GOAWAY sent by the server, which has not processed the request: it is safe to retry',
    );
    await panel.screenshot('dark-connection-given-up');
  });

  it('says of a connection without plaintext why, and shows no messages', async () => {
    const rows = tlsCalls();
    await open(rows);
    await panel.page.click('#call-3');
    await answer(rows);
    await panel.page.click('#tab-summary');
    const summary = await text('#tabpanel');
    expect(summary).toContain('Encrypted: rustls is not supported.');
    expect(summary).toMatch(/Server name\s+metrics\.example/);
    expect(summary).toMatch(/Sent\s+2\.4 KiB/);
    expect(await panel.page.isVisible('#tab-messages')).toBe(false);
    for (const tab of ['headers', 'request', 'response']) {
      await panel.page.click(`#tab-${tab}`);
      expect(await text('#tabpanel')).toBe('Not available: this connection was not decrypted.');
    }
    await panel.page.click('#tab-timing');
    expect(await text('#tabpanel')).not.toContain('Send');
  });

  it('shows how the name was found before the connection', async () => {
    const phases = examplePhases({ lookupMs: 12, connectMs: 0.4, sendMs: 0.1, waitMs: 3, receiveMs: 0.2 });
    const rows = [call({ id: 1, phases })];
    await open(rows);
    await panel.page.click('#call-1');
    await answer(rows, { lookup: LOOKUP });
    await panel.page.click('#tab-timing');
    const timing = await text('.timing');
    const found = 'Finding the address of the server by its name';
    expect(timing.split(/\s*\n\s*/).slice(0, 6)).toEqual([
      ...['DNS lookup', '12.0 ms', found],
      ...['Connect', '400 µs', 'Opening the connection'],
    ]);
    expect(timing).toContain('Total');
    expect(timing).not.toContain('after connecting');
    await panel.page.click('#tab-connection');
    const connection = await text('#tabpanel');
    expect(connection).toMatch(/Name\s+shop\.example\s*alias of edge\.example/);
    expect(connection).toMatch(/Also tried\s+shop\.example\.local/);
    expect(connection).toMatch(/Name server\s+127\.0\.0\.53:53/);
    // A call without one has no empty line for it.
    await answer(rows);
    await panel.page.click('#tab-timing');
    await panel.page.click('#tab-connection');
    expect(await text('#tabpanel')).not.toContain('Name server');
  });

  it('says of a name that was not found why, and that there was no call', async () => {
    const rows = [call({ id: 1 }), failedLookup({ id: 2, start: 30 })];
    await open(rows);
    expect(await text('#call-2')).toMatch(/DNS[\s\S]*api\.nowhere\.example/);
    await panel.page.click('#call-2');
    const { lookupMs } = rows[1]!.phases;
    const lookup = { ...LOOKUP, name: 'api.nowhere.example', addresses: [], alias: null, error: 'NXDOMAIN' };
    await answer(rows, { lookup });
    await panel.page.click('#tab-summary');
    const summary = await text('#tabpanel');
    expect(summary).toContain('Name lookup failed: the name does not exist (NXDOMAIN from 127.0.0.53:53).');
    expect(summary).toMatch(/Name\s+api\.nowhere\.example/);
    expect(summary).toMatch(/Answer\s+NXDOMAIN/);
    for (const tab of ['headers', 'request', 'response']) {
      await panel.page.click(`#tab-${tab}`);
      expect(await text('#tabpanel')).toBe('Not available: no call was made.');
    }
    await panel.page.click('#tab-timing');
    expect(lookupMs).toBe(12);
    expect((await text('#tabpanel')).split(/\s*\n\s*/)).toEqual([
      ...['DNS lookup', '12.0 ms', 'Finding the address of the server by its name'],
      ...['Total', '12.0 ms', 'First query to the end of the lookup'],
    ]);
    await panel.page.click('#tab-connection');
    expect(await text('#tabpanel')).toBe('There was no connection.');
  });

  it('says why a handshake failed, and what that usually means', async () => {
    const rows = tlsCalls();
    await open(rows);
    await panel.page.click('#call-5');
    await answer(rows);
    await panel.page.click('#tab-summary');
    const summary = await text('#tabpanel');
    expect(summary).toContain('TLS handshake failed: unknown_ca (alert 48) sent by the client.');
    expect(summary).toContain('does not trust the authority');
    await panel.page.click('#tab-connection');
    expect(await text('#tabpanel')).toMatch(/Alert\s+unknown_ca \(48\), sent by the client/);
  });
});
