import { describe, expect, test } from 'vitest';
import {
  clueFromAdapter,
  clueFromConfiguration,
  clueFromEditor,
  clueFromName,
  debuggerName,
  isBegun,
  isBrowser,
  isRemote,
  isRestarting,
  isTerminated,
  momentOf,
  question,
  terminalCommand,
} from './debuggee.ts';

const event = (name: string, body: unknown) => ({ type: 'event', seq: 1, event: name, body });

describe('messages of adapters', () => {
  test('process: debugpy, delve, cpptools, GDB, .NET', () => {
    const message = event('process', { name: 'a.py', systemProcessId: 4242, startMethod: 'launch' });
    expect(clueFromAdapter('debugpy', message)).toEqual({ kind: 'process', pid: 4242 });
  });

  test('process on another machine', () => {
    const message = event('process', { name: 'a', systemProcessId: 4242, isLocalProcess: false });
    expect(clueFromAdapter('lldb-dap', message)).toEqual({ kind: 'remote' });
  });

  test('process without an id is ignored', () => {
    expect(clueFromAdapter('go', event('process', { name: 'a' }))).toBeNull();
    expect(clueFromAdapter('go', event('process', { systemProcessId: 0 }))).toBeNull();
  });

  test("Java's processid, with and without the process itself", () => {
    const both = event('processid', { processId: 7, shellProcessId: 6 });
    const shellOnly = event('processid', { processId: 0, shellProcessId: 6 });
    expect(clueFromAdapter('java', both)).toEqual({ kind: 'process', pid: 7 });
    expect(clueFromAdapter('java', shellOnly)).toEqual({ kind: 'shell', pid: 6 });
  });

  test("CodeLLDB's console output, and that of no other adapter", () => {
    const message = event('output', { category: 'console', output: "Launched process 4242 from '/a/b'\n" });
    expect(clueFromAdapter('lldb', message)).toEqual({ kind: 'process', pid: 4242 });
    expect(clueFromAdapter('pwa-node', message)).toBeNull();
  });

  test('the answer to runInTerminal', () => {
    const answer = (body: unknown) => ({ type: 'response', command: 'runInTerminal', success: true, body });
    expect(clueFromEditor(answer({ shellProcessId: 10 }))).toEqual({ kind: 'shell', pid: 10 });
    expect(clueFromEditor(answer({ processId: 11, shellProcessId: 10 }))).toEqual({
      kind: 'process',
      pid: 11,
    });
    expect(clueFromEditor({ type: 'response', command: 'threads', body: { processId: 11 } })).toBeNull();
  });

  test.each([
    null,
    1,
    'x',
    [],
    {},
    { type: 'event' },
    event('process', null),
    event('process', { systemProcessId: '1; rm' }),
    event('process', { systemProcessId: 1.5 }),
    event('process', { systemProcessId: 4_194_305 }),
    event('output', { output: 7 }),
  ])('says nothing of %j', (message) => {
    expect(clueFromAdapter('lldb', message)).toBeNull();
    expect(clueFromEditor(message)).toBeNull();
  });
});

test('a program is launched when its adapter says so, after it was built', () => {
  const answer = (command: string, success = true) => ({ type: 'response', command, success });
  expect(['launch', 'attach'].map((command) => isBegun(answer(command)))).toEqual([true, true]);
  expect(isBegun(answer('launch', false)) || isBegun(answer('initialize'))).toBe(false);
  expect(isBegun({ type: 'request', command: 'launch' }) || isBegun(null)).toBe(false);
});

