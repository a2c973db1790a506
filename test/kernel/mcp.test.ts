/** `http-trace mcp`, asked by the official client: over a command, a running process, and a recording. */
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { expect, it } from 'vitest';
import { Child } from '../kit/process.ts';
import { Tracing } from '../kit/tracing.ts';
import { describeTraced, HTTP_TRACE, PEERS, temporaryFolder, tracingIn } from './support/environment.ts';

/** An agent that has started the server. */
async function agent(args: readonly string[]): Promise<{ client: Client; stderr: () => string }> {
  const transport = new StdioClientTransport({ command: HTTP_TRACE, args: ['mcp', ...args], stderr: 'pipe' });
  let said = '';
  transport.stderr?.on('data', (bytes) => {
    said += bytes;
  });
  const client = new Client({ name: 'agent', version: '1' });
  await client.connect(transport);
  return { client, stderr: () => said };
}

async function ask(client: Client, name: string, input: Record<string, unknown> = {}) {
  const { content, isError } = await client.callTool({ name, arguments: input });
  const [first] = content as { text: string }[];
  return { isError, text: first?.text ?? '', json: isError === true ? null : JSON.parse(first?.text ?? '') };
}

/** The calls that match, once there are so many and none is running any more. */
async function listed(client: Client, filter: string, count: number) {
  let calls: { id: number; url: string; status: number; state: string }[] = [];
  await expect
    .poll(
      async () => {
        calls = (await ask(client, 'list_http_requests', { filter })).json.calls;
        return calls.filter(({ state }) => state !== 'running').length;
      },
      { timeout: 60_000 },
    )
    .toBe(count);
  return calls;
}

const SERVER = `
  const server = require('node:http').createServer((request, response) => {
    response.writeHead(request.url === '/missing' ? 404 : 200, { 'Content-Type': 'application/json', 'Set-Cookie': 'sid=verysecret' });
    response.end('{"name":"Ada","password":"hunter2"}');
  });
  server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port, pid: process.pid })));
`;

const CLIENT = `
  ${SERVER.replace(/console\.log\(.*\)\)/, 'go(server.address().port))')}
  async function go(port) {
    console.log('noise on standard output');
    for (const path of ['/orders', '/missing']) await (await fetch('http://127.0.0.1:' + port + path)).text();
    setInterval(() => {}, 1000);
  }
`;

describeTraced('http-trace mcp', () => {
  it('over a command, from its first call on', async () => {
    const { client, stderr } = await agent(['--', process.execPath, '-e', CLIENT]);
    expect(client.getServerVersion()?.name).toBe('http-trace');
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual([
      'list_http_requests',
      'get_http_request',
    ]);
    const [missing] = await listed(client, 'status:404 side:client', 1);
    expect(missing?.url).toMatch(/\/missing$/);
    const heads = await ask(client, 'get_http_request', { id: missing?.id });
    expect(heads.json).toMatchObject({ status: 404, method: 'GET' });
    expect(heads.text).not.toMatch(/Ada|hunter2|verysecret/);
    const bodies = await ask(client, 'get_http_request', { id: missing?.id, bodies: true });
    expect(bodies.text).toContain('Ada');
    expect(bodies.text).not.toMatch(/hunter2|verysecret/);
    expect(await ask(client, 'get_http_request', { id: 999 })).toMatchObject({ isError: true });
    await expect(client.callTool({ name: 'nothing', arguments: {} })).rejects.toThrow(
      'There is no tool of that name.',
    );
    expect(stderr()).toBe('noise on standard output\n');
    await client.close();
  });

  it('over a running process', async () => {
    const server = Child.of([process.execPath, '-e', SERVER]);
    const { port, pid } = JSON.parse(await server.line());
    const { client } = await agent(['--attach', String(pid)]);
    const none = await ask(client, 'list_http_requests');
    expect(none.json).toMatchObject({ calls: [], note: expect.stringContaining('The trace is running') });
    await (await fetch(`http://127.0.0.1:${port}/orders`)).text();
    expect(await listed(client, 'side:server', 1)).toMatchObject([{ status: 200 }]);
    await client.close();
    // It is traced no more, and runs.
    expect((await fetch(`http://127.0.0.1:${port}/orders`)).status).toBe(200);
  });

  it('over a recording', async () => {
    const server = Child.of([process.execPath, join(PEERS, 'ai.mjs'), 'serve']);
    const { port } = JSON.parse(await server.line());
    const tracing = Tracing.run(tracingIn(temporaryFolder()), [
      process.execPath,
      join(PEERS, 'ai.mjs'),
      'call',
      String(port),
    ]);
    await tracing.result();
    const { client } = await agent([tracing.recording]);
    const calls = await listed(client, 'model:gpt-*', 2);
    const { json } = await ask(client, 'get_http_request', { id: calls[0]?.id, bodies: true });
    expect(json.ai.completion[0].parts[0].text).toBe('Whole.');
    await client.close();
  });
});
