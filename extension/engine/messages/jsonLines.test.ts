import { describe, expect, it } from 'vitest';
import { Engine } from '../engine.ts';
import { Ending, Omission } from '../record.ts';
import { conversation, recordBatch, START, type Step } from '../testing/records.ts';
import { messageSummary } from '../testing/summary.ts';

const GET = 'GET /log HTTP/1.1\r\nHost: a\r\n\r\n';
const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n';

function engineOf(steps: readonly Step[]): Engine {
  const engine = new Engine();
  engine.setClock({ offset: 0n, bootTime: START });
  engine.push(recordBatch(conversation(steps)));
  return engine;
}

const shown = (engine: Engine): string[] => (engine.json(1)?.messages ?? []).map(messageSummary);

describe('JSON lines', () => {
  it('are shown while they come, and the row counts them', () => {
    const engine = new Engine();
    engine.setClock({ offset: 0n, bootTime: START });
    const specs = conversation([{ out: GET }, { in: `${HEAD}{"n":1}\n{"n"` }, { in: ':2}\r\n\n{}' }]);
    engine.push(recordBatch(specs.slice(0, 3)));
    expect(engine.takeChanges().changed).toEqual([1]);
    expect(engine.row(1)).toMatchObject({ state: 'running', messageFormat: 'json-lines', messages: 1 });
    engine.push(recordBatch(specs.slice(3)));
    expect(engine.takeChanges().changed).toEqual([1]);
    expect(engine.row(1)).toMatchObject({ state: 'running', messages: 2 });
    expect(engine.json(1)?.messages).toEqual([
      expect.objectContaining({
        number: 1,
        direction: 'in',
        atMs: 1,
        kind: 'line',
        size: 7,
        text: '{"n":1}',
      }),
      expect.objectContaining({
        number: 2,
        direction: 'in',
        atMs: 2,
        kind: 'line',
        size: 7,
        text: '{"n":2}',
      }),
    ]);
    expect(engine.json(1)?.messageStream).toEqual({
      format: 'json-lines',
      out: 0,
      in: 2,
      note: null,
      omitted: null,
    });
  });

  it('need no last line feed when the body is whole', () => {
    const steps: Step[] = [{ out: GET }, { in: `${HEAD}1\n2` }, { end: 'in', ending: Ending.ReadEof }];
    expect(shown(engineOf(steps))).toEqual(['<line 1 "1"', '<line 1 "2"']);
  });

  it('say what of them is missing', () => {
    const engine = engineOf([
      { out: GET },
      { in: `${HEAD}whole\nhal` },
      { omit: 'in', size: 100, omission: Omission.Limit },
      { in: 'rest\nwhole again\ncut' },
      { end: 'in', ending: Ending.Reset },
    ]);
    expect(shown(engine)).toEqual([
      '<line 5 "whole"',
      '<line ? "hal" (Bytes of the message were left out by the capture limit.)',
      '<line 11 "whole again"',
      '<line 3 "cut" (The stream ended before the message did.)',
    ]);
  });

  it('mask secrets', () => {
    const engine = engineOf([{ out: GET }, { in: `${HEAD}{"password":"geheim"}\n` }]);
    expect(engine.json(1)?.messages[0]).toMatchObject({ text: '{"password":"••••••"}' });
    expect(engine.json(1, { reveal: true })?.messages[0]).toMatchObject({ text: '{"password":"geheim"}' });
  });

  it('may be a request, and a sequence of JSON texts', () => {
    const steps: Step[] = [
      {
        out: 'POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json-seq\r\nContent-Length: 11\r\n\r\n\x1e[1]\n\x1e2\x1e"3"',
      },
    ];
    expect(shown(engineOf(steps))).toEqual(['>line 3 "[1]"', '>line 1 "2"', '>line 3 "\\"3\\""']);
  });
});
