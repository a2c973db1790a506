/** Wire-shaped calls of the APIs, written from their public documentation, through the whole engine. */

import { brotliCompressSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../test/kit/runs.ts';
import { MASK } from '../../privacy/secrets.ts';
import { Engine } from '../engine.ts';
import type { ExchangeJson } from '../exchangeJson.ts';
import { Omission } from '../record.ts';
import type { ExchangeRow } from '../row.ts';
import { cpuTime } from '../testing/cpuTime.ts';
import { conversation, recordBatch, START, type Step, split } from '../testing/records.ts';
import { parseJson } from './json.ts';

interface Call {
  readonly target: string;
  readonly request: unknown;
  readonly fields?: string;
  /** Steps of the answer. */
  readonly answer?: readonly Step[];
  readonly bodyLimit?: number;
  /** Bytes of a record. */
  readonly pieces?: number;
}

interface Seen {
  readonly row: ExchangeRow;
  readonly json: ExchangeJson;
  readonly revealed: ExchangeJson;
}

function see({ target, request, fields = '', answer = [], bodyLimit, pieces }: Call): Seen {
  const body = Buffer.from(typeof request === 'string' ? request : JSON.stringify(request));
  const head = `POST ${target} HTTP/1.1\r\nHost: localhost:11434\r\nContent-Type: application/json\r\n${fields}Content-Length: ${body.length}\r\n\r\n`;
  const engine = new Engine(bodyLimit === undefined ? {} : { bodyLimit });
  engine.setClock({ offset: 0n, bootTime: START });
  const records = conversation([{ out: Buffer.concat([Buffer.from(head), body]) }, ...answer]);
  engine.push(recordBatch(pieces === undefined ? records : split(records, pieces)));
  engine.advance(START * 2n);
  const row = engine.row(1);
  const json = engine.json(1);
  const revealed = engine.json(1, { reveal: true });
  if (row === undefined || json === undefined || revealed === undefined) throw new Error('no call');
  return { row, json, revealed };
}

function whole(value: unknown, fields = '', code: (body: Buffer) => Buffer = (body) => body): Step[] {
  const body = code(Buffer.from(JSON.stringify(value)));
  const head = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n${fields}Content-Length: ${body.length}\r\n\r\n`;
  return [{ in: Buffer.concat([Buffer.from(head), body]) }];
}

const STREAM =
  'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n';

const chunk = (text: string): string => {
  const bytes = Buffer.from(text);
  return `${bytes.length.toString(16)}\r\n${bytes.toString('latin1')}\r\n`;
};

/** Each event in a chunk and a record of its own. */
function stream(events: readonly unknown[], named = false): Step[] {
  return [
    { in: STREAM },
    ...events.map((event) => {
      const name = named ? `event: ${(event as { type: string }).type}\n` : '';
      return { in: chunk(`${name}data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`) };
    }),
    { in: '0\r\n\r\n' },
  ];
}

const text = (value: string) => ({ type: 'text', text: value, name: null, id: null });

const QUESTION = {
  model: 'gpt-4o-mini',
  messages: [
    { role: 'system', content: 'You are terse.' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'Weather in Ulm?' },
        { type: 'image_url', image_url: { url: 'data:,' } },
      ],
    },
  ],
  tools: [{ type: 'function', function: { name: 'get_weather', parameters: {} } }],
};

const delta = (value: unknown, more: object = {}) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  model: 'gpt-4o-mini-2024-07-18',
  choices: [{ index: 0, delta: value, finish_reason: null, ...more }],
});

const CHAT_EVENTS = [
  delta({ role: 'assistant', content: '' }),
  delta({ content: 'Sünny' }),
  delta({ content: ', 21 °C.' }),
  delta({
    tool_calls: [
      { index: 0, id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: '' } },
    ],
  }),
  delta({ tool_calls: [{ index: 0, function: { arguments: '{"city":' } }] }),
  delta({ tool_calls: [{ index: 0, function: { arguments: '"Ulm"}' } }] }),
  delta({}, { finish_reason: 'tool_calls' }),
  {
    object: 'chat.completion.chunk',
    model: 'gpt-4o-mini-2024-07-18',
    choices: [],
    usage: {
      prompt_tokens: 31,
      completion_tokens: 12,
      total_tokens: 43,
      prompt_tokens_details: { cached_tokens: 8 },
    },
  },
  '[DONE]',
];

describe('OpenAI chat completions', () => {
  const answer = {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    model: 'gpt-4o-mini-2024-07-18',
    choices: [
      { index: 0, message: { role: 'assistant', content: 'Sunny.', refusal: null }, finish_reason: 'stop' },
      { index: 1, message: { role: 'assistant', content: 'Hot.', refusal: null }, finish_reason: 'stop' },
    ],
    usage: {
      prompt_tokens: 31,
      completion_tokens: 2,
      total_tokens: 33,
      completion_tokens_details: { reasoning_tokens: 1 },
    },
  };

  it('as one document', () => {
    const { row, json } = see({ target: '/v1/chat/completions', request: QUESTION, answer: whole(answer) });
    expect(row.operation).toBe('gpt-4o-mini-2024-07-18, 31 → 2 tokens');
    expect(row.model).toBe('gpt-4o-mini-2024-07-18');
    expect(json.ai).toEqual({
      api: 'openai-chat-completions',
      model: 'gpt-4o-mini-2024-07-18',
      requestedModel: 'gpt-4o-mini',
      streaming: false,
      prompt: [
        { role: 'system', parts: [text('You are terse.')] },
        {
          role: 'user',
          parts: [text('Weather in Ulm?'), { type: 'other', text: null, name: 'image_url', id: null }],
        },
      ],
      tools: ['get_weather'],
      completion: [
        { role: 'assistant', parts: [text('Sunny.')] },
        { role: 'assistant', parts: [text('Hot.')] },
      ],
      finishReason: 'stop',
      usage: { inputTokens: 31, outputTokens: 2, cachedTokens: null, reasoningTokens: 1 },
      firstTokenMs: null,
      error: null,
      note: null,
    });
  });

  it('as a stream, cut anywhere', () => {
    const call = {
      target: '/v1/chat/completions',
      request: { ...QUESTION, stream: true },
      answer: stream(CHAT_EVENTS),
    };
    const { row, json } = see(call);
    expect(row.operation).toBe('gpt-4o-mini-2024-07-18, calls get_weather, 31 → 12 tokens');
    expect(json.ai).toMatchObject({
      streaming: true,
      completion: [
        {
          role: 'assistant',
          parts: [
            text('Sünny, 21 °C.'),
            { type: 'tool-call', text: '{"city":"Ulm"}', name: 'get_weather', id: 'call_1' },
          ],
        },
      ],
      finishReason: 'tool_calls',
      usage: { inputTokens: 31, outputTokens: 12, cachedTokens: 8, reasoningTokens: null },
      note: null,
    });
    // The request, the head, the event with the role, and the first with text: a millisecond each.
    expect(json.ai?.firstTokenMs).toBe(3);
    for (const pieces of [1, 2, 7, 100]) expect(see({ ...call, pieces }).json.ai).toEqual(json.ai);
  });

  it('while it runs', () => {
    const answer = stream(CHAT_EVENTS).slice(0, 3);
    const { row, json } = see({ target: '/v1/chat/completions', request: QUESTION, answer });
    expect(row.state).toBe('running');
    expect(row.operation).toBe('gpt-4o-mini-2024-07-18');
    expect(json.ai?.completion).toEqual([{ role: 'assistant', parts: [text('Sünny')] }]);
    expect(see({ target: '/v1/chat/completions', request: QUESTION }).row.operation).toBe('gpt-4o-mini');
    expect(see({ target: '/v1/chat/completions', request: QUESTION }).json.ai?.streaming).toBeNull();
  });

  it('of more events than are held', () => {
    const words = Array.from({ length: 5_000 }, (_, i) => `w${i} `);
    const events = words.map((word) => delta({ content: word }));
    const { json } = see({ target: '/v1/chat/completions', request: QUESTION, answer: stream(events) });
    expect(json.messageStream?.omitted).not.toBeNull();
    expect(json.ai?.completion[0]?.parts[0]?.text).toBe(words.join(''));
    expect(json.ai?.note).toBeNull();
  });

  it.each([
    '/chat/completions',
    '/api/v1/chat/completions?x=1',
    '/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21',
  ])('at %s', (target) => {
    expect(see({ target, request: QUESTION }).json.ai?.api).toBe('openai-chat-completions');
  });

  it('takes the model from the name of a deployment', () => {
    const { model: _, ...request } = QUESTION;
    const target = '/openai/deployments/my%20gpt/chat/completions?api-version=2024-10-21';
    expect(see({ target, request }).row.model).toBe('my gpt');
    expect(see({ target: '/v1/chat/completions', request }).json.ai).toBeNull();
  });

  it('that fails', () => {
    const body =
      '{"error":{"message":"Rate limit reached","type":"requests","param":null,"code":"rate_limit_exceeded"}}';
    const head = `HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
    const { row, json } = see({
      target: '/v1/chat/completions',
      request: QUESTION,
      answer: [{ in: head + body }],
    });
    expect(json.ai).toMatchObject({
      error: 'requests: Rate limit reached',
      completion: [],
      model: 'gpt-4o-mini',
    });
    expect(row.operation).toBe('gpt-4o-mini');
  });

  it('compressed', () => {
    for (const [coding, code] of [
      ['gzip', gzipSync],
      ['br', brotliCompressSync],
    ] as const) {
      const fields = `Content-Encoding: ${coding}\r\n`;
      const { row } = see({
        target: '/v1/chat/completions',
        request: QUESTION,
        answer: whole(answer, fields, code),
      });
      expect(row.operation).toBe('gpt-4o-mini-2024-07-18, 31 → 2 tokens');
    }
  });

  it('tool results in the prompt', () => {
    const request = {
      model: 'm',
      messages: [
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }],
        },
        { role: 'tool', tool_call_id: 'c', content: '21' },
      ],
    };
    expect(see({ target: '/v1/chat/completions', request }).json.ai?.prompt).toEqual([
      { role: 'assistant', parts: [{ type: 'tool-call', text: '{}', name: 'f', id: 'c' }] },
      { role: 'tool', parts: [{ type: 'tool-result', text: '21', name: null, id: 'c' }] },
    ]);
  });
});

