/** What was written with protobufjs, an encoder that others made, is read: by name, and by wire type. */
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import { runs } from '../../test/kit/runs.ts';
import { byName } from '../engine/protobuf/byName.ts';
import { byWire } from '../engine/protobuf/byWire.ts';
import { readProtos } from './readProtos.ts';

const SOURCE = `
syntax = "proto3";
package shop.v1;
import "google/protobuf/timestamp.proto";
import "not/there.proto";

service Orders {
  rpc Place (Order) returns (stream .shop.v1.Order.Line);
  rpc Lost (Nowhere) returns (Order);
}
enum Kind { NONE = 0; GIFT = 3; BACK = -2; }
message Order {
  message Line { string item_name = 1; sint64 delta = 2; Order part_of = 3; }
  double d = 1; float f = 2; int32 i32 = 3; int64 i64 = 4; uint32 u32 = 5; uint64 u64 = 6;
  sint32 s32 = 7; sint64 s64 = 8; fixed32 f32 = 9; fixed64 f64 = 10; sfixed32 sf32 = 11; sfixed64 sf64 = 12;
  bool yes = 13; string text = 14; bytes raw = 15; Kind kind = 16;
  Line line = 17; repeated Line lines = 18; repeated int32 packed = 19; repeated string words = 20;
  map<string, Line> by_name = 21; map<int32, double> by_number = 22;
  google.protobuf.Timestamp at = 23;
  string api_key = 24;
  repeated fixed64 wide = 25 [packed = false];
  oneof choice { string left = 26; uint32 right = 27; }
}
`;

const { schema, problems } = readProtos([{ path: 'a.proto', text: SOURCE }]);
const root = protobuf.parse(
  SOURCE.replace('import "not/there.proto";', '').replace(/rpc Lost.*\n/, ''),
  new protobuf.Root(),
  { keepCase: true },
).root;
for (const file of ['timestamp']) {
  const nested = protobuf.common.get(`google/protobuf/${file}.proto`)?.nested;
  root.addJSON(nested ?? {});
}
const Order = root.lookupType('shop.v1.Order');

const encode = (values: object): Buffer =>
  Buffer.from(Order.encode(Order.fromObject(values as Record<string, unknown>)).finish());

/** A message read by name, parsed again. */
function named(bytes: Buffer, reveal = true): unknown {
  const shown = byName(bytes, true, schema, 'shop.v1.Order', reveal);
  expect(shown).toMatchObject({ end: bytes.length, cut: false });
  return JSON.parse(shown?.text ?? '');
}

