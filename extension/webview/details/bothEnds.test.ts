import { describe, expect, it } from 'vitest';
import { bothEnds as callsAtBothEnds, exchangeOf, message } from '../../../test/webview/harness/calls.ts';
import type { ExchangeJson, MessageJson } from '../../engine/exchangeJson.ts';
import type { ExchangeRow } from '../../engine/row.ts';
import { between, fromWhole } from './bothEnds.ts';

const [clientRow, serverRow] = callsAtBothEnds(1) as [ExchangeRow, ExchangeRow];
const client = (change: Partial<ExchangeJson> = {}): ExchangeJson => exchangeOf(clientRow, change);
const server = (change: Partial<ExchangeJson> = {}): ExchangeJson => exchangeOf(serverRow, change);

describe('between both ends', () => {
  it('is what the clock says to the microsecond', () => {
    const found = between(
      client({ startedAt: '2026-11-22T18:00:00.123456Z', durationMs: 45 }),
      server({ startedAt: '2026-11-22T18:00:00.126999Z', durationMs: 36 }),
    );
    expect(found.received).toBeCloseTo(3.543, 6);
    expect(found.answered).toBeCloseTo(39.543, 6);
    expect(found.ended).toBe(45);
  });

  it('is not known while the call runs', () => {
    expect(between(client({ durationMs: null }), server({ durationMs: null }))).toMatchObject({
      answered: null,
      ended: null,
    });
  });
});

describe('a body of which the other end has more', () => {
  const part = (captured: number, size: number | null = 100): MessageJson =>
    message({ bodySize: size, bodyCaptured: captured, body: { text: 'x'.repeat(captured) }, bodyNote: null });

  it('is shown from there, and that is said', () => {
    const shown = fromWhole(client({ response: part(10) }), server({ response: part(100) }));
    expect(shown.response).toMatchObject({
      bodyCaptured: 100,
      bodyNote: 'More of this body was captured at the server: it is shown from there.',
    });
  });

  it('is this side’s own where it has as much, or where not the same was moved', () => {
    for (const [own, other] of [
      [part(100), part(100)],
      [part(100), part(10)],
      // The client read 10 bytes and closed.
      [part(10, 10), part(100)],
      [part(10, null), part(100)],
    ] as const) {
      expect(fromWhole(client({ response: own }), server({ response: other })).response).toEqual(own);
    }
    expect(fromWhole(client({ response: null }), server({ response: part(3) })).response).toBeNull();
  });
});
