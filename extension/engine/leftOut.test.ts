/** Bodies of which the kernel left something out: the limit was reached, or there was too much data at once. */
import { describe, expect, it } from 'vitest';
import { Engine } from './engine.ts';
import type { ExchangeJson } from './exchangeJson.ts';
import { Omission, WireProtocol } from './record.ts';
import {
  data,
  END_HEADERS,
  END_STREAM,
  FieldEncoder,
  headers,
  PREFACE,
  requestFields,
  responseFields,
  settings,
} from './testing/http2.ts';
import { conversation, recordBatch, START, type Step } from './testing/records.ts';

function rows(steps: readonly Step[], protocol: WireProtocol): ExchangeJson[] {
  const engine = new Engine();
  engine.setClock({ offset: 0n, bootTime: START });
  engine.push(recordBatch(conversation(steps, { protocol })));
  engine.finish();
  return engine.takeChanges().changed.map((id) => engine.json(id) as ExchangeJson);
}

/** The frame's header, and its payload left out but for the first bytes. */
function hollow(frame: Buffer, omission: Omission, known = 0): Step[] {
  const from = 9 + known;
  return [{ in: frame.subarray(0, from) }, { omit: 'in', size: frame.length - from, omission }];
}

const seen = (exchange: ExchangeJson | undefined) => ({
  status: exchange?.status,
  completeness: exchange?.completeness,
  size: exchange?.response?.bodySize,
  captured: exchange?.response?.bodyCaptured,
  note: exchange?.response?.bodyNote,
});

describe('of a response of HTTP/1', () => {
  const head = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n';

  it.each([
    [Omission.Limit, 'Only the first 10 of 100 bytes of the body were captured.'],
    [
      Omission.Pressure,
      'Only the first 10 of 100 bytes of the body were captured. The rest was not captured: too much data at once.',
    ],
  ])('for reason %i, the size is known and the note says why', (omission, note) => {
    const steps: Step[] = [
      { out: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n' },
      { in: `${head}${'x'.repeat(10)}` },
      { omit: 'in', size: 90, omission },
    ];
    const [exchange] = rows(steps, WireProtocol.Http1);
    expect(seen(exchange)).toEqual({
      status: 200,
      completeness: ['response-truncated'],
      size: 100,
      captured: 10,
      note,
    });
  });
});

describe('of responses of HTTP/2', () => {
  const client = new FieldEncoder();
  const server = new FieldEncoder();
  const asked = [1, 3].map((id) =>
    headers(id, client.block(requestFields(`/${id}`)), END_STREAM | END_HEADERS),
  );
  const answered = [1, 3].map((id) => headers(id, server.block(responseFields(200)), END_HEADERS));
  const start: Step[] = [
    { out: Buffer.concat([PREFACE, settings(), ...asked]) },
    { in: Buffer.concat([settings(), answered[0] as Buffer]) },
  ];
  const second: Step = { in: Buffer.concat([answered[1] as Buffer, data(3, 'whole', END_STREAM)]) };

  it.each([
    [Omission.Limit, 'The body was not captured.'],
    [Omission.Pressure, 'The body was not captured: too much data at once.'],
  ])('for reason %i, a frame without its payload costs nothing else', (omission, note) => {
    const steps = [...start, ...hollow(data(1, 'x'.repeat(5_000), END_STREAM), omission), second];
    const exchanges = rows(steps, WireProtocol.Http2);
    expect(exchanges.map(seen)).toEqual([
      { status: 200, completeness: ['response-truncated'], size: 5_000, captured: 0, note },
      { status: 200, completeness: ['complete'], size: 5, captured: 5, note: null },
    ]);
  });

  it('knows the size of content in a padded frame of which the padding is known', () => {
    const padded = Buffer.from(data(1, `\x06${'x'.repeat(50)}${'\0'.repeat(6)}`, END_STREAM | 0x08));
    const exchanges = rows([...start, ...hollow(padded, Omission.Pressure, 1), second], WireProtocol.Http2);
    expect(exchanges.map((each) => each.response?.bodySize)).toEqual([50, 5]);
  });
});

it.each([
  [Omission.Limit, 0],
  [Omission.Pressure, 90],
  [Omission.PressureHead, 90],
])('counts as shed what was left out as there was too much data at once: reason %i', (omission, shed) => {
  const engine = new Engine();
  const head = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n';
  const steps: Step[] = [
    { out: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n' },
    { in: `${head}${'x'.repeat(10)}` },
    { omit: 'in', size: 90, omission },
  ];
  engine.push(recordBatch(conversation(steps, { protocol: WireProtocol.Http1 })));
  expect(engine.stats()).toMatchObject({ omittedBytes: 90, shedBytes: shed });
});
