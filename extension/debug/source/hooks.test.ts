/** The hooks as debuggers evaluate them, in real programs without a debugger. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { constants, existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { type Finding, parseFinding } from './findings.ts';
import { installing, type Runtime, removing, runtimeOf } from './hooks.ts';
import { type FindingsPipe, openPipe } from './pipe.ts';

const folder = join(import.meta.dirname, 'hooks');
/** The tests for TLS fetch it (scripts/runtimes.mjs). */
const NODE_20 = join(import.meta.dirname, '../../../.cache/runtimes/node_modules/node-20/bin/node');
/** A line that no hook writes. */
const LAST = 'end of the test';
const pipes: FindingsPipe[] = [];

afterEach(() => {
  for (const pipe of pipes.splice(0)) pipe.dispose();
});

/** Runs a program that evaluates the code in HOOK and REMOVE. @returns its output and the hook's findings */
async function run(
  runtime: Runtime,
  program: string,
  options: readonly string[] = [],
  node = process.execPath,
) {
  const findings: Finding[] = [];
  let onEnd = () => {};
  const ended = new Promise<void>((resolve) => {
    onEnd = resolve;
  });
  const pipe = await openPipe((line) => {
    if (line === LAST) onEnd();
    const finding = parseFinding(line);
    if (finding !== null) findings.push(finding);
  });
  pipes.push(pipe);
  const hook = await installing(folder, runtime, { pipe: pipe.path, session: 'it' });
  const [command, flag] = runtime === 'node' ? [node, '-e'] : ['python3', '-c'];
  const child = spawn(command, [...options, flag, program], {
    env: { ...process.env, NODE_OPTIONS: '', HOOK: hook, REMOVE: removing(runtime), PIPE: pipe.path },
  });
  let output = '';
  child.stdout.on('data', (data) => {
    output += data;
  });
  child.stderr.on('data', (data) => {
    output += data;
  });
  await new Promise((resolve) => child.on('close', resolve));
  // What the program wrote is in the pipe, before this line; unless it has removed the pipe.
  const writer = await open(pipe.path, constants.O_WRONLY).catch(() => null);
  if (writer !== null) {
    await writer.writeFile(`\n${LAST}\n`);
    await writer.close();
    await ended;
  }
  return { output: output.trim(), findings };
}

const SERVER = `
  const http = require('http'); const { mkdtempSync, writeFileSync } = require('fs');
  const server = http.createServer((_, answer) => answer.end('ok')).listen(0, '127.0.0.1');
  server.keepAliveTimeout = 0; // A busy machine may let a call wait for longer than the default, 5 s.
  const folder = mkdtempSync(require('os').tmpdir() + '/http-trace-hook-');
  process.on('exit', () => require('fs').rmSync(folder, { recursive: true }));
  const inFile = (text) => { writeFileSync(folder + '/own.js', text); return require(folder + '/own.js'); };
  const own = inFile('exports.get = (url, then) => require("http").get(url, (m) => m.resume().on("end", then));');
  server.on('listening', () => main('http://127.0.0.1:' + server.address().port, () => server.close()));
`;

