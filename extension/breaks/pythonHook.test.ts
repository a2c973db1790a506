/** The hook in a real Python, with as much of pydevd's debugger as it asks for: it reports where it would stop. */
import { execFile, spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseCondition } from './parseCondition.ts';
import { PYTHON_HIT, pythonStatement } from './pythonHook.ts';

const run = promisify(execFile);
const PYTHON = '/usr/bin/python3';
const has = (module: string) => spawnSync(PYTHON, ['-c', `import ${module}`]).status === 0;
let received: string[] = [];
const server = createServer((request, response) => {
  received.push(request.url ?? '');
  response.end('ok');
});
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => server.close());

const breaks = (...lines: string[]) =>
  lines.map((line, index) => ({ id: index + 1, condition: parseCondition(line).condition! }));

/** Prints the function in which it stops, and the hit. */
const DEBUGGER = `
import sys, types
class Debugger:
    attached = True
    def is_attached(self): return self.attached
    def set_suspend(self, thread, reason): pass
    def do_wait_suspend(self, thread, frame, event, arg): print('stop in', frame.f_code.co_name, ${PYTHON_HIT})
pydevd = types.ModuleType('pydevd')
the_debugger = Debugger()
pydevd.get_global_debugger = lambda: the_debugger
sys.modules['pydevd'] = pydevd
constants = types.ModuleType('_pydevd_bundle.pydevd_comm_constants')
constants.CMD_SET_BREAK = 111
sys.modules['_pydevd_bundle'] = types.ModuleType('_pydevd_bundle')
sys.modules['_pydevd_bundle.pydevd_comm_constants'] = constants
`;

async function output(lines: string[], program: string, before = ''): Promise<string> {
  received = [];
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const script = `${DEBUGGER}\n${before}\n${pythonStatement(breaks(...lines), 'Shop')}\nHOST = '${address}'\n${program}`;
  const { writeFileSync, mkdtempSync, rmSync } = await import('node:fs');
  const folder = mkdtempSync('/tmp/http-trace-python-');
  try {
    writeFileSync(`${folder}/program.py`, script);
    const { stdout, stderr } = await run(PYTHON, [`${folder}/program.py`]);
    expect(stderr).toBe('');
    return stdout.trim().replaceAll(address, 'HOST');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const STOP = (path: string, method = 'GET') =>
  `stop in mine {"method": "${method}", "host": "HOST", "path": "${path}", "id": 1}`;

describe.runIf(has('http.client'))('the hook for Python', () => {
  test('http.client, imported before and after', async () => {
    const program = `
def mine():
    import http.client
    connection = http.client.HTTPConnection(HOST)
    connection.request('POST', '/Orders?a=1', 'x')
    connection.getresponse().read()
mine()`;
    expect(await output(['method:POST path:=/orders'], program)).toBe(STOP('/Orders?a=1', 'POST'));
    expect(await output(['path:/orders'], program, 'import http.client')).toBe(STOP('/Orders?a=1', 'POST'));
    expect(await output(['path:/other'], program)).toBe('');
    expect(received).toEqual(['/Orders?a=1']);
  });

  test('urllib: the frame is the program’s own', async () => {
    const program = `
import urllib.request
def mine():
    urllib.request.urlopen('http://' + HOST + '/u').read()
mine()`;
    expect(await output(['http://127.0.0.1'], program)).toBe(STOP('/u'));
  });

  test.runIf(has('aiohttp'))('aiohttp', async () => {
    const program = `
import aiohttp, asyncio
async def mine():
    async with aiohttp.ClientSession() as session:
        async with session.get('http://' + HOST + '/a?b=c') as answer:
            await answer.read()
asyncio.run(mine())`;
    expect(await output(['path:=/a'], program)).toBe(STOP('/a?b=c'));
  });

  test.runIf(has('requests'))('requests', async () => {
    const program = `
import requests
def mine():
    requests.get('http://' + HOST + '/r')
mine()`;
    expect(await output(['path:=/r'], program)).toBe(STOP('/r'));
  });

  test('without breaks everything is as before', async () => {
    const none = pythonStatement([], '');
    const program = `
import http.client
wrapped = http.client.HTTPConnection.putrequest
${none}
print(wrapped is http.client.HTTPConnection.putrequest, hasattr(sys, '_http_trace_breaks'), len(sys.meta_path))`;
    const finders = await run(PYTHON, ['-c', 'import sys; print(len(sys.meta_path))']);
    expect(await output(['path:*'], program)).toBe(`False False ${finders.stdout.trim()}`);
  });

  test('it does not stop when no debugger is connected, nor disturb when it cannot read a call', async () => {
    const call = `
import http.client
def mine(url):
    connection = http.client.HTTPConnection(HOST)
    connection.request('GET', url)
    print(connection.getresponse().status)
`;
    expect(await output(['path:*'], `${call}\nthe_debugger.attached = False\nmine('/')`)).toBe('200');
    const broken = `${call}\nthe_debugger.set_suspend = None\nmine('/')`;
    expect(await output(['path:*'], broken)).toBe('200');
  });

  test('it adds no name to the program', async () => {
    const program = 'print([name for name in globals() if name in ("State", "Finder", "GIVEN", "holds")])';
    expect(await output(['path:*'], program)).toBe('[]');
  });
});
