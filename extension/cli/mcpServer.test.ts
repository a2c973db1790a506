import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../test/kit/runs.ts';
import type { CallSource } from '../tools/callSource.ts';
import { McpServer } from './mcpServer.ts';

const NOTHING: CallSource = {
  rows: () => [],
  details: async () => null,
  search: async () => [],
  state: () => 'Nothing.',
};

const server = new McpServer(NOTHING, '1.2.3');
const answer = async (message: unknown) => {
  const line = await server.answer(typeof message === 'string' ? message : JSON.stringify(message));
  return line === null ? null : JSON.parse(line);
};
const request = (method: string, params: unknown = {}) => ({ jsonrpc: '2.0', id: 1, method, params });

describe('the MCP server', () => {
  it('agrees on a version', async () => {
    for (const [asked, given] of [
      ['2024-11-05', '2024-11-05'],
      ['2025-06-18', '2025-06-18'],
      ['2099-01-01', '2025-11-25'],
    ]) {
      const { result } = await answer(request('initialize', { protocolVersion: asked }));
      expect(result).toMatchObject({
        protocolVersion: given,
        serverInfo: { name: 'http-trace', version: '1.2.3' },
      });
    }
  });

  it('answers errors with the codes of JSON-RPC', async () => {
    expect((await answer('{')).error.code).toBe(-32_700);
    expect((await answer({ id: 1, method: 'ping' })).error.code).toBe(-32_600);
    expect((await answer(request('resources/list'))).error.code).toBe(-32_601);
    expect((await answer(request('tools/call', { name: 'x' }))).error.code).toBe(-32_602);
    const { result } = await answer(
      request('tools/call', { name: 'get_http_request', arguments: { id: 'x' } }),
    );
    expect(result).toMatchObject({ isError: true });
  });

  it('is silent about notifications and answers', async () => {
    expect(await answer({ jsonrpc: '2.0', method: 'notifications/initialized' })).toBeNull();
    expect(await answer({ jsonrpc: '2.0', id: 3, result: {} })).toBeNull();
  });

  it('answers batches', async () => {
    const answers = await answer([
      request('ping'),
      { jsonrpc: '2.0', method: 'notifications/x' },
      request('ping'),
    ]);
    expect(answers).toHaveLength(2);
  });

  it('reads lines cut anywhere, leaves out those that are too long, and ends with the input', async () => {
    const input = new PassThrough();
    const output = new PassThrough();
    const served = server.serve(input, output);
    const ping = JSON.stringify(request('ping'));
    for (const character of `${ping}\n\n`) input.write(character);
    input.write(`"${'x'.repeat(3_000_000)}`);
    input.write('y'.repeat(10));
    input.end(`"\n${ping}\n`);
    await served;
    const lines = String(output.read())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const kinds = lines.map((line) => ('result' in line ? 'answered' : String(line.error.code)));
    expect(kinds.sort()).toEqual(['-32700', 'answered', 'answered']);
  });

  it('never throws, whatever the input', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.string(), fc.json()),
        fc.constantFrom('initialize', 'tools/call', 'tools/list', 'ping'),
        async (text, method) => {
          await server.answer(text);
          let params: unknown = text;
          try {
            params = JSON.parse(text);
          } catch {}
          expect(await answer(request(method, params))).toMatchObject({ id: 1 });
          expect(
            await answer(request('tools/call', { name: 'get_http_request', arguments: params })),
          ).toMatchObject({ id: 1 });
        },
      ),
      { numRuns: runs(200) },
    );
  });
});