describe('in Node.js', () => {
  it('reports the line of a call, and nothing more once it is removed', async () => {
    const { output, findings } = await run(
      'node',
      `eval(process.env.HOOK);${SERVER}
      function main(url, end) {
        own.get(url + '/one?secret=1', () => { eval(process.env.REMOVE); own.get(url + '/two', () => {
          console.log(process[Symbol.for('http-trace.source')], http.ClientRequest.prototype._implicitHeader.toString().includes('guarded'));
          end(); server.closeAllConnections(); }); });
      }`,
    );
    expect(output).toBe('undefined false');
    expect(findings.map(({ method, path, session }) => [method, path, session])).toEqual([
      ['GET', '/one', 'it'],
    ]);
    expect(findings[0]?.frames[0]).toMatchObject({ line: 1 });
    expect(findings[0]?.frames[0]?.path).toMatch(/own\.js$/);
  });

  it.each([
    ['frozen intrinsics', ['--frozen-intrinsics', '--no-warnings'], ''],
    ['a stack format of its own', [], 'Error.prepareStackTrace = () => { throw new Error("mine"); };'],
    ['no limit of stacks', [], 'Error.stackTraceLimit = 0;'],
    ['nobody who reads', [], 'require("fs").unlinkSync(process.env.PIPE);'],
    ['no diagnostics_channel', [], 'process.getBuiltinModule = () => { throw new Error("none"); };'],
  ])('does no harm: %s', async (_, options, before) => {
    const { output } = await run(
      'node',
      `const limit = () => [Error.stackTraceLimit, Object.hasOwn(Error, 'prepareStackTrace')].join();
      ${before} const earlier = limit(); eval(process.env.HOOK); ${SERVER}
      function main(url, end) { own.get(url + '/one', () => { console.log('done', earlier === limit()); end(); server.closeAllConnections(); }); }`,
      options,
    );
    expect(output).toBe('done true');
  });

  // Node.js 20 loads modules for HTTP/2 that ask whether stderr is a terminal.
  it.each([process.execPath, ...(existsSync(NODE_20) ? [NODE_20] : [])])(
    'HTTP/2 by a function that is imported by its name: %s',
    async (node) => {
      const { output, findings } = await run(
        'node',
        `(0, eval)(process.env.HOOK);
        const { connect, createServer } = await import('node:http2');
        const server = createServer((_, answer) => answer.end('ok')).listen(0, '127.0.0.1', () => {
          const session = connect('http://127.0.0.1:' + server.address().port);
          session.request({ ':path': '/one' }).resume().on('close', () => {
            session.request({ ':path': '/two' }).resume().on('close', () => { session.close(); server.close(); });
          });
        });`,
        ['--input-type=module'],
        node,
      );
      expect(output).toBe('');
      expect(findings.map(({ stream, path }) => [stream, path])).toEqual([
        [1, '/one'],
        [3, '/two'],
      ]);
    },
  );

  it('an ES module, which has no require', async () => {
    const { findings } = await run(
      'node',
      `import { get, createServer } from 'node:http'; (0, eval)(process.env.HOOK);
      const server = createServer((_, answer) => answer.end('ok')).listen(0, '127.0.0.1', () =>
        get('http://127.0.0.1:' + server.address().port + '/one', (m) => m.resume().on('end', () => {
          server.close(); server.closeAllConnections(); })));`,
      ['--input-type=module'],
    );
    expect(findings.map(({ path }) => path)).toEqual(['/one']);
  });

  it.each(['bun', 'deno'])('is not installed under %s', async (name) => {
    const { output } = await run(
      'node',
      `Object.defineProperty(process, 'versions', { value: { ...process.versions, ${name}: '1' } });
      eval(process.env.HOOK); console.log(process[Symbol.for('http-trace.source')]);`,
    );
    expect(output).toBe('undefined');
  });

  it.each([process.execPath, ...(existsSync(NODE_20) ? [NODE_20] : [])])(
    'comes into a worker thread that waits for its debugger: %s',
    async (node) => {
      const hook = await installing(folder, 'node', { pipe: '/nowhere', session: 'it' });
      // As js-debug does it, with node:inspector in the place of its connection.
      const main = `
        const { Session } = require('inspector'); const { Worker } = require('worker_threads');
        const session = new Session(); session.connect();
        session.on('NodeWorker.attachedToWorker', ({ params: { sessionId } }) => {
          let id = 0;
          for (const [method, params] of [['Runtime.enable'], ['Runtime.evaluate', { expression: process.env.HOOK }], ['Runtime.runIfWaitingForDebugger']])
            session.post('NodeWorker.sendMessageToWorker', { sessionId, message: JSON.stringify({ id: ++id, method, params }) });
        });
        session.post('NodeWorker.enable', { waitForDebuggerOnStart: true }, () =>
          new Worker('console.log(process[Symbol.for("http-trace.source")] !== undefined, process.stderr !== undefined)', { eval: true }));`;
      const { stdout } = await promisify(execFile)(node, ['-e', main], {
        env: { ...process.env, NODE_OPTIONS: '', HOOK: hook },
      });
      expect(stdout.trim()).toBe('true true');
    },
  );

  it('takes no stacks beyond 1,000 calls a second', async () => {
    const { output, findings } = await run(
      'node',
      `process.hrtime.bigint = () => 5_000_000_000n;
      let stacks = 0; const capture = Error.captureStackTrace;
      Error.captureStackTrace = (...given) => { if (given[1]?.name === 'stack') stacks++; capture(...given); };
      eval(process.env.HOOK);${SERVER}
      let left = 1_100; const AT_ONCE = 20;
      function main(url, end) {
        let running = AT_ONCE;
        const next = () => left-- > 0 ? own.get(url + '/one', next)
          : --running === 0 && (console.log(stacks >= 1_000 && stacks <= 1_000 + AT_ONCE), end(), server.closeAllConnections());
        for (let index = 0; index < AT_ONCE; index++) next();
      }`,
    );
    expect(output).toBe('true');
    expect(findings.length).toBeLessThanOrEqual(1_000);
  });

  it('contains no word that makes js-debug rewrite it', async () => {
    expect(await installing(folder, 'node', { pipe: '/p', session: 's' })).not.toContain('await');
  });
});

const hasPython = (() => {
  try {
    return execFileSync('python3', ['--version']).length > 0;
  } catch {
    return false;
  }
})();

describe.skipIf(!hasPython)('in Python', () => {
  const SERVE = `
import os, threading, http.server, sys
class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_GET(self):
        self.send_response(204)
        self.end_headers()
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Answer)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = 'http://127.0.0.1:%d' % server.server_address[1]
import urllib.request
exec(compile("def call(path):\\n    urllib.request.urlopen(url + path).read()", "/own/call.py", "exec"))
`;

  it('reports the line of a call, and nothing more once it is removed', async () => {
    const { output, findings } = await run(
      'python',
      `${SERVE}
exec(os.environ['HOOK'])
call('/one?secret=1')
eval(os.environ['REMOVE'])
call('/two')
print('_http_trace_source' in sys.modules, hasattr(http.client.HTTPConnection.endheaders, '__wrapped__'), len(sys.meta_path))`,
    );
    expect(output).toMatch(/^False False \d+$/);
    expect(findings.map(({ method, path }) => [method, path])).toEqual([['GET', '/one']]);
    const frame = findings[0]?.frames.find(({ path }) => path === '/own/call.py');
    expect(frame).toMatchObject({ line: 2, function: 'call' });
  });

  it('does no harm if the pipe has no reader', async () => {
    const { output } = await run(
      'python',
      `${SERVE}
os.unlink(os.environ['PIPE'])
exec(os.environ['HOOK'])
call('/one')
print('done', '_http_trace_source' in sys.modules)`,
    );
    expect(output).toBe('done False');
  });
});

it('is there for programs of these debuggers only', () => {
  expect(runtimeOf('pwa-node', true)).toBe('node');
  expect(runtimeOf('pwa-node', false)).toBeNull();
  expect(runtimeOf('debugpy', false)).toBe('python');
  expect(runtimeOf('pwa-chrome', true)).toBeNull();
  expect(runtimeOf('go', false)).toBeNull();
});
