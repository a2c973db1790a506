/**
 * `serve`: language models and an MCP server on loopback, all answering like the public APIs.
 * `call PORT`: one call to each, with the usual client libraries.
 */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

const [, , role, port] = process.argv;
if (role === 'serve') await serve();
else await call(`http://127.0.0.1:${port}`);

async function serve() {
  const { McpServer } = await import('@modelcontextprotocol/sdk/server/mcp.js');
  const { StreamableHTTPServerTransport } = await import(
    '@modelcontextprotocol/sdk/server/streamableHttp.js'
  );
  const mcp = new McpServer({ name: 'shop', version: '1' });
  mcp.registerTool('stock', { description: 'What is in stock' }, () => ({
    content: [{ type: 'text', text: 'three lamps' }],
  }));
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: randomUUID });
  await mcp.connect(transport);
  const server = createServer((request, response) => {
    if (request.url === '/mcp') {
      transport.handleRequest(request, response);
      return;
    }
    let body = '';
    request.setEncoding('utf8').on('data', (text) => {
      body += text;
    });
    request.on('end', () => answer(request.url, body, response));
  });
  server.listen(0, '127.0.0.1', () => {
    console.log(JSON.stringify({ port: server.address().port, pid: process.pid }));
  });
}

async function answer(url, body, response) {
  const { stream } = JSON.parse(body);
  const events = url.includes('/chat/') ? chat() : url.includes('/messages') ? messages() : gemini();
  if (url === '/v1/embeddings') {
    json(response, {
      object: 'list',
      model: 'text-embedding-3-small',
      data: [{ object: 'embedding', index: 0, embedding: [0.25, 0.5] }],
      usage: { prompt_tokens: 3, total_tokens: 3 },
    });
    return;
  }
  if (url.includes('/chat/') && stream !== true) {
    json(response, {
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 1,
      model: 'gpt-4o-mini-2024-07-18',
      choices: [{ index: 0, message: { role: 'assistant', content: 'Whole.' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11 },
    });
    return;
  }
  response.writeHead(200, { 'Content-Type': 'text/event-stream' });
  for (const event of events) {
    const name = typeof event === 'object' && 'type' in event ? `event: ${event.type}\n` : '';
    response.write(`${name}data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  response.end();
}

function json(response, value) {
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
}

function chat() {
  const chunk = (delta, finish_reason = null) => ({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'gpt-4o-mini-2024-07-18',
    choices: [{ index: 0, delta, finish_reason }],
  });
  const words = Array.from({ length: 200 }, (_, i) => `wörd${i} `);
  return [
    chunk({ role: 'assistant', content: '' }),
    ...words.map((content) => chunk({ content })),
    chunk({}, 'stop'),
    { ...chunk({}), choices: [], usage: { prompt_tokens: 9, completion_tokens: 200, total_tokens: 209 } },
    '[DONE]',
  ];
}

function messages() {
  const message = {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-sonnet-4-5-20250929',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: 20, output_tokens: 1 },
  };
  const delta = (value) => ({ type: 'content_block_delta', index: 0, delta: value });
  return [
    { type: 'message_start', message },
    {
      type: 'content_block_start',
      index: 0,
      content_block: { type: 'tool_use', id: 'toolu_1', name: 'login', input: {} },
    },
    delta({ type: 'input_json_delta', partial_json: '{"user":"ada","pass' }),
    delta({ type: 'input_json_delta', partial_json: 'word":"hun' }),
    delta({ type: 'input_json_delta', partial_json: 'ter2"}' }),
    { type: 'content_block_stop', index: 0 },
    {
      type: 'message_delta',
      delta: { stop_reason: 'tool_use', stop_sequence: null },
      usage: { output_tokens: 31 },
    },
    { type: 'message_stop' },
  ];
}

function gemini() {
  const piece = (text) => ({
    candidates: [{ content: { role: 'model', parts: [{ text }] }, index: 0 }],
    modelVersion: 'gemini-2.5-flash',
    usageMetadata: { promptTokenCount: 4, candidatesTokenCount: 6, totalTokenCount: 10 },
  });
  return [piece('Hel'), piece('lo')];
}

async function call(base) {
  const { default: OpenAI } = await import('openai');
  const { default: Anthropic } = await import('@anthropic-ai/sdk');
  const { Client } = await import('@modelcontextprotocol/sdk/client/index.js');
  const { StreamableHTTPClientTransport } = await import(
    '@modelcontextprotocol/sdk/client/streamableHttp.js'
  );
  const said = {};

  const openai = new OpenAI({ baseURL: `${base}/v1`, apiKey: 'sk-not-a-real-one' });
  const question = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'How many lamps?' }] };
  const whole = await openai.chat.completions.create(question);
  said.whole = whole.choices[0].message.content;
  said.chat = '';
  const stream = await openai.chat.completions.create({
    ...question,
    stream: true,
    stream_options: { include_usage: true },
  });
  for await (const chunk of stream) said.chat += chunk.choices[0]?.delta.content ?? '';
  await openai.embeddings.create({ model: 'text-embedding-3-small', input: 'three lamps' });

  const anthropic = new Anthropic({ baseURL: base, apiKey: 'sk-ant-not-a-real-one' });
  const message = await anthropic.messages
    .stream({ model: 'claude-sonnet-4-5', max_tokens: 64, messages: [{ role: 'user', content: 'Log in' }] })
    .finalMessage();
  said.input = message.content[0].input;

  const gemini = await fetch(
    `${base}/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse&key=AIzaSyNotReal0123456789abcdefghijklmnop`,
    {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] }),
    },
  );
  await gemini.text();

  const client = new Client({ name: 'test', version: '1' });
  await client.connect(new StreamableHTTPClientTransport(new URL(`${base}/mcp`)));
  const result = await client.callTool({ name: 'stock', arguments: {} });
  said.tool = result.content[0].text;
  await client.close();
  console.log(JSON.stringify(said));
}
