import { expect, test } from 'vitest';
import type { TlsLibrary } from '../engine/tls/library.ts';
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

const OPENSSL: TlsLibrary = {
  kind: 'openssl',
  version: '3.0.19',
  path: '/usr/lib/libssl.so.3',
  inExecutable: false,
  attached: true,
  returns: 'instructions',
  reason: null,
};
const RUSTLS: TlsLibrary = {
  ...OPENSSL,
  kind: 'rustls',
  version: null,
  attached: false,
  returns: null,
  reason: 'rustls is not supported',
};

const node = { pid: 7, name: 'node', ended: false, parent: null, tls: null };
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
  ['no process', running({ targets: [] }), {}, /no process is being traced/, ['start', 'pickProcess']],
  [
    'process ended',
    running({ targets: [{ ...node, ended: true }] }),
    {},
    /traced process has ended/,
    ['start', 'pickProcess'],
  ],
  [
    'bytes, but no call',
    running({ newest: { calls: 0, bytesSeen: 2048, cleared: false } }),
    {},
    /^node \(7\) moved 2\.0 KiB, none of it readable as HTTP\.$/,
    ['showPanel', 'checkSystem'],
  ],
  [
    'TLS that is not read',
    running({
      bytesSeen: 2048,
      otherConnections: 1,
      targets: [{ ...node, tls: { off: null, libraries: [RUSTLS, OPENSSL], calls: 0, encrypted: 2 } }],
    }),
    {},
    /^node \(7\) has 2 encrypted connections and 1 connection of another protocol, but no readable HTTP call yet\. node \(7\): OpenSSL 3\.0\.19 is decrypted\. Not decrypted: rustls is not supported\. 2 TLS connections without plaintext\.$/,
    ['checkSystem'],
  ],
  [
    'waiting',
    running({}),
    {},
    /^Waiting: node \(7\) has not made or answered an HTTP call since the trace started\.$/,
    ['checkSystem'],
  ],
  [
    'waiting, and ready for TLS',
    running({ targets: [{ ...node, tls: { off: null, libraries: [OPENSSL], calls: 0, encrypted: 0 } }] }),
    {},
    /^Waiting: .* started\. node \(7\): OpenSSL 3\.0\.19 is decrypted\.$/,
    ['checkSystem'],
  ],
  [
    'waiting, without TLS',
    running({ targets: [{ ...node, tls: { off: null, libraries: [], calls: 0, encrypted: 0 } }] }),
    {},
    /No TLS library was recognised in the process\.$/,
    ['checkSystem'],
  ],
  [
    'TLS is not looked into',
    running({
      targets: [{ ...node, tls: { off: 'it is switched off', libraries: null, calls: 0, encrypted: 1 } }],
    }),
    {},
    /^node \(7\) has 1 encrypted connection.* node \(7\): Not decrypted: it is switched off\. 1 TLS connection/,
    ['checkSystem'],
  ],
  [
    'there are calls',
    running({ newest: { calls: 2, bytesSeen: 9, cleared: false } }),
    { held: 2 },
    /There are 2 calls.*filter/,
    ['showPanel'],
  ],
  [
    'only the trace before this one moved bytes and has calls',
    running({ bytesSeen: 16 * 1024 * 1024 }),
    { held: 2 },
    /^Waiting: node \(7\) has not made or answered .* started\. The 2 calls shown are from an earlier trace\.$/,
    ['checkSystem'],
  ],
  [
    'everything was cleared',
    running({ newest: { calls: 0, bytesSeen: 0, cleared: true } }),
    {},
    /^Waiting: node \(7\) has not made or answered an HTTP call since the list was cleared\.$/,
    ['checkSystem'],
  ],
  [
    'stopped',
    { ...IDLE_STATUS, phase: 'stopped' },
    {},
    /^The trace has stopped without calls/,
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