describe('OpenAI responses', () => {
  const request = {
    model: 'gpt-4.1',
    instructions: 'Be brief.',
    input: 'Hi',
    tools: [{ type: 'web_search' }, { type: 'function', name: 'f' }],
  };
  const message = {
    type: 'message',
    id: 'msg_1',
    role: 'assistant',
    content: [{ type: 'output_text', text: 'Hello there', annotations: [] }],
  };
  const call = { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'f', arguments: '{"a":1}' };
  const response = {
    id: 'resp_1',
    object: 'response',
    status: 'completed',
    model: 'gpt-4.1-2025-04-14',
    output: [
      { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'Greet.' }] },
      message,
      call,
    ],
    usage: {
      input_tokens: 36,
      input_tokens_details: { cached_tokens: 4 },
      output_tokens: 87,
      output_tokens_details: { reasoning_tokens: 5 },
      total_tokens: 123,
    },
  };
  const parts = [
    { type: 'reasoning', text: 'Greet.', name: null, id: null },
    text('Hello there'),
    { type: 'tool-call', text: '{"a":1}', name: 'f', id: 'call_1' },
  ];

  it('as one document', () => {
    const { row, json } = see({ target: '/v1/responses', request, answer: whole(response) });
    expect(row.operation).toBe('gpt-4.1-2025-04-14, calls f, 36 → 87 tokens');
    expect(json.ai).toMatchObject({
      api: 'openai-responses',
      tools: ['web_search', 'f'],
      prompt: [
        { role: 'instructions', parts: [text('Be brief.')] },
        { role: 'user', parts: [text('Hi')] },
      ],
      completion: [{ role: 'assistant', parts }],
      finishReason: 'completed',
      usage: { inputTokens: 36, outputTokens: 87, cachedTokens: 4, reasoningTokens: 5 },
    });
  });

  const created = { ...response, status: 'in_progress', output: [], usage: null };
  const events = [
    { type: 'response.created', response: created },
    { type: 'response.output_item.added', output_index: 0, item: { type: 'reasoning', summary: [] } },
    { type: 'response.reasoning_summary_text.delta', output_index: 0, summary_index: 0, delta: 'Greet.' },
    { type: 'response.output_item.added', output_index: 1, item: { ...message, content: [] } },
    { type: 'response.output_text.delta', output_index: 1, content_index: 0, delta: 'Hello' },
    { type: 'response.output_text.delta', output_index: 1, content_index: 0, delta: ' there' },
    { type: 'response.output_text.done', output_index: 1, content_index: 0, text: 'Hello there' },
    { type: 'response.output_item.added', output_index: 2, item: { ...call, arguments: '' } },
    { type: 'response.function_call_arguments.delta', output_index: 2, delta: '{"a":' },
    { type: 'response.function_call_arguments.delta', output_index: 2, delta: '1}' },
    { type: 'response.output_item.done', output_index: 2, item: call },
    { type: 'response.completed', response },
  ];

  it('as a stream', () => {
    const { json } = see({ target: '/v1/responses', request, answer: stream(events, true) });
    expect(json.ai).toMatchObject({
      completion: [{ role: 'assistant', parts }],
      finishReason: 'completed',
      usage: { inputTokens: 36, outputTokens: 87, cachedTokens: 4, reasoningTokens: 5 },
      model: 'gpt-4.1-2025-04-14',
    });
  });

  it('with items as input, and what failed', () => {
    const input = [
      { role: 'user', content: [{ type: 'input_text', text: 'Hi' }, { type: 'input_image' }] },
      call,
      { type: 'function_call_output', call_id: 'call_1', output: '2' },
      { type: 'item_reference', id: 'x' },
    ];
    const failed = {
      type: 'response.failed',
      response: { ...created, status: 'failed', error: { code: 'server_error', message: 'Oh' } },
    };
    const { json } = see({
      target: '/v1/responses',
      request: { model: 'm', input },
      answer: stream([failed], true),
    });
    expect(json.ai?.prompt).toEqual([
      { role: 'user', parts: [text('Hi'), { type: 'other', text: null, name: 'input_image', id: null }] },
      { role: 'assistant', parts: [{ type: 'tool-call', text: '{"a":1}', name: 'f', id: 'call_1' }] },
      { role: 'tool', parts: [{ type: 'tool-result', text: '2', name: null, id: 'call_1' }] },
      { role: null, parts: [{ type: 'other', text: null, name: 'item_reference', id: 'x' }] },
    ]);
    expect(json.ai).toMatchObject({ error: 'server_error: Oh', finishReason: 'failed' });
  });
});

