import { describe, expect, it } from 'vitest';
import manifest from '../../package.json';
import { Engine } from '../engine/engine.ts';
import type { ExchangeJson } from '../engine/exchangeJson.ts';
import type { ExchangeRow } from '../engine/row.ts';
import { conversation, recordBatch, START } from '../engine/testing/records.ts';
import { parseFilter } from '../filter/parser.ts';
import { detailsFound } from '../filter/subject.ts';
import type { CallSource } from './callSource.ts';
import { MAX_BYTES, TOOLS } from './definitions.ts';
import { asksForBodies } from './getRequest.ts';
import { searchesBodies } from './listRequests.ts';
import { runTool } from './runTool.ts';

/** Over an engine, as everywhere. */
function sourceOf(engine: Engine, ids: readonly number[]): CallSource {
  return {
    rows: () => ids.map((id) => engine.row(id) as ExchangeRow),
    details: async (id) => engine.json(id) ?? null,
    search: async (query, wanted) =>
      wanted.map(
        (id) => [id, detailsFound(parseFilter(query).details, engine.json(id) as ExchangeJson)] as const,
      ),
    state: () => 'Nothing is traced.',
  };
}

interface Call {
  readonly target: string;
  readonly body?: string;
  readonly answer?: string;
  readonly status?: string;
}

function calls(...list: readonly Call[]): CallSource {
  const engine = new Engine();
  engine.setClock({ offset: 0n, bootTime: START });
  for (const [i, { target, body = '', answer = '', status = '200 OK' }] of list.entries()) {
    const type = 'Content-Type: application/json\r\n';
    const request = `POST ${target} HTTP/1.1\r\nHost: a.test\r\nAuthorization: Bearer hunter2secret\r\n${type}Content-Length: ${body.length}\r\n\r\n${body}`;
    const response = `HTTP/1.1 ${status}\r\n${type}Content-Length: ${answer.length}\r\n\r\n${answer}`;
    engine.push(
      recordBatch(conversation([{ out: request }, { in: response }], { connection: BigInt(i + 1) })),
    );
  }
  return sourceOf(
    engine,
    list.map((_, i) => i + 1),
  );
}

const list = async (source: CallSource, input: unknown = {}) =>
  JSON.parse(await runTool(source, 'list_http_requests', input));
const get = async (source: CallSource, input: unknown) =>
  JSON.parse(await runTool(source, 'get_http_request', input));

describe('list_http_requests', () => {
  const many = calls(
    ...Array.from({ length: 300 }, (_, i) => ({
      target: `/orders/${i}`,
      status: i % 100 === 7 ? '404 Not Found' : '200 OK',
    })),
  );

  it('has what a row has, and nothing of unknown values', async () => {
    const { calls: found, held, note } = await list(calls({ target: '/orders?token=abc', answer: '{}' }));
    expect(found).toMatchObject([
      {
        id: 1,
        method: 'POST',
        url: 'http://a.test/orders?token=••••••',
        status: 200,
        error: false,
        state: 'ended',
        side: 'client',
        responseBytes: 2,
      },
    ]);
    expect(Object.values(found[0])).not.toContain(null);
    expect({ held, note }).toEqual({ held: 1, note: null });
  });

  it('has the newest, and says how many more there are', async () => {
    const some = await list(many, { limit: 2 });
    expect(some.calls.map(({ id }: { id: number }) => id)).toEqual([299, 300]);
    expect(some).toMatchObject({ matching: 300, note: '298 older calls match too: narrow the filter.' });
    expect((await list(many)).calls).toHaveLength(50);
  });

  it('takes the language of the filter, also for what only the details show', async () => {
    const ids = async (filter: string) =>
      (await list(many, { filter })).calls.map(({ id }: { id: number }) => id);
    expect(await ids('4xx')).toEqual([8, 108, 208]);
    expect(await ids('path:/orders/17 -path:/orders/17*')).toEqual([]);
    const bodies = calls({ target: '/a', answer: '{"a":"out of stock"}' }, { target: '/b', answer: '{}' });
    const found = await list(bodies, { filter: 'body:"out of stock"' });
    expect(found.calls.map(({ id }: { id: number }) => id)).toEqual([1]);
  });

  it('says what is wrong, and why there is nothing', async () => {
    await expect(list(many, { filter: 'x status:much' })).rejects.toThrow(/at character 10: .*status/);
    await expect(list(many, { limit: 0 })).rejects.toThrow('limit has to be a whole number from 1 to 200.');
    await expect(list(many, { filtre: 'x' })).rejects.toThrow(
      'There is no input "filtre". There is: filter, limit.',
    );
    await expect(list(many, [])).rejects.toThrow('an object');
    expect(await list(calls())).toMatchObject({ calls: [], held: 0, note: 'Nothing is traced.' });
    await expect(runTool(many, 'delete_everything', {})).rejects.toThrow(
      'There are list_http_requests and get',
    );
  });

  it('stays small, whatever the calls are', async () => {
    const long = calls(...Array.from({ length: 200 }, () => ({ target: `/${'x'.repeat(50_000)}` })));
    expect(JSON.stringify(await list(long, { limit: 200 })).length).toBeLessThan(200 * 1_000);
  });
});

