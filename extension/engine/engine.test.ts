import { describe, expect, it } from 'vitest';
import { Engine } from './engine.ts';
import { conversation, recordBatch, START, type Step } from './testing/records.ts';

function run(steps: readonly Step[], options = {}): Engine {
  const engine = new Engine();
  engine.setClock({ offset: 1_700_000_000_000_000_000n, bootTime: START });
  engine.push(recordBatch(conversation(steps, options)));
  return engine;
}

describe('Engine', () => {
  it('makes an exchange of a request and its response', () => {
    const engine = run([
      { out: 'POST /orders?x=1 HTTP/1.1\r\nHost: api.example:8443\r\nContent-Length: 11\r\n\r\n{"id":"a7"}' },
      { in: 'HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok' },
    ]);
    expect(engine.takeChanges()).toEqual({ changed: [1], removed: [] });
    const json = engine.json(1);
    expect(json).toMatchObject({
      id: 1,
      process: { pid: 4242, name: null },
      side: 'client',
      protocol: 'HTTP/1.1',
      method: 'POST',
      url: 'http://api.example:8443/orders?x=1',
      status: 201,
      statusText: 'Created',
      durationMs: 1,
      completeness: ['complete'],
      violations: [],
    });
    expect(json?.request?.body).toEqual({ text: '{"id":"a7"}' });
    expect(json?.response?.body).toEqual({ text: 'ok' });
  });
});