describe('OpenAI embeddings', () => {
  it('name the model and count tokens', () => {
    const request = { model: 'text-embedding-3-small', input: ['one', 'two'] };
    const answer = {
      object: 'list',
      data: [{ object: 'embedding', index: 0, embedding: [0.1] }],
      model: request.model,
      usage: { prompt_tokens: 2, total_tokens: 2 },
    };
    const { row, json } = see({ target: '/v1/embeddings', request, answer: whole(answer) });
    expect(row.operation).toBe('text-embedding-3-small, 2 tokens');
    expect(json.ai?.prompt).toEqual([
      { role: null, parts: [text('one')] },
      { role: null, parts: [text('two')] },
    ]);
    const tokens = see({ target: '/v1/embeddings', request: { model: 'm', input: [1, 2, 3] } });
    expect(tokens.json.ai?.prompt).toEqual([
      { role: null, parts: [{ type: 'other', text: null, name: 'tokens', id: null }] },
    ]);
  });
});

describe('Anthropic messages', () => {
  const request = {
    model: 'claude-sonnet-4-5',
    max_tokens: 1_024,
    system: [{ type: 'text', text: 'Be kind.' }],
    messages: [
      { role: 'user', content: 'Weather?' },
      {
        role: 'assistant',
        content: [{ type: 'tool_use', id: 'toolu_1', name: 'get_weather', input: { city: 'Ulm' } }],
      },
      {
        role: 'user',
        content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: [{ type: 'text', text: '21' }] }],
      },
    ],
    tools: [{ name: 'get_weather', input_schema: {} }],
  };
  const usage = {
    input_tokens: 20,
    cache_read_input_tokens: 7,
    cache_creation_input_tokens: 0,
    output_tokens: 1,
  };
  const start = {
    type: 'message',
    id: 'msg_1',
    role: 'assistant',
    model: 'claude-sonnet-4-5-20250929',
    content: [],
    stop_reason: null,
    usage,
  };
  const events = [
    { type: 'message_start', message: start },
    {
      type: 'content_block_start',
      index: 0,
      content_block: { type: 'thinking', thinking: '', signature: '' },
    },
    { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'Hm.' } },
    {
      type: 'content_block_delta',
      index: 0,
      delta: { type: 'signature_delta', signature: 'EqQBCgIYAhIM1gbcDa9GJwZA2b3h' },
    },
    { type: 'content_block_stop', index: 0 },
    { type: 'ping' },
    { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } },
    { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'It is ' } },
    { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'warm.' } },
    {
      type: 'content_block_start',
      index: 2,
      content_block: { type: 'tool_use', id: 'toolu_2', name: 'note', input: {} },
    },
    { type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: '' } },
    { type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: '{"n"' } },
    { type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: ':1}' } },
    {
      type: 'message_delta',
      delta: { stop_reason: 'tool_use', stop_sequence: null },
      usage: { output_tokens: 89 },
    },
    { type: 'message_stop' },
  ];
  const parts = [
    { type: 'reasoning', text: 'Hm.', name: null, id: null },
    text('It is warm.'),
    { type: 'tool-call', text: '{"n":1}', name: 'note', id: 'toolu_2' },
  ];

  it('as a stream, cut anywhere', () => {
    const call = { target: '/v1/messages?beta=true', request, answer: stream(events, true) };
    const { row, json } = see(call);
    expect(row.operation).toBe('claude-sonnet-4-5-20250929, calls note, 20 → 89 tokens');
    expect(json.ai).toMatchObject({
      api: 'anthropic-messages',
      tools: ['get_weather'],
      prompt: [
        { role: 'system', parts: [text('Be kind.')] },
        { role: 'user', parts: [text('Weather?')] },
        {
          role: 'assistant',
          parts: [{ type: 'tool-call', text: '{"city":"Ulm"}', name: 'get_weather', id: 'toolu_1' }],
        },
        { role: 'user', parts: [{ type: 'tool-result', text: '21', name: null, id: 'toolu_1' }] },
      ],
      completion: [{ role: 'assistant', parts }],
      finishReason: 'tool_use',
      usage: { inputTokens: 20, outputTokens: 89, cachedTokens: 7, reasoningTokens: null },
    });
    for (const pieces of [1, 13]) expect(see({ ...call, pieces }).json.ai).toEqual(json.ai);
  });

  it('as one document, and an error', () => {
    const message = { ...start, stop_reason: 'end_turn', content: [{ type: 'text', text: 'Warm.' }] };
    const { json } = see({ target: '/v1/messages', request, answer: whole(message) });
    expect(json.ai).toMatchObject({
      completion: [{ role: 'assistant', parts: [text('Warm.')] }],
      finishReason: 'end_turn',
    });
    const error = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } };
    const broken = see({ target: '/v1/messages', request, answer: stream([events[0], error], true) });
    expect(broken.json.ai?.error).toBe('overloaded_error: Overloaded');
  });
});

