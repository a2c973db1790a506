/** The hook in real programs: Node of the tests, and what it does where nothing listens to `debugger`. */
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { createServer as createHttp2 } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asciiString, NODE_HIT, nodeExpression } from './nodeHook.ts';
import { parseCondition } from './parseCondition.ts';

const run = promisify(execFile);
const http = createServer((_request, response) => response.end('ok'));
const http2 = createHttp2((_request, response) => response.end('ok'));
const portOf = (server: { address(): unknown }) => (server.address() as AddressInfo).port;

beforeAll(async () => {
  for (const server of [http, http2])
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  http.close();
  http2.close();
});

const breaks = (...lines: string[]) =>
  lines.map((line, index) => ({ id: index + 1, condition: parseCondition(line).condition! }));

/** What a program prints that runs the hook first. `hit()` in it is the break that was hit. */
async function output(lines: string[], program: string, options: string[] = []): Promise<string> {
  const script = `console.log('set', eval(${asciiString(nodeExpression(breaks(...lines), 'Shop'))}));
    const hit = () => { const h = eval(${asciiString(NODE_HIT)}); return h && JSON.parse(h); };
    ${program}`;
  const { stdout, stderr } = await run(process.execPath, [...options, '-e', script]);
  expect(stderr).toBe('');
  return stdout.trim();
}

describe('the hook for Node', () => {
  test('http: before a byte is sent', async () => {
    const printed = await output(
      ['path:/other', 'method:POST path:/Orders session:shop'],
      `const r = require('http').request('http://127.0.0.1:${portOf(http)}/orders?a=1', { method: 'POST' });
       r.on('response', (answer) => answer.resume()).end('x');
       console.log(JSON.stringify(hit()), r.socket);`,
    );
    const call = `{"id":2,"method":"POST","host":"127.0.0.1:${portOf(http)}","path":"/orders?a=1"}`;
    expect(printed).toBe(`set \n${call} null`);
  });

  test('fetch', async () => {
    const printed = await output(
      ['path:/fetched'],
      `fetch('http://127.0.0.1:${portOf(http)}/fetched').then((answer) => answer.text()).then(() => console.log(hit().path));`,
    );
    expect(printed).toBe('set \n/fetched');
  });

  test('http2', async () => {
    const printed = await output(
      ['path:/streamed'],
      `const client = require('http2').connect('http://127.0.0.1:${portOf(http2)}');
       client.request({ ':path': '/streamed' }).on('close', () => client.close()).resume();
       console.log(hit()?.path);`,
    );
    expect(printed).toBe('set \n/streamed');
  });

  test('a call that does not match is not hit, and continues', async () => {
    const printed = await output(
      ['path:/other'],
      `require('http').get('http://127.0.0.1:${portOf(http)}/', (answer) => { answer.resume(); console.log(answer.statusCode, hit()); });`,
    );
    expect(printed).toBe('set \n200');
  });

  test('without breaks it is removed, and leaves nothing', async () => {
    const none = asciiString(nodeExpression([], 'Shop'));
    const printed = await output(
      ['path:*'],
      `const { ClientRequest } = require('http'); const channels = require('diagnostics_channel');
       eval(${none});
       console.log(globalThis[Symbol.for('http-trace.breaks')], Object.hasOwn(ClientRequest.prototype, '_storeHeader'),
         ['http.client.request.created', 'undici:request:create', 'http2.client.stream.created'].map((name) => channels.hasSubscribers(name)).join());`,
    );
    expect(printed).toBe('set \nundefined false false,false,false');
  });

  test('removed while the program is stopped, it still reports the call', async () => {
    const none = asciiString(nodeExpression([], 'Shop'));
    const printed = await output(
      ['path:*'],
      `require('http').get('http://127.0.0.1:${portOf(http)}/', (answer) => answer.resume());
       eval(${none}); console.log(hit().id, globalThis[Symbol.for('http-trace.breaks')]);`,
    );
    expect(printed).toBe('set \n1 undefined');
  });

  test('set again, it is the same hook with other breaks', async () => {
    const other = asciiString(nodeExpression(breaks('path:/other'), 'Shop'));
    const printed = await output(
      ['path:*'],
      `eval(${other}); require('http').get('http://127.0.0.1:${portOf(http)}/', (answer) => { answer.resume(); console.log(hit()); });`,
    );
    expect(printed).toBe('set');
  });

  test('frozen intrinsics', async () => {
    const printed = await output(
      ['path:*'],
      `const r = require('http').get('http://127.0.0.1:${portOf(http)}/', (answer) => answer.resume()); console.log(hit().id);`,
      ['--frozen-intrinsics', '--no-warnings'],
    );
    expect(printed).toBe('set \n1');
  });

  test.each([
    ['Deno', 'globalThis.Deno = {};', /^set Deno does not report/],
    ['Bun', 'globalThis.Bun = {};', /^set Bun does not report/],
    [
      'no diagnostics_channel',
      'process.getBuiltinModule = () => undefined;',
      /^set this Node.js has no diag/,
    ],
    [
      'a channel that throws',
      'require("diagnostics_channel").channel = () => { throw new Error("mine"); };',
      /mine/,
    ],
  ])('%s: it is said, nothing is left, and the program calls', async (_, before, reason) => {
    const expression = asciiString(nodeExpression(breaks('path:*'), ''));
    const { stdout, stderr } = await run(process.execPath, [
      '-e',
      `const http = require('http'); ${before} console.log('set', eval(${expression}));
       http.get('http://127.0.0.1:${portOf(http)}/', (answer) => { answer.resume();
         console.log(answer.statusCode, globalThis[Symbol.for('http-trace.breaks')]); });`,
    ]);
    expect(stdout).toMatch(reason);
    expect(stdout.trim()).toMatch(/\n200 undefined$/);
    expect(stderr).toBe('');
  });

  test('an ES module, which has no require', async () => {
    const expression = asciiString(nodeExpression(breaks('path:*'), ''));
    const { stdout } = await run(process.execPath, [
      '--input-type=module',
      '-e',
      `import { get } from 'node:http'; console.log('set', (0, eval)(${expression}));
       get('http://127.0.0.1:${portOf(http)}/', (answer) => answer.resume());
       console.log(JSON.parse((0, eval)(${asciiString(NODE_HIT)})).id);`,
    ]);
    expect(stdout.trim()).toBe('set \n1');
  });

  test('a request that cannot be read is sent', async () => {
    const printed = await output(
      ['path:*'],
      `String.prototype.endsWith = () => { throw new Error('mine'); };
       require('http').get('http://127.0.0.1:${portOf(http)}/', (answer) => { answer.resume(); console.log(answer.statusCode, hit()); });`,
    );
    expect(printed).toBe('set \n200');
  });

  test('hostile conditions are data', async () => {
    const hostile = `"path:'); console.log(1); (\u2028\`$\{process.exit(7)}\`//"`;
    const printed = await output([hostile], 'console.log("on", Object.prototype.all);');
    expect(printed).toBe('set \non undefined');
  });
});
