// Starts the real adapters of Debian's packages, each as its own VS Code extension does.
const { spawn } = require('node:child_process');
const { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const vscode = require('vscode');

/** Of a server to listen, in milliseconds, on a busy machine. */
const LISTEN_TIMEOUT = 20_000;

exports.activate = (context) => {
  const started = [];
  const folders = [];
  /** dlv builds its program there under a fixed name, and removes it when it ends: the next dlv may have built its own by then. */
  const newFolder = () => {
    const folder = mkdtempSync(join(tmpdir(), 'http-trace-adapter-'));
    folders.push(folder);
    return folder;
  };
  const factory = (type, create) =>
    context.subscriptions.push(
      vscode.debug.registerDebugAdapterDescriptorFactory(type, { createDebugAdapterDescriptor: create }),
    );
  const server = async (session, command, args) => {
    const { program, cwd, env } = session.configuration;
    // Copied here from scripts/.
    const { freePort } = await import('./freePort.mjs');
    const port = await freePort();
    const folder = newFolder();
    // A file: a pipe would break when the extension host is killed.
    const errors = join(folder, 'stderr');
    const descriptor = openSync(errors, 'w');
    const child = spawn(command, args(port, program), {
      cwd: cwd ?? folder,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', descriptor],
    });
    closeSync(descriptor);
    child.once('exit', (code) => {
      if (code === null || code === 0 || !existsSync(errors)) return;
      console.log(`[suite] ${command} ended with ${code}: ${readFileSync(errors, 'utf8').slice(-500)}`);
    });
    started.push(child);
    await listening(port, child, errors);
    return new vscode.DebugAdapterServer(port, '127.0.0.1');
  };
  factory('debugpy', ({ configuration: { connect } }) =>
    connect === undefined
      ? new vscode.DebugAdapterExecutable('/usr/bin/python3', ['-m', 'debugpy.adapter'])
      : new vscode.DebugAdapterServer(connect.port, connect.host),
  );
  // debugpy asks for a session for each child process.
  context.subscriptions.push(
    vscode.debug.onDidReceiveDebugSessionCustomEvent(({ session, event, body }) => {
      if (event !== 'debugpyAttach') return;
      void vscode.debug.startDebugging(undefined, { ...body, type: 'debugpy' }, { parentSession: session });
    }),
  );
  factory('lldb-dap', (session) => new vscode.DebugAdapterExecutable(session.configuration.adapter));
  // dlv looks for its client in /proc/net/tcp, and does not find it behind line 9999 (1.20.2): then it ends without an error.
  // Other suites open that many sockets at the same time.
  factory('go', (session) =>
    server(session, 'dlv', (port) => ['dap', `--listen=127.0.0.1:${port}`, '--only-same-user=false']),
  );
  factory('rdbg', (session) =>
    server(session, 'ruby', (port, program) => [
      exports.rdbg(),
      '--open',
      '--host=127.0.0.1',
      `--port=${port}`,
      program,
    ]),
  );
  factory('lying', () => new vscode.DebugAdapterInlineImplementation(new LyingAdapter()));
  context.subscriptions.push({
    dispose() {
      for (const child of started) child.kill();
      for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    },
  });
};

/** Debugs nothing, and says of its process what the configuration's `events` are. */
class LyingAdapter {
  #sent = new vscode.EventEmitter();
  onDidSendMessage = this.#sent.event;

  handleMessage(message) {
    const { seq, command, arguments: given } = message;
    this.#sent.fire({ seq: 0, type: 'response', request_seq: seq, command, success: true, body: {} });
    if (command === 'initialize') this.#sent.fire({ seq: 0, type: 'event', event: 'initialized' });
    if (command !== 'launch' && command !== 'attach') return;
    for (const body of given.events) this.#sent.fire({ seq: 0, type: 'event', event: 'process', body });
  }

  dispose() {
    this.#sent.dispose();
  }
}

/** Debian's Ruby brings it without a command in PATH. */
exports.rdbg = () =>
  ['3.1.0/gems/debug-1.4.0', '3.3.0/gems/debug-1.9.2']
    .map((gem) => `/usr/lib/ruby/gems/${gem}/exe/rdbg`)
    .find((path) => existsSync(path));

/** rdbg takes the first connection for its client: only the kernel's list of listening sockets is looked at. */
async function listening(port, child, errors) {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A`;
  const deadline = Date.now() + LISTEN_TIMEOUT;
  while (!readFileSync('/proc/net/tcp', 'utf8').includes(wanted)) {
    const { exitCode, signalCode, spawnfile } = child;
    if (exitCode !== null || signalCode !== null || Date.now() > deadline) {
      const said = readFileSync(errors, 'utf8').slice(-500);
      throw new Error(`${spawnfile} does not listen (${exitCode ?? signalCode ?? 'it runs'}): ${said}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