describe('Gemini generateContent', () => {
  const request = {
    systemInstruction: { parts: [{ text: 'Be brief.' }] },
    contents: [
      { role: 'user', parts: [{ text: 'Hi' }, { inlineData: { mimeType: 'image/png', data: '' } }] },
      { role: 'model', parts: [{ functionCall: { name: 'f', args: { a: 1 } } }] },
      { role: 'user', parts: [{ functionResponse: { name: 'f', response: { b: 2 } } }] },
    ],
    tools: [{ functionDeclarations: [{ name: 'f' }] }, { googleSearch: {} }],
  };
  const piece = (parts: unknown[], more: object = {}) => ({
    candidates: [{ content: { role: 'model', parts }, index: 0, ...more }],
    modelVersion: 'gemini-2.5-flash',
    usageMetadata: {
      promptTokenCount: 5,
      candidatesTokenCount: 9,
      totalTokenCount: 17,
      thoughtsTokenCount: 3,
    },
  });
  const pieces = [
    piece([{ text: 'Let me see.', thought: true }]),
    piece([{ text: 'Hel' }]),
    piece([{ text: 'lo' }, { functionCall: { name: 'f', args: { a: 2 } } }], { finishReason: 'STOP' }),
  ];
  const completion = [
    {
      role: 'model',
      parts: [
        { type: 'reasoning', text: 'Let me see.', name: null, id: null },
        text('Hello'),
        { type: 'tool-call', text: '{"a":2}', name: 'f', id: null },
      ],
    },
  ];

  it('as events, as a list, and as one document', () => {
    const target = '/v1beta/models/gemini-2.5-flash:streamGenerateContent';
    const events = see({ target: `${target}?alt=sse`, request, answer: stream(pieces) });
    expect(events.row.operation).toBe('gemini-2.5-flash, calls f, 5 → 9 tokens');
    expect(events.json.ai).toMatchObject({
      api: 'gemini-generate-content',
      requestedModel: 'gemini-2.5-flash',
      tools: ['f', 'googleSearch'],
      prompt: [
        { role: 'system', parts: [text('Be brief.')] },
        { role: 'user', parts: [text('Hi'), { type: 'other', text: null, name: 'inlineData', id: null }] },
        { role: 'model', parts: [{ type: 'tool-call', text: '{"a":1}', name: 'f', id: null }] },
        { role: 'user', parts: [{ type: 'tool-result', text: '{"b":2}', name: 'f', id: null }] },
      ],
      completion,
      finishReason: 'STOP',
      usage: { inputTokens: 5, outputTokens: 9, cachedTokens: null, reasoningTokens: 3 },
    });
    const list = see({ target, request, answer: whole(pieces) });
    expect(list.json.ai).toMatchObject({ completion, streaming: false, firstTokenMs: null });
    const one = see({
      target: '/v1/projects/p/locations/l/publishers/google/models/gemini-pro:generateContent',
      request,
      answer: whole(pieces[1]),
    });
    expect(one.json.ai).toMatchObject({
      requestedModel: 'gemini-pro',
      completion: [{ parts: [text('Hel')] }],
    });
  });
});

