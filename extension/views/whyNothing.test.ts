import { expect, test } from 'vitest';
import { IDLE_STATUS, type TraceStatus } from '../engine/traceStatus.ts';
import { type Circumstances, whyNothing } from './whyNothing.ts';

const PLAIN: Circumstances = {
  trusted: true,
  supported: true,
  sessions: 0,
  remoteSessions: 0,
  browserSessions: 0,
  held: 0,
};

const node = { pid: 7, name: 'node', ended: false };
const running = (changes: Partial<TraceStatus>): TraceStatus => ({
  ...IDLE_STATUS,
  phase: 'running',
  targets: [node],
  ...changes,
});

test.each<[string, TraceStatus, Partial<Circumstances>, RegExp, string[]]>([
  ['Restricted Mode', IDLE_STATUS, { trusted: false }, /Restricted Mode/, ['manageTrust']],
  ['another platform', IDLE_STATUS, { supported: false }, /Linux on x64/, []],
  ['never started', IDLE_STATUS, {}, /No trace.*Nothing is being debugged/, ['start', 'pickProcess']],
  [
    'a remote session',
    IDLE_STATUS,
    { sessions: 1, remoteSessions: 1 },
    /another machine/,
    ['start', 'pickProcess'],
  ],
  [
    'failed',
    { ...IDLE_STATUS, phase: 'failed', problem: 'The helper died.' },
    {},
    /The helper died\./,
    ['start', 'checkSystem'],
  ],
  ['no process', running({ targets: [] }), {}, /no process is in it/, ['start', 'pickProcess']],
  [
    'process ended',
    running({ targets: [{ ...node, ended: true }] }),
    {},
    /traced process has ended/,
    ['start', 'pickProcess'],
  ],
  [
    'bytes, but no call',
    running({ bytesSeen: 2048 }),
    {},
    /node \(7\).*2\.0 KiB/,
    ['showPanel', 'checkSystem'],
  ],
  [
    'TLS only',
    running({ bytesSeen: 2048, foreign: { tls: 2, http2: 1, other: 1 } }),
    {},
    /node \(7\) has 2 TLS connections and 1 HTTP\/2 connection and 1 other connection, and no plain/,
    ['checkSystem'],
  ],
  [
    'waiting',
    running({}),
    {},
    /waits: node \(7\) has made and answered no plain HTTP\/1 call yet\. Calls over TLS/,
    ['checkSystem'],
  ],
  ['calls are held', running({}), { held: 2 }, /2 calls are held.*filter/, ['showPanel']],
  [
    'stopped',
    { ...IDLE_STATUS, phase: 'stopped' },
    {},
    /stopped, and no calls are held/,
    ['start', 'pickProcess'],
  ],
])('%s', (_, status, around, text, remedies) => {
  const explanation = whyNothing(status, { ...PLAIN, ...around });
  expect(explanation.text).toMatch(text);
  expect(explanation.remedies).toEqual(remedies);
});

test('many processes are counted, not listed', () => {
  const targets = Array.from({ length: 9 }, (_, i) => ({ ...node, pid: i + 1 }));
  expect(whyNothing(running({ targets }), PLAIN).text).toMatch(
    /node \(1\), node \(2\), node \(3\) and 6 more have/,
  );
});
