/**
 * Calls of language models and of an MCP server, made by the providers' own client libraries to servers on loopback, as
 * the kernel sees them.
 */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Child } from '../kit/process.ts';
import { CallTracing, describeTraced, PEERS, temporaryFolder, tracingIn } from './support/environment.ts';

const PEER = [process.execPath, join(PEERS, 'ai.mjs')] as const;

describeTraced('calls of language models and MCP', () => {
  it('made by their client libraries are read as what they are', async () => {
    const server = Child.of([...PEER, 'serve']);
    const { port } = JSON.parse(await server.line());
    const tracing = CallTracing.run(tracingIn(temporaryFolder()), [...PEER, 'call', String(port)]);
    const { exchanges, ended } = await tracing.result();
    expect(ended.code, ended.stderr).toBe(0);
    const said = JSON.parse(Buffer.from(ended.stdout, 'latin1').toString());
    const of = (api: string) => exchanges.filter(({ ai }) => ai?.api === api).map(({ ai }) => ai);
    expect(of('openai-chat-completions')).toMatchObject([
      {
        model: 'gpt-4o-mini-2024-07-18',
        streaming: false,
        completion: [{ parts: [{ text: said.whole }] }],
        usage: { inputTokens: 9, outputTokens: 2 },
      },
      {
        requestedModel: 'gpt-4o-mini',
        streaming: true,
        prompt: [{ role: 'user', parts: [{ text: 'How many lamps?' }] }],
        completion: [{ role: 'assistant', parts: [{ type: 'text', text: said.chat }] }],
        finishReason: 'stop',
        usage: { inputTokens: 9, outputTokens: 200 },
        note: null,
      },
    ]);
    expect(of('openai-embeddings')).toMatchObject([{ usage: { inputTokens: 3 } }]);
    const [tool] = of('anthropic-messages');
    expect(tool).toMatchObject({ model: 'claude-sonnet-4-5-20250929', finishReason: 'tool_use' });
    expect(said.input).toEqual({ user: 'ada', password: 'hunter2' });
    const shown = tool?.completion[0]?.parts[0]?.text ?? '';
    expect(Object.keys(JSON.parse(shown))).toEqual(['user', 'password']);
    expect(shown).not.toContain('hunter2');
    expect(of('gemini-generate-content')).toMatchObject([
      { model: 'gemini-2.5-flash', completion: [{ parts: [{ text: 'Hello' }] }] },
    ]);
    const mcp = exchanges.flatMap((exchange) => exchange.mcp?.calls ?? []);
    expect(mcp.map(({ method }) => method)).toEqual(
      expect.arrayContaining(['initialize', 'notifications/initialized', 'tools/call']),
    );
    expect(mcp.find(({ method }) => method === 'tools/call')).toMatchObject({
      name: 'stock',
      result: said.tool,
      isError: false,
    });
    // An embedding has no first token, and neither has an answer that came at once.
    for (const { ai } of exchanges)
      expect(ai === null || (ai.firstTokenMs !== null) === ai.streaming).toBe(true);
    expect(JSON.stringify(exchanges)).not.toMatch(/not-a-real-one|NotReal|ter2/);
  });
});