describe('the Model Context Protocol', () => {
  const call = { jsonrpc: '2.0', id: 3, method: 'tools/call', params: { name: 'add', arguments: { a: 1 } } };
  const result = {
    jsonrpc: '2.0',
    id: 3,
    result: { content: [{ type: 'text', text: '2' }], isError: false },
  };

  it('answered by a document or by a stream with notifications', () => {
    const progress = { jsonrpc: '2.0', method: 'notifications/progress', params: { progress: 1 } };
    for (const answer of [whole(result), stream([progress, result])]) {
      const { row, json } = see({
        target: '/mcp',
        request: call,
        fields: 'MCP-Protocol-Version: 2025-06-18\r\n',
        answer,
      });
      expect(row.operation).toBe('tools/call add');
      expect(json.mcp).toMatchObject({
        protocolVersion: '2025-06-18',
        calls: [
          {
            id: '3',
            method: 'tools/call',
            name: 'add',
            arguments: '{"a":1}',
            result: '2',
            isError: false,
            error: null,
          },
        ],
        note: null,
      });
    }
    const { json } = see({ target: '/mcp', request: call, answer: stream([progress, result]) });
    expect(json.mcp?.received.map(({ method }) => method)).toEqual(['notifications/progress']);
  });

  it('initialize, errors, and a resource', () => {
    const initialize = {
      jsonrpc: '2.0',
      id: 0,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c', version: '1' } },
    };
    const chosen = {
      jsonrpc: '2.0',
      id: 0,
      result: { protocolVersion: '2025-06-18', capabilities: {}, serverInfo: {} },
    };
    expect(see({ target: '/x', request: initialize, answer: whole(chosen) }).json.mcp?.protocolVersion).toBe(
      '2025-06-18',
    );
    const read = { jsonrpc: '2.0', id: 'a', method: 'resources/read', params: { uri: 'file:///x' } };
    const error = { jsonrpc: '2.0', id: 'a', error: { code: -32002, message: 'Resource not found' } };
    const { row, json } = see({ target: '/x', request: read, answer: whole(error) });
    expect(row.operation).toBe('resources/read file:///x');
    expect(json.mcp?.calls).toMatchObject([
      { result: null, isError: null, error: { code: -32002, message: 'Resource not found' } },
    ]);
  });

  it('is not other JSON-RPC', () => {
    const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };
    expect(see({ target: '/mcp', request: ping }).json.mcp).toBeNull();
    expect(see({ target: '/mcp', request: ping, fields: 'Mcp-Session-Id: x\r\n' }).json.mcp).not.toBeNull();
    const other = { jsonrpc: '2.0', id: 1, method: 'initialize', params: { processId: 1, capabilities: {} } };
    expect(see({ target: '/', request: other }).json.mcp).toBeNull();
  });

  it('the stream that a client opens', () => {
    const get = (fields: string, first: string): ExchangeJson => {
      const engine = new Engine();
      engine.setClock({ offset: 0n, bootTime: START });
      const head = `GET /sse HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
      engine.push(
        recordBatch(
          conversation([
            { out: head },
            { in: STREAM },
            { in: chunk(first) },
            {
              in: chunk(
                `event: message\ndata: ${JSON.stringify(result)}\n\nevent: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', id: 9, method: 'sampling/createMessage' })}\n\n`,
              ),
            },
          ]),
        ),
      );
      return engine.json(1) as ExchangeJson;
    };
    const old = get('', 'event: endpoint\ndata: /messages?sessionId=8\n\n');
    expect(old.mcp?.received.map(({ method }) => method)).toEqual(['sampling/createMessage']);
    expect(get('Mcp-Session-Id: 1\r\n', ': hello\n\n').mcp).not.toBeNull();
    expect(get('', 'event: endpoint\ndata: /elsewhere\n\n').mcp).toBeNull();
  });
});