describe('get_http_request', () => {
  const chat = '{"model":"m","messages":[{"role":"user","content":"private question"}]}';
  const source = calls(
    {
      target: '/a',
      body: '{"password":"hunter2","name":"Ada"}',
      answer: JSON.stringify({ list: 'y'.repeat(60_000) }),
    },
    {
      target: '/v1/chat/completions',
      body: chat,
      answer: '{"model":"m","choices":[{"message":{"content":"private answer"}}]}',
    },
    {
      target: '/mcp',
      body: '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add","arguments":{"x":"private"}}}',
    },
  );

  it('has heads without bodies, unless it is asked for them', async () => {
    const heads = await get(source, { id: 1 });
    expect(heads.request.headers[0]).toEqual(['Host', 'a.test']);
    expect(heads).toMatchObject({ id: 1, status: 200, bodies: 'left out; bodies: true asks for them' });
    expect(JSON.stringify(heads)).not.toMatch(/Ada|yyy/);
    for (const id of [2, 3]) expect(JSON.stringify(await get(source, { id }))).not.toContain('private');
    expect((await get(source, { id: 2 })).ai.model).toBe('m');
    expect(JSON.stringify(await get(source, { id: 2, bodies: true }))).toMatch(
      /private question.*private answer/,
    );
  });

  it('never has secrets', async () => {
    const text = JSON.stringify(await get(source, { id: 1, bodies: true }));
    expect(text).toContain('Ada');
    expect(text).not.toContain('hunter2');
  });

  it('fits into what was asked for', async () => {
    for (const maxBytes of [4_096, 20_000, MAX_BYTES]) {
      const text = await runTool(source, 'get_http_request', { id: 1, bodies: true, maxBytes });
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(maxBytes);
      expect(JSON.parse(text).response.body.text).toMatch(
        maxBytes === MAX_BYTES ? /y"}$/ : /more characters\)$/,
      );
    }
    await expect(get(source, { id: 1, maxBytes: 1_024 })).rejects.toThrow('larger maxBytes');
  });

  it('says what is wrong', async () => {
    await expect(get(source, { id: 9 })).rejects.toThrow('There is no call 9, or it is no longer held.');
    await expect(get(source, {})).rejects.toThrow('id has to be a whole number');
    await expect(get(source, { id: 1, bodies: 'yes' })).rejects.toThrow('bodies has to be true or false.');
  });

  it('asks the user for anything but a plain no', () => {
    for (const input of [{}, { id: 1 }, { bodies: false }, null]) expect(asksForBodies(input)).toBe(false);
    for (const input of [{ bodies: true }, { bodies: 'yes' }, { bodies: 1 }])
      expect(asksForBodies(input)).toBe(true);
  });
});

it('package.json has the same tools', () => {
  const declared = manifest.contributes.languageModelTools;
  expect(
    declared.map(({ name, modelDescription, inputSchema }) => ({
      name,
      description: modelDescription,
      inputSchema,
    })),
  ).toEqual(TOOLS.map(({ name, description, inputSchema }) => ({ name, description, inputSchema })));
  for (const { when } of declared) expect(when).toBe('isWorkspaceTrusted');
});

describe('a filter that searches bodies', () => {
  it.each(['body:a', '-body:a', '404 or (status:200 body:/^a/)'])('is recognized: %s', (filter) => {
    expect(searchesBodies({ filter })).toBe(true);
  });

  it.each(['', '404', 'header:body=1', '"body:a"', 'mime-type:text/html'])(
    'is not recognized: %s',
    (filter) => {
      expect(searchesBodies({ filter })).toBe(false);
    },
  );

  it('is not recognized where there is no text', () => {
    for (const input of [undefined, null, 7, {}, { filter: 7 }]) expect(searchesBodies(input)).toBe(false);
  });
});
