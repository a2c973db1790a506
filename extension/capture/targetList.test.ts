import { expect, it } from 'vitest';
import { Direction, Omission, WireProtocol } from '../engine/record.ts';
import { recordBatch } from '../engine/testing/records.ts';
import { TargetList } from './targetList.ts';

const attached = (pid: number, name: string) => ({ request: 1, pid, error: null, message: '', name });

it('follows processes from their attaching to their end, under their newest name', () => {
  const list = new TargetList();
  list.attached(attached(7, 'sh'));
  list.attached({ ...attached(8, 'other'), error: 'not-owner', message: 'no' });
  list.records(
    recordBatch([
      { type: 'processStarted', pid: 9, parent: 7, name: 'sh' },
      { type: 'processReplaced', pid: 9, name: 'curl' },
      { type: 'processEnded', pid: 7, name: 'sh' },
    ]),
  );
  expect(list.all).toEqual([
    { pid: 9, name: 'curl', ended: false, parent: 7 },
    { pid: 7, name: 'sh', ended: true, parent: null },
  ]);
  expect(list.running).toBe(1);
});

it('does not know the start of a process that was given up, and taken in again', () => {
  const list = new TargetList();
  list.records(recordBatch([{ type: 'processStarted', pid: 9, parent: 7, name: 'sh' }]));
  list.attached(attached(9, 'sh'));
  expect(list.all).toEqual([{ pid: 9, name: 'sh', ended: false, parent: 7 }]);
  list.attached(attached(9, 'sh'), true);
  expect(list.all).toEqual([{ pid: 9, name: 'sh', ended: false, parent: null }]);
});

it('counts the connections that speak something else', () => {
  const list = new TargetList();
  const protocolFound = (protocol: WireProtocol, connection: bigint) => ({
    type: 'data' as const,
    connection,
    direction: Direction.Out,
    position: 0,
    bytes: '',
    size: 100,
    omission: Omission.Protocol,
    protocol,
  });
  list.records(
    recordBatch([
      protocolFound(WireProtocol.Tls, 1n),
      {
        ...protocolFound(WireProtocol.Http1, 2n),
        omission: Omission.None,
        bytes: 'GET / HTTP/1.1\r\n',
        size: 16,
      },
      protocolFound(WireProtocol.Http2, 3n),
      protocolFound(WireProtocol.Tls, 4n),
      protocolFound(WireProtocol.Other, 5n),
    ]),
  );
  expect(list.otherConnections).toBe(1);
});