describe('secrets', () => {
  const token = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl';

  it('are masked, also where they are spread over events', () => {
    const request = {
      model: 'm',
      messages: [{ role: 'user', content: 'my password=hunter2 and {"api_key":"abc"}' }],
    };
    const events = [
      delta({ content: token.slice(0, 20) }),
      delta({ content: token.slice(20) }),
      delta({
        tool_calls: [{ index: 0, id: 'c', function: { name: 'login', arguments: '{"password":"hun' } }],
      }),
      delta({ tool_calls: [{ index: 0, function: { arguments: 'ter2","user":"ada"}' } }] }),
    ];
    const { json, revealed } = see({ target: '/v1/chat/completions', request, answer: stream(events) });
    const shown = JSON.stringify(json);
    expect(json.messages[0]).toMatchObject({ text: null, note: expect.stringContaining('spread') });
    expect(revealed.messages[0]).toMatchObject({ note: null });
    for (const secret of ['hunter2', 'ter2', 'abc', token]) expect(shown).not.toContain(secret);
    expect(json.ai?.completion[0]?.parts[1]?.text).toBe(`{"password":"${MASK}","user":"ada"}`);
    expect(revealed.ai?.completion[0]?.parts.map((part) => part.text)).toEqual([
      token,
      '{"password":"hunter2","user":"ada"}',
    ]);
    expect(revealed.ai?.prompt[0]?.parts[0]?.text).toContain('hunter2');
  });

  it('in a name of a model, a tool or a resource', () => {
    const request = { model: token, messages: [] };
    const { row, json } = see({
      target: '/v1/chat/completions',
      request,
      answer: whole({ model: token, choices: [] }),
    });
    expect(JSON.stringify([row, json.ai])).not.toContain('eyJ');
    const read = {
      jsonrpc: '2.0',
      id: 1,
      method: 'resources/read',
      params: { uri: 'https://ada:hunter2@a/?token=xyz123' },
    };
    expect(see({ target: '/', request: read }).row.operation).not.toMatch(/hunter2|xyz123/);
  });
});

