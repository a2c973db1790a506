import { expect, it } from 'vitest';
import type { EndingKind } from '../engine/exchange.ts';
import { exampleRow } from '../engine/testing/exampleRow.ts';
import { badgeOf } from './completeness.ts';

const ended = (how: EndingKind) => ({
  how,
  by: null,
  error: null,
  detail: null,
  exitCode: null,
  signal: null,
});

it('names the cause where it is known', () => {
  const unanswered = (how: EndingKind) =>
    badgeOf(exampleRow({ status: null, completeness: ['unanswered'], ending: ended(how) }))?.label;
  expect(unanswered('cancelled')).toBe('cancelled');
  expect(unanswered('reset')).toBe('reset');
  expect(unanswered('closed')).toBe('unanswered');
  expect(unanswered('unknown')).toBe('unanswered');
});

it('says first that the answer is not HTTP, and of no other rule that it is broken', () => {
  const label = (violations: number, state: 'running' | 'ended' = 'ended') =>
    badgeOf(exampleRow({ status: null, violations, state, ending: { ...ended('not-http'), by: 'server' } }));
  expect(label(1)?.label).toBe('not HTTP');
  expect(label(1, 'running')?.label).toBe('not HTTP');
  expect(label(1)?.sentence).toContain('another kind of server may listen');
  expect(label(2)?.label).toBe('not HTTP +1');
});

it('says of a call that TLS ended without an answer who refused and why', () => {
  const tlsFailure =
    'certificate_required (alert 116) sent by the server: it demands a certificate, and the client sent none';
  const badge = badgeOf(
    exampleRow({
      status: null,
      completeness: ['unanswered'],
      tlsFailure,
      ending: { ...ended('reset'), by: 'server' },
    }),
  );
  expect(badge?.label).toBe('TLS failed');
  expect(badge?.sentence).toBe(
    `TLS failed: ${tlsFailure}. The server reset the connection or the request before the response was complete.`,
  );
});

it('says of a connection that could not be made why', () => {
  const failed = (how: EndingKind) =>
    badgeOf(exampleRow({ connectAttempts: 2, completeness: ['connect-failed'], ending: ended(how) }));
  expect(failed('refused')?.label).toBe('connection refused');
  expect(failed('refused')?.sentence).toContain('nothing listens at the address');
  expect(failed('unreachable')?.label).toBe('unreachable');
  const unreachable = (error: string) =>
    badgeOf(
      exampleRow({
        connectAttempts: 1,
        completeness: ['connect-failed'],
        ending: { ...ended('unreachable'), error },
      }),
    )?.sentence;
  expect(unreachable('ENETUNREACH')).toContain('this machine, or a router, has no route to the address');
  expect(unreachable('EHOSTUNREACH')).toContain('nothing answers at the address in its network');
  expect(failed('unknown')?.label).toBe('not connected');
});
