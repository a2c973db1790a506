import type { ExchangeRow } from '../engine/row.ts';
import { examplePhases } from '../engine/testing/phases.ts';

/** For tests: a plain GET that went well, with what the test wants otherwise. */
export function exampleRow(changes: Partial<ExchangeRow> = {}): ExchangeRow {
  return {
    id: 1,
    revision: 1,
    method: 'GET',
    status: 200,
    statusText: 'OK',
    scheme: 'http',
    host: 'shop.test',
    path: '/products',
    protocol: 'HTTP/1.1',
    type: 'json',
    requestSize: 0,
    responseSize: 27,
    start: 0,
    duration: 12.5,
    phases: examplePhases(),
    pid: 4242,
    processName: 'node',
    side: 'client',
    state: 'ended',
    completeness: ['complete'],
    ending: { how: 'answered', by: null, error: null, detail: null, signal: null, exitCode: null },
    connectAttempts: 0,
    violations: 0,
    connection: 'c1',
    messageFormat: null,
    messages: 0,
    grpcStatus: null,
    encrypted: null,
    failure: null,
    file: null,
    operation: null,
    model: null,
    peer: null,
    pinned: false,
    debug: null,
    ...changes,
  };
}