describe('other calls', () => {
  it.each([
    ['/v1/chat/completions', { messages: 'x', model: 'm' }],
    ['/v1/chat/completions', [1]],
    ['/v1/messages', { model: 'm', messages: [] }],
    ['/inbox/messages', { messages: ['hi'] }],
    ['/survey/responses', { answers: [] }],
    ['/survey/responses', { input: 'x' }],
    ['/embeddings', { model: 'm' }],
    ['/models/x:generateContent', { prompt: 'x' }],
    ['/orders', QUESTION],
  ])('%s %j', (target, request) => {
    const { row, json } = see({ target, request, answer: whole({ choices: [] }) });
    expect(json.ai).toBeNull();
    expect(row.model).toBeNull();
    expect(row.operation).toBeNull();
  });
});

describe('limits and hostile input', () => {
  it('a prompt that was cut is shown as far as it goes', () => {
    const request = {
      model: 'm',
      messages: [
        { role: 'user', content: 'a' },
        { role: 'user', content: 'x'.repeat(5_000) },
      ],
    };
    const { row, json } = see({ target: '/v1/chat/completions', request, bodyLimit: 1_000 });
    expect(row.model).toBe('m');
    expect(json.ai?.prompt).toHaveLength(2);
    expect(json.ai?.prompt[1]?.parts[0]?.text).toMatch(/^x{900,}$/);
    expect(json.ai?.note).toMatch(/^The prompt is incomplete\. Only the first 1000 of/);
  });

  it('events that were not seen are said to be missing', () => {
    const [head, first, ...rest] = stream(CHAT_EVENTS);
    const lost: Step = { omit: 'in', size: 40, omission: Omission.Limit };
    const { json } = see({
      target: '/v1/chat/completions',
      request: QUESTION,
      answer: [head as Step, first as Step, lost, ...rest],
    });
    expect(json.ai?.note).toContain('Events of the answer are missing.');
  });

  it('an answer without end is bounded', () => {
    const events = Array.from({ length: 400 }, () => delta({ content: 'x'.repeat(4_000) }));
    const { json } = see({ target: '/v1/chat/completions', request: QUESTION, answer: stream(events) });
    expect(json.ai?.completion[0]?.parts[0]?.text?.length).toBe(512 * 1024);
    expect(json.ai?.note).toContain('too large');
    const many = Array.from({ length: 2_000 }, (_, index) => ({
      choices: [{ index, delta: { content: 'x' } }],
    }));
    expect(
      see({ target: '/v1/chat/completions', request: QUESTION, answer: stream(many) }).json.ai?.completion,
    ).toHaveLength(16);
  });

  it('any JSON in any place is harmless', () => {
    const json = fc.json({ maxDepth: 5 });
    const word = fc.constantFrom(
      'choices',
      'delta',
      'message',
      'content',
      'parts',
      'candidates',
      'type',
      'output',
      'usage',
      'index',
      'tool_calls',
      'messages',
      'model',
      'input',
      'contents',
      'max_tokens',
      '__proto__',
      'tools',
      'error',
      'response',
      'item',
      'system',
    );
    const object = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 6 },
        fc.constantFrom<unknown>(
          'message_start',
          'response.completed',
          'response.output_item.added',
          'content_block_delta',
          'text',
          'function_call',
          -1,
          1e99,
          null,
          0,
          '',
        ),
        tie('list'),
        tie('object'),
      ),
      list: fc.array(tie('value'), { maxLength: 4 }),
      object: fc.dictionary(word, tie('value'), { maxKeys: 6 }),
    }));
    const targets = [
      '/chat/completions',
      '/responses',
      '/embeddings',
      '/messages',
      '/models/a:generateContent',
      '/mcp',
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...targets),
        object.object,
        fc.array(fc.oneof(object.object, json), { maxLength: 5 }),
        fc.boolean(),
        (target, request, events, events2) => {
          const base = {
            model: 'm',
            messages: [],
            input: [],
            contents: [],
            max_tokens: 1,
            ...(request as object),
          };
          const answer = events2
            ? stream(
                events.map((event) => (typeof event === 'string' ? event.replace(/[\r\n]/g, '') : event)),
              )
            : whole(events[0] ?? null);
          see({ target, request: base, answer });
          see({ target, request: { jsonrpc: '2.0', id: 1, method: 'tools/call', params: request }, answer });
        },
      ),
      { numRuns: runs(150) },
    );
  });

  it('takes time that is linear', () => {
    for (const part of ['{"a":', '[', '\\', '"', '"\\', '{', ',', '"a",', '\\"', '{"":"\\u']) {
      for (const before of ['{"a":"', '{', '[', '{"a":"\\\\']) {
        const long = before + part.repeat(200_000 / part.length);
        expect(
          cpuTime(() => parseJson(long)),
          before + part,
        ).toBeLessThan(1_000);
      }
    }
  });

  it('JSON that was cut anywhere is read up to there', () => {
    const value = { a: 'x"\\é\u{1f600}', b: [1, true, null, { c: '' }], d: { e: -1.5e3 } };
    const text = JSON.stringify(value).replace('é', '\\u00e9');
    for (let end = 1; end < text.length; end++)
      expect(parseJson(text.slice(0, end)), text.slice(0, end)).toBeTypeOf('object');
    expect(parseJson(text)).toEqual(value);
    expect(parseJson('x')).toBeUndefined();
    expect(parseJson('"x"')).toBeUndefined();
    expect(parseJson('{"a":1} x')).toBeUndefined();
    expect(parseJson('['.repeat(100_000))).toBeUndefined();
  });
});
