/** A program that is debugged while it is traced (peers/talker.c), and what must be seen of it. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { ExchangeJson } from '../../../extension/engine/exchangeJson.ts';
import { bodyOf } from '../../kit/truth.ts';
import { PEERS } from './environment.ts';

/** How long a debugger pauses: seconds. A person's pause is longer; `TALKER_PAUSE=60` tries that. */
export const PAUSE_SECONDS = Number(process.env['TALKER_PAUSE'] ?? 3);
export const PAUSE_MS = PAUSE_SECONDS * 1000;
/** Timers and a busy machine. */
export const SLACK_MS = 50;

export const CALLS = 3;
/** The call in whose response the debugger pauses. */
export const PAUSED_CALL = 1;
/** In each call both ends send and receive: the request once, the response in two parts. */
export const SENDS = CALLS * 3;

/**
 * `statically`: send and recv are then in the program itself. lldb 14 on a busy machine sometimes never learns of
 * the libraries that a program loads, traced or not, and so stops nowhere in them.
 */
export function buildTalker(program: string, statically: boolean): void {
  const defines = [`-DCALLS=${CALLS}`, `-DLIMIT_SECONDS=${PAUSE_SECONDS + 120}`];
  const options = ['-g', '-O0', '-Wall', '-Werror', ...(statically ? ['-static'] : []), ...defines];
  const { status, stderr } = spawnSync('gcc', [...options, '-o', program, join(PEERS, 'talker.c')], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
}

export function expectCalls(exchanges: readonly ExchangeJson[]): void {
  for (const side of ['client', 'server'] as const) {
    const calls = exchanges.filter((exchange) => exchange.side === side);
    expect(calls.map(({ url }) => new URL(url ?? '').pathname)).toEqual(
      Array.from({ length: CALLS }, (_, call) => `/call-${call}`),
    );
    for (const [
      call,
      { status, completeness, violations, connection, process, response },
    ] of calls.entries()) {
      expect({ status, completeness, violations, late: connection.joinedLate, name: process?.name }).toEqual({
        status: 200,
        completeness: ['complete'],
        violations: [],
        late: false,
        name: 'talker',
      });
      expect(bodyOf(response).toString()).toBe(`the body of call ${call}\n`);
    }
  }
  expect(exchanges).toHaveLength(2 * CALLS);
  for (const side of ['client', 'server'] as const) {
    const calls = exchanges.filter((exchange) => exchange.side === side);
    const durations = calls.map(({ durationMs }) => durationMs ?? Number.NaN);
    expect(durations[PAUSED_CALL]).toBeGreaterThanOrEqual(PAUSE_MS - SLACK_MS);
    for (const [call, duration] of durations.entries()) {
      if (call !== PAUSED_CALL) expect(duration).toBeLessThan(durations[PAUSED_CALL] ?? 0);
    }
    // The pause is in the response: the program had its first part already.
    const { receiveMs, sendMs } = calls[PAUSED_CALL]?.timings ?? {};
    if (side === 'client') expect(receiveMs).toBeGreaterThanOrEqual(PAUSE_MS - SLACK_MS);
    expect(sendMs ?? 0).toBeLessThan(PAUSE_MS);
  }
}
