/** Calls of language models in an archive, in the shapes in which browsers write them. */
import { describe, expect, it } from 'vitest';
import { MASK } from '../privacy/secrets.ts';
import { ImportedCalls } from './importedCalls.ts';

interface Call {
  readonly path: string;
  readonly request: unknown;
  readonly type?: string;
  readonly answer: string;
}

function opened({ path, request, type = 'application/json', answer }: Call) {
  const calls = new ImportedCalls(10, 1e6);
  const entry = {
    startedDateTime: '2026-11-22T18:00:00.000Z',
    time: 90,
    request: {
      method: 'POST',
      url: `https://llm.example${path}`,
      httpVersion: 'h2',
      headers: [{ name: 'content-type', value: 'application/json' }],
      postData: { mimeType: 'application/json', text: JSON.stringify(request) },
    },
    response: {
      status: 200,
      headers: [{ name: 'content-type', value: type }],
      content: { text: answer, mimeType: type, size: answer.length },
    },
    timings: { send: 0, wait: 80, receive: 10 },
  };
  expect(calls.add(Buffer.from(JSON.stringify(entry)))).toBe('held');
  return { row: calls.row(1), shown: calls.json(1), revealed: calls.json(1, { reveal: true }) };
}

const events = (data: readonly unknown[]): string =>
  data.map((one) => `event: x\ndata: ${JSON.stringify(one)}\n\n`).join('');

const chat = (pieces: readonly string[]): Call => ({
  path: '/v1/chat/completions?x=1',
  request: { model: 'gpt-4o', stream: true, messages: [{ role: 'user', content: 'Hi' }] },
  type: 'text/event-stream; charset=utf-8',
  answer: `${events([
    ...pieces.map((content) => ({
      model: 'gpt-4o-mini',
      choices: [{ index: 0, delta: { role: 'assistant', content } }],
    })),
    {
      choices: [{ index: 0, delta: {}, finish_reason: 'stop' }],
      usage: { prompt_tokens: 3, completion_tokens: 5 },
    },
  ])}data: [DONE]\n\n`,
});

describe('a language model’s call in an archive', () => {
  it('has its answer assembled from the events', () => {
    const { row, shown } = opened(chat(['Good ', 'day', '!']));
    expect(row).toMatchObject({ model: 'gpt-4o-mini', operation: 'gpt-4o-mini, 3 → 5 tokens' });
    expect(shown?.ai).toMatchObject({
      api: 'openai-chat-completions',
      requestedModel: 'gpt-4o',
      streaming: true,
      prompt: [{ role: 'user', parts: [{ text: 'Hi' }] }],
      completion: [{ role: 'assistant', parts: [{ text: 'Good day!' }] }],
      finishReason: 'stop',
      // The events have no times there.
      firstTokenMs: null,
    });
  });

  it('hides a secret that is spread over several events', () => {
    const { shown, revealed } = opened(chat(['pass', 'word: hun', 'ter2']));
    expect(shown?.ai?.completion[0]?.parts[0]?.text).toBe(`password: ${MASK}`);
    expect(shown?.response).toMatchObject({ body: null, bodyNote: expect.stringContaining('assembled') });
    expect(JSON.stringify(shown)).not.toMatch(/hun|ter2/);
    expect(revealed?.ai?.completion[0]?.parts[0]?.text).toBe('password: hunter2');
  });

  it('may have been answered by one document', () => {
    const { row, shown } = opened({
      path: '/v1/messages',
      request: { model: 'claude', max_tokens: 9, messages: [{ role: 'user', content: 'Weather?' }] },
      answer: JSON.stringify({
        model: 'claude-1',
        role: 'assistant',
        content: [{ type: 'tool_use', id: 't1', name: 'get_weather', input: { city: 'Bonn' } }],
        stop_reason: 'tool_use',
        usage: { input_tokens: 7, output_tokens: 8 },
      }),
    });
    expect(row).toMatchObject({ model: 'claude-1', operation: 'claude-1, calls get_weather, 7 → 8 tokens' });
    expect(shown?.ai).toMatchObject({ streaming: false, finishReason: 'tool_use', firstTokenMs: null });
  });

  it('is one by path and body, not by the path alone', () => {
    const { row, shown } = opened({ path: '/v1/messages', request: { text: 'Hello' }, answer: '{}' });
    expect([row?.model, shown?.ai]).toEqual([null, null]);
  });
});

describe('a call of an MCP server in an archive', () => {
  const request = {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'add', arguments: { a: 1 } },
  };
  const result = { jsonrpc: '2.0', id: 1, result: { content: [{ type: 'text', text: '3' }] } };

  it.each([
    ['one document', 'application/json', JSON.stringify(result)],
    ['an event stream', 'text/event-stream', `event: message\r\ndata: ${JSON.stringify(result)}\r\n\r\n`],
  ])('is answered by %s', (_, type, answer) => {
    const { row, shown } = opened({ path: '/mcp', request, type, answer });
    expect(row?.operation).toBe('tools/call add');
    expect(shown?.mcp?.calls).toMatchObject([
      { method: 'tools/call', name: 'add', result: '3', isError: false },
    ]);
  });
});