describe('names and configurations', () => {
  test('js-debug: the name of a child session', () => {
    expect(clueFromName('pwa-node', 'Shop: both.js [4242]')).toEqual({ kind: 'process', pid: 4242 });
    expect(clueFromName('pwa-node', 'Shop [x]')).toBeNull();
    // A name that the user has given.
    expect(clueFromName('debugpy', 'Shop [4242]')).toBeNull();
  });

  test('attach by process id, as number or as text', () => {
    expect(clueFromConfiguration({ request: 'attach', processId: '42' })).toEqual({
      kind: 'process',
      pid: 42,
    });
    expect(clueFromConfiguration({ request: 'attach', pid: 42 })).toEqual({ kind: 'process', pid: 42 });
    expect(clueFromConfiguration({ request: 'attach', processId: 'ask' })).toBeNull();
  });

  test.each([
    [{ request: 'attach', address: 'build.example', port: 9229 }, true],
    [{ request: 'attach', connect: { host: '10.0.0.7', port: 5678 } }, true],
    [{ request: 'attach', mode: 'remote', host: '10.0.0.7' }, true],
    [{ request: 'attach', hostName: 'java.example' }, true],
    [{ request: 'attach', address: 'localhost', port: 9229 }, false],
    [{ request: 'attach', connect: { host: '::1', port: 5678 } }, false],
    [{ request: 'attach', processId: 42 }, false],
    [{ request: 'launch', host: 'served.example' }, false],
  ])('%j is remote: %j', (configuration, remote) => {
    expect(isRemote(configuration)).toBe(remote);
  });

  test('browsers', () => {
    expect(isBrowser('pwa-chrome')).toBe(true);
    expect(isBrowser('pwa-node')).toBe(false);
  });
});

describe('questions to the debuggee', () => {
  test('js-debug answers in child sessions only', () => {
    expect(question('pwa-node', false)).toBeNull();
    expect(question('pwa-node', true)?.read("'4242 1'")).toEqual({ pid: 4242, parent: 1 });
  });

  test('an answer of another shape is ignored', () => {
    for (const answer of ['undefined', '', 'ReferenceError: process is not defined', '1', '1 2 3']) {
      expect(question('pwa-node', true)?.read(answer)).toBeNull();
    }
  });

  test('other adapters are not asked', () => {
    expect(question('go', false)).toBeNull();
  });
});

describe('adapters that do not report their process', () => {
  test('when there is one to find', () => {
    expect(momentOf(event('initialized', undefined))).toBe('started');
    expect(momentOf(event('stopped', { threadId: 1 }))).toBe('started');
    expect(momentOf({ type: 'response', command: 'launch', success: true })).toBe('started');
    expect(momentOf({ type: 'response', command: 'launch', success: false })).toBeNull();
    expect(momentOf({ type: 'response', command: 'restart', success: true })).toBe('replaced');
    expect(momentOf({ type: 'request', command: 'restart' })).toBeNull();
    expect(momentOf(null)).toBeNull();
  });

  test('a restart in the same session', () => {
    const request = { type: 'request', command: 'disconnect', arguments: { restart: true } };
    expect(isRestarting(request)).toBe(true);
    expect(isRestarting({ ...request, command: 'terminate' })).toBe(true);
    expect(isRestarting({ ...request, arguments: { restart: false } })).toBe(false);
    expect(isRestarting({ ...request, command: 'launch' })).toBe(false);
  });

  test('what a terminal is to start', () => {
    const request = { type: 'request', command: 'runInTerminal', arguments: { args: ['node', 'a.js'] } };
    expect(terminalCommand(request)).toEqual(['node', 'a.js']);
    expect(terminalCommand({ ...request, arguments: { args: [1] } })).toEqual([]);
    expect(terminalCommand({ ...request, type: 'response' })).toBeNull();
    expect(terminalCommand('runInTerminal')).toBeNull();
  });

  test('which debugger traces them', () => {
    expect(debuggerName('go')?.test('dlv')).toBe(true);
    expect(debuggerName('lldb-dap')?.test('lldb-server')).toBe(true);
    expect(debuggerName('pwa-node')).toBeNull();
  });
});

describe('the end of a session', () => {
  test('is what its adapter says, unless VS Code is to start it again', () => {
    const event = { type: 'event', event: 'terminated' };
    expect(isTerminated(event)).toBe(true);
    expect(isTerminated({ ...event, body: {} })).toBe(true);
    expect(isTerminated({ ...event, body: { restart: false } })).toBe(true);
    expect(isTerminated({ ...event, body: { restart: { port: 1 } } })).toBe(false);
    expect(isTerminated({ ...event, event: 'exited' })).toBe(false);
    expect(isTerminated(null)).toBe(false);
  });
});
