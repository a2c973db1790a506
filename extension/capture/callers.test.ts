import { expect, it } from 'vitest';
import { FLAG_ANY_METHOD, RecordType } from '../engine/record.ts';
import { LAYOUT } from '../engine/recordLayout.ts';
import { Callers } from './callers.ts';

const SECRET = 'what else is on the stack';

function stackRecord(beginning: string, stream = 0): Buffer {
  const f = LAYOUT.stack;
  const record = Buffer.alloc(f.stack + 512);
  record.writeUInt32LE(record.length, LAYOUT.header.length);
  record.writeUInt16LE(RecordType.Stack, LAYOUT.header.type);
  record.writeBigUInt64LE(5n, LAYOUT.header.time);
  record.writeUInt32LE(7, LAYOUT.header.pid);
  record.writeBigUInt64LE(3n, LAYOUT.header.connection);
  record.writeUInt32LE(512, f.bytes);
  record.writeUInt32LE(stream, f.stream);
  record.writeUInt8(1, f.machine);
  record.writeUInt8(beginning.length, f.beginningLength);
  record.write(beginning, f.beginning, 'latin1');
  record.write(SECRET, f.stack + 100);
  return record;
}

function other(): Buffer {
  const record = Buffer.alloc(48, 1);
  record.writeUInt32LE(48, 0);
  record.writeUInt16LE(RecordType.Closed, 4);
  return record;
}

it('no stack is passed on, not even that of an unknown process', () => {
  const callers = new Callers();
  const named = Buffer.from(callers.name(Buffer.concat([other(), stackRecord('POST /pay HTTP/1'), other()])));
  expect(named.includes(SECRET)).toBe(false);
  const { header, caller } = LAYOUT;
  const made = named.subarray(48, named.length - 48);
  expect(named.subarray(0, 48)).toEqual(other());
  expect(named.subarray(-48)).toEqual(other());
  expect(made.readUInt32LE(header.length)).toBe(made.length);
  expect(made.readUInt16LE(header.type)).toBe(RecordType.Caller);
  expect(made.readUInt16LE(header.flags)).toBe(FLAG_ANY_METHOD);
  expect(made.readBigUInt64LE(header.time)).toBe(5n);
  expect(made.readBigUInt64LE(header.connection)).toBe(3n);
  expect(made.toString('latin1', caller.method, caller.method + made.readUInt8(caller.methodLength))).toBe(
    'POST',
  );
  callers.close();
});

it('an HTTP/2 record names its stream, and bytes that are not a request get an impossible method', () => {
  const callers = new Callers();
  const { header, caller } = LAYOUT;
  const http2 = Buffer.from(callers.name(stackRecord('', 5)));
  expect([http2.readUInt16LE(header.flags), http2.readUInt32LE(caller.stream)]).toEqual([FLAG_ANY_METHOD, 5]);
  const odd = Buffer.from(callers.name(stackRecord('{"a": 1}')));
  expect(odd.toString('latin1', caller.method, caller.method + odd.readUInt8(caller.methodLength))).toBe('?');
  callers.close();
});

it('a record that is cut short is passed on or loses its stack, and nothing throws', () => {
  const callers = new Callers();
  for (let length = 0; length < 260; length++) {
    const record = stackRecord('GET / HTTP/1.1\r\n').subarray(0, length);
    callers.name(record);
    if (length < LAYOUT.header.size) continue;
    const shorter = Buffer.from(record);
    shorter.writeUInt32LE(length, 0);
    expect(Buffer.from(callers.name(shorter)).readUInt16LE(LAYOUT.header.type)).toBe(RecordType.Caller);
  }
  callers.close();
});