describe('.proto files', () => {
  it('become methods and messages', () => {
    expect(problems).toEqual([]);
    expect([...schema.methods]).toEqual([
      ['shop.v1.Orders/Place', { request: 'shop.v1.Order', response: 'shop.v1.Order.Line' }],
    ]);
    expect(schema.messages.get('shop.v1.Order.Line')?.fields.get(3)).toEqual({
      name: 'part_of',
      type: 'message',
      typeName: 'shop.v1.Order',
      repeated: false,
    });
  });

  it('that are broken are reported, and the others are read', () => {
    const read = readProtos([
      { path: 'broken.proto', text: 'syntax = "proto3"; message {' },
      { path: 'one.proto', text: 'syntax = "proto3"; message A { int32 x = 1; }' },
      { path: 'copy.proto', text: 'syntax = "proto3"; message A { int32 y = 1; }' },
      {
        path: 'two.proto',
        text: 'syntax = "proto2"; message B { optional group G = 1 { optional A a = 2; } }',
      },
    ]);
    expect(read.problems).toEqual([expect.stringMatching(/^broken\.proto: /)]);
    expect(read.schema.messages.get('A')?.fields.get(1)?.name).toBe('x');
    expect([...(read.schema.messages.get('B')?.fields.values() ?? [])]).toMatchObject([
      { type: 'group', typeName: 'B.G' },
    ]);
    const group = Buffer.from([0x0b, 0x12, 0x02, 0x08, 0x07, 0x0c]);
    expect(JSON.parse(byName(group, true, read.schema, 'B', true)?.text ?? '')).toMatchObject({
      [[...(read.schema.messages.get('B')?.fields.values() ?? [])][0]?.name ?? '']: { a: { x: 7 } },
    });
  });
});

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String);
const text = fc.string({ unit: 'binary' }).filter((value) => !/[=@{[]|eyJ/.test(value));
const bytes = fc.uint8Array({ maxLength: 20 }).map((value) => Buffer.from(value).toString('base64'));
const line = fc.record({ item_name: text, delta: int64 }, { requiredKeys: [] });
const key = text.filter((value) => value !== '__proto__');

const order = fc.record(
  {
    d: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
    f: fc.float({ noNaN: true, noDefaultInfinity: true }),
    i32: int32,
    i64: int64,
    u32: uint32,
    u64: uint64,
    s32: int32,
    s64: int64,
    f32: uint32,
    f64: uint64,
    sf32: int32,
    sf64: int64,
    yes: fc.boolean(),
    text,
    raw: bytes,
    kind: fc.constantFrom('NONE', 'GIFT', 'BACK', 77),
    line,
    lines: fc.array(line, { minLength: 1 }),
    packed: fc.array(int32, { minLength: 1 }),
    words: fc.array(text, { minLength: 1 }),
    by_name: fc.dictionary(key, line, { minKeys: 1 }),
    by_number: fc.dictionary(int32.map(String), fc.integer(), { minKeys: 1 }),
    at: fc.record({ seconds: int64, nanos: int32 }),
    wide: fc.array(uint64, { minLength: 1 }),
  },
  { requiredKeys: [] },
);

describe('protobuf by name', () => {
  it('is what was written', () => {
    fc.assert(
      fc.property(order, (value) => {
        const written = encode(value);
        const wanted = Order.toObject(Order.decode(written), {
          longs: String,
          enums: String,
          bytes: String,
        }) as unknown;
        const read = named(written) as Record<string, unknown>;
        if (typeof read['f'] === 'number') expect(Math.fround(read['f'])).toBe(Math.fround(value.f ?? 0) + 0);
        expect({ ...read, f: 0 }).toEqual({ ...(JSON.parse(JSON.stringify(wanted)) as object), f: 0 });
      }),
      { numRuns: runs(300) },
    );
  });

  it('masks by the names of fields, not of values', () => {
    const written = encode({ api_key: 'open sesame', by_name: { password: {}, other: {} }, text: 'x' });
    expect(named(written, false)).toEqual({
      api_key: '••••••',
      by_name: { password: '••••••', other: {} },
      text: 'x',
    });
    expect(byName(written, true, schema, 'shop.v1.Order', false)?.masked).toBe(true);
    expect(named(written)).toMatchObject({ api_key: 'open sesame' });
  });

  it('shows what is not defined by its number', () => {
    const odd = Buffer.from([0xf8, 0x07, 5, 0x18, 7, 0x1a, 1, 0x41]);
    expect(named(odd)).toEqual({ 127: ['5'], i32: 7, 3: ['"A"'] });
  });

  it('has no end of nesting, and no prototype', () => {
    let deep: object = {};
    for (let i = 0; i < 45; i++) deep = { lines: [{ part_of: deep }] };
    const shown = byName(encode(deep), true, schema, 'shop.v1.Order', true);
    expect(shown?.text.length).toBeLessThan(20_000);
    expect(named(encode({ by_name: JSON.parse('{"__proto__":{"item_name":"a"}}') as object }))).toEqual({
      by_name: JSON.parse('{"__proto__":{"item_name":"a"}}'),
    });
  });
});

describe('protobuf by wire type', () => {
  it('has the numbers and texts that were written', () => {
    const written = encode({
      d: 1.5,
      f: 0.25,
      i32: -1,
      u32: 150,
      s32: -75,
      text: 'grüße',
      raw: Buffer.from([0, 1, 2]).toString('base64'),
      line: { item_name: 'hat', delta: '-2' },
      words: ['12', ''],
    });
    expect(byWire(written, true, true).text.split('\n')).toEqual([
      '1: 4609434218613702656 [double 1.5]',
      '2: 1048576000 [float 0.25]',
      '3: 18446744073709551615 [-1]',
      '5: 150 [zigzag 75]',
      '7: 149 [zigzag -75]',
      '14: "grüße"',
      '15: <3 bytes> 000102',
      '17 {',
      '  1: "hat"',
      '  2: 3 [zigzag -2]',
      '}',
      '20: "12"',
      '20: ""',
    ]);
  });

  it('stops where the bytes are not protobuf', () => {
    expect(byWire(Buffer.from([8, 1, 0xff]), true, true)).toMatchObject({ text: '1: 1', end: 2 });
    expect(byWire(Buffer.from([0]), true, true)).toMatchObject({ text: '', end: 0 });
  });

  it('never throws, and is bounded, whatever comes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (any) => {
        const { text: shown, end } = byWire(Buffer.from(any), true, false);
        expect(end).toBeLessThanOrEqual(any.length);
        expect(shown.length).toBeLessThan(200 * any.length + 1);
        const { length } = byName(Buffer.from(any), true, schema, 'shop.v1.Order', false)?.text ?? '';
        expect(length).toBeLessThan(400 * any.length + 10);
      }),
      { numRuns: runs(500) },
    );
    const nested = (depth: number): Buffer => {
      let inner = Buffer.alloc(0);
      for (let i = 0; i < depth && inner.length < 60_000; i++) {
        const head = Order.encode(Order.create()).uint32(10).uint32(inner.length).finish();
        inner = Buffer.concat([head, inner]);
      }
      return inner;
    };
    expect(byWire(nested(20_000), true, true).text.length).toBeLessThan(5_000);
    expect(byWire(Buffer.alloc(60_000, Buffer.from([8, 1])), true, true).cut).toBe(true);
  });
});
