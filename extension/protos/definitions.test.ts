/**
 * Messages of a call by name: from .proto files, or from the server's reflection in the same
 * trace.
 */

import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor.js';
import { describe, expect, it } from 'vitest';
import { Engine } from '../engine/engine.ts';
import { Definitions } from '../engine/protobuf/definitions.ts';
import { WireProtocol } from '../engine/record.ts';
import {
  data,
  FieldEncoder,
  headers,
  PREFACE,
  requestFields,
  responseFields,
  settings,
  settingsAck,
} from '../engine/testing/http2.ts';
import { conversation, recordBatch, START, split } from '../engine/testing/records.ts';
import { readProtos } from './readProtos.ts';

const SOURCE = `
syntax = "proto3";
package shop;
service Orders { rpc Place (Order) returns (Receipt); }
message Order { string name = 1; string password = 2; map<string, int32> counts = 3; }
message Receipt { Kind kind = 1; message Part { sint32 delta = 1; } repeated Part parts = 2; }
enum Kind { NONE = 0; GIFT = 1; }
`;
const { root } = protobuf.parse(SOURCE, new protobuf.Root(), { keepCase: true });
const encode = (type: string, value: Record<string, unknown>): Buffer => {
  const found = root.lookupType(type);
  return Buffer.from(found.encode(found.fromObject(value)).finish());
};

function frame(content: Uint8Array): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(content.length, 1);
  return Buffer.concat([prefix, content]);
}

/** Fields 4 and in it 1: a `ServerReflectionResponse` with descriptors, with full names or relative ones. */
function described(full: boolean): Buffer {
  const { root } = protobuf.parse(SOURCE, new protobuf.Root(), { keepCase: true });
  if (full) root.resolveAll();
  const { file } = root.toDescriptor('proto3') as descriptor.IFileDescriptorSet;
  const inner = protobuf.Writer.create();
  for (const each of file ?? []) {
    inner.uint32(10).bytes(descriptor.FileDescriptorProto.encode(each).finish());
  }
  return Buffer.from(protobuf.Writer.create().uint32(34).bytes(inner.finish()).finish());
}

const ORDER = { name: 'hat', password: 'open sesame', counts: { a: 1, b: -2 } };
const RECEIPT = { kind: 1, parts: [{ delta: -75 }, {}] };

function traced(paths: readonly (readonly [path: string, sent: Buffer, received: Buffer])[]): Engine {
  const client = new FieldEncoder();
  const server = new FieldEncoder();
  const type = ['content-type', 'application/grpc'] as const;
  const out = [PREFACE, settings()];
  const back = [settings(), settingsAck()];
  for (const [index, [path, sent, received]] of paths.entries()) {
    const stream = 2 * index + 1;
    out.push(headers(stream, client.block(requestFields(path, 'POST', [type]))), data(stream, frame(sent)));
    back.push(headers(stream, server.block(responseFields(200, [type]))), data(stream, frame(received), 0));
    back.push(headers(stream, server.block([['grpc-status', '0']]), 5));
  }
  const engine = new Engine({ bodyLimit: 200 });
  engine.setClock({ offset: 0n, bootTime: START });
  const specs = conversation([{ out: Buffer.concat(out) }, { in: Buffer.concat(back) }], {
    protocol: WireProtocol.Http2,
  });
  engine.push(recordBatch(split(specs, 100)));
  engine.advance(START * 2n);
  return engine;
}

const CALL = ['/shop.Orders/Place', encode('shop.Order', ORDER), encode('shop.Receipt', RECEIPT)] as const;

function protobufs(engine: Engine, id: number, reveal: boolean): unknown[] {
  return (engine.json(id, { reveal })?.messages ?? []).map(({ protobuf: shown }) => {
    if (shown === null) return null;
    const { type, source, text } = shown;
    return { type, source, value: type === null ? text : (JSON.parse(text) as unknown) };
  });
}

const named = (source: string, password: string): unknown[] => [
  { type: 'shop.Order', source, value: { ...ORDER, password } },
  { type: 'shop.Receipt', source, value: { kind: 'GIFT', parts: [{ delta: -75 }, {}] } },
];

describe('messages of a call', () => {
  it('are by wire type without definitions', () => {
    const engine = traced([CALL]);
    expect(protobufs(engine, 1, false)[1]).toEqual({
      type: null,
      source: null,
      value: '1: 1\n2 {\n  1: 149 [zigzag -75]\n}\n2: ""',
    });
  });

  it('are by name with .proto files, which may come later; secrets are masked, and not in the bytes either', () => {
    const engine = traced([CALL]);
    engine.setProtos(readProtos([{ path: 'shop.proto', text: SOURCE }]).schema);
    expect(protobufs(engine, 1, true)).toEqual(named('proto', 'open sesame'));
    expect(protobufs(engine, 1, false)).toEqual(named('proto', '••••••'));
    const json = engine.json(1);
    expect(json?.messages[0]).toMatchObject({ text: null, note: expect.stringMatching(/secret/) });
    expect(json?.request).toMatchObject({ body: null, bodyNote: expect.stringMatching(/secrets/) });
    expect(json?.messages[1]).toHaveProperty('base64');
    const all = JSON.stringify(json);
    expect(all).not.toContain('sesame');
    expect(all).not.toContain(Buffer.from('open sesame').toString('base64').slice(0, 8));
  });

  it.each([
    ['v1', true],
    ['v1alpha', false],
  ] as const)('are by name when the server described them by reflection (%s)', (version, full) => {
    const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
    const engine = traced([[path, Buffer.from([0x3a, 0]), described(full)], CALL]);
    expect(protobufs(engine, 2, true)).toEqual(named('reflection', 'open sesame'));
    // What is held of the descriptors is bounded as all bodies are.
    expect(JSON.stringify(engine.json(1)).length).toBeLessThan(6_000);
  });

  it('are not described by another server', () => {
    const engine = traced([['/shop.Odd/ServerReflectionInfo', Buffer.alloc(0), described(true)], CALL]);
    expect(protobufs(engine, 2, true)).toMatchObject([{ type: null }, { type: null }]);
  });

  it('do not show a part of a secret where they are cut', () => {
    const engine = traced([CALL]);
    engine.setProtos(readProtos([{ path: 'shop.proto', text: SOURCE }]).schema);
    const whole = CALL[1].length;
    for (let messageBytes = 1; messageBytes < whole; messageBytes++) {
      const [message] = engine.json(1, { messageBytes })?.messages ?? [];
      if (message !== undefined && 'base64' in message) {
        expect(Buffer.from(message.base64, 'base64').toString()).not.toContain('o');
      }
    }
  });

  it('hostile descriptors are passed over', () => {
    const bytes = described(true);
    for (let at = 0; at < bytes.length; at++) {
      const broken = Buffer.from(bytes);
      broken[at] = 0xff;
      const definitions = new Definitions();
      definitions.learn(broken);
      definitions.learn(bytes.subarray(0, at));
    }
  });
});
