/**
 * What HTTP Trace evaluates in a Node.js program that is being debugged, if its user has agreed: it reports which line
 * made an HTTP call. It changes no argument and no result, and ignores its own errors.
 *
 * It is one expression that needs nothing around it, in the syntax of old releases. js-debug rewrites an
 * expression that contains the word `await`, even in a comment. So it occurs only here; the extension cuts this comment off.
 */
// biome-ignore lint/correctness/noUnusedVariables: the extension wraps it in a call.
function httpTraceSource(settings) {
  const KEY = Symbol.for('http-trace.source');
  /** Stack frames that are reported, and characters of a name. */
  const MAX_FRAMES = 40;
  const MAX_NAME = 400;
  /** A write of no more than this is not mixed with those of other processes (PIPE_BUF). */
  const MAX_LINE = 4_000;
  /** Calls a second that are reported; more would cost the program too much. */
  const MAX_RATE = 1_000;

  if (typeof process !== 'object' || process.versions.node === undefined) return;
  if (process.versions.bun !== undefined || process.versions.deno !== undefined) return;
  if (process[KEY] !== undefined) {
    process[KEY].settings = settings;
    return;
  }
  const loadNow = process.getBuiltinModule || (typeof require === 'function' ? require : null);
  if (loadNow === null) return;
  const [major, minor] = process.versions.node.split('.').map(Number);
  const channels = load('diagnostics_channel');
  const http = load('http');
  // Kept, because tests of the program may replace them.
  const { openSync, writeSync, closeSync, constants } = load('fs');
  const { bigint } = process.hrtime;
  const MODE = constants.O_WRONLY | constants.O_NONBLOCK;
  const undo = [];
  const hook = { settings, remove, removed: false };
  Object.defineProperty(process, KEY, { value: hook, configurable: true });

  /**
   * A worker thread that waits for its debugger has no streams yet. Modules that look for colours while they are loaded ask for
   * stderr, and that would end the process.
   */
  function load(name) {
    const stderr = Object.getOwnPropertyDescriptor(process, 'stderr');
    if (stderr === undefined || stderr.get === undefined || !stderr.configurable) return loadNow(name);
    try {
      Object.defineProperty(process, 'stderr', { value: { isTTY: false }, configurable: true });
      return loadNow(name);
    } finally {
      Object.defineProperty(process, 'stderr', stderr);
    }
  }

  let second = 0;
  let reported = 0;
  /** Nothing more is reported in this second: not even a stack is captured. */
  const isFull = () => reported >= MAX_RATE && Math.floor(monotonic() / 1_000) === second;
  function report(now, port, stream, method, path, frames) {
    if (Math.floor(now / 1_000) !== second) {
      second = Math.floor(now / 1_000);
      reported = 0;
    }
    if (++reported > MAX_RATE || !(port > 0) || hook.removed) return;
    const fields = { session: hook.settings.session, pid: process.pid, at: now, port, stream, method, path };
    let line = '';
    // The frames nearest to the call matter most.
    for (let count = frames.length; count > 0; count = Math.floor(count * 0.7)) {
      line = `${JSON.stringify({ ...fields, frames: frames.slice(0, count) })}\n`;
      if (Buffer.byteLength(line) <= MAX_LINE) break;
      line = '';
    }
    if (line === '') return;
    let fd = null;
    try {
      // Not kept open: a program may close unknown descriptors, and then the number belongs to another file.
      fd = openSync(hook.settings.pipe, MODE);
      writeSync(fd, line);
    } catch (error) {
      // If the pipe is full, this one is lost; if it cannot be opened, there is no reader any more.
      if (error.code !== 'EAGAIN') remove();
    } finally {
      if (fd !== null) closeSync(fd);
    }
  }

  function guarded(work) {
    try {
      return work();
    } catch {
      return undefined;
    }
  }

  /** Milliseconds, of CLOCK_MONOTONIC. */
  const monotonic = () => Number(bigint()) / 1e6;
  const short = (text) => (typeof text === 'string' ? text.slice(0, MAX_NAME) : '');
  /** A query may hold anything, and is not needed. */
  const pathOf = (text) => short(text).split('?', 1)[0];

  /** The program's frames, the innermost first: those of Node before them are left out. */
  function stack() {
    const own = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace');
    const limit = Error.stackTraceLimit;
    const holder = {};
    try {
      Error.prepareStackTrace = (_, sites) => sites;
      Error.stackTraceLimit = 2 * MAX_FRAMES;
      Error.captureStackTrace(holder, stack);
      const sites = holder.stack;
      if (!Array.isArray(sites)) return [];
      const frames = sites.map((site) => [
        short(site.getFileName()),
        site.getLineNumber() || 0,
        site.getColumnNumber() || 0,
        short(site.getFunctionName()),
      ]);
      const first = frames.findIndex(([file]) => file !== '' && !file.startsWith('node:') && !isOurs(file));
      return first < 0 ? [] : frames.slice(first, first + MAX_FRAMES);
    } finally {
      if (own === undefined) delete Error.prepareStackTrace;
      else Object.defineProperty(Error, 'prepareStackTrace', own);
      Error.stackTraceLimit = limit;
    }
  }
  // Text that a debugger evaluates has no file, or one that the debugger gives it.
  const isOurs = (file) => file.startsWith('<') || file.startsWith('eval-');

  function subscribe(name, listener) {
    const guardedListener = (message) => guarded(() => listener(message));
    // Old releases have no `diagnostics_channel.subscribe`, and collect a channel to which nothing refers.
    const channel = channels.channel(name);
    channel.subscribe(guardedListener);
    undo.push(() => channel.unsubscribe(guardedListener));
  }

  function replace(holder, name, make) {
    const own = Object.getOwnPropertyDescriptor(holder, name);
    if (own === undefined || typeof own.value !== 'function' || !(own.writable || own.configurable)) return;
    const value = make(own.value);
    Object.defineProperty(value, 'name', { value: own.value.name, configurable: true });
    Object.defineProperty(holder, name, { ...own, value });
    undo.push(() => {
      // Other code may have replaced it since.
      if (holder[name] === value) Object.defineProperty(holder, name, own);
    });
  }

  /** As soon as the socket has its address, and before it carries the request. */
  function whenConnected(socket, then) {
    if (socket.connecting) socket.prependOnceListener('connect', () => guarded(then));
    else then();
  }

  // Requests of node:http and node:https.
  const followed = new WeakSet();
  function follow(request) {
    if (followed.has(request)) return;
    followed.add(request);
    if (isFull()) return;
    const frames = stack();
    if (frames.length === 0) return;
    const { method, path } = request;
    const connected = (socket) =>
      whenConnected(socket, () =>
        report(monotonic(), socket.localPort, 0, short(method), pathOf(path), frames),
      );
    if (request.socket) connected(request.socket);
    else request.prependOnceListener('socket', (socket) => guarded(() => connected(socket)));
  }
  const announcesRequests = major > 23 || (major === 23 && minor >= 2) || (major === 22 && minor >= 12);
  if (announcesRequests) subscribe('http.client.request.created', ({ request }) => follow(request));
  else
    replace(
      http.ClientRequest.prototype,
      '_implicitHeader',
      (original) =>
        function () {
          guarded(() => follow(this));
          // biome-ignore lint/complexity/noArguments: whatever it is called with.
          return original.apply(this, arguments);
        },
    );

  // fetch, and the package undici.
  const stacks = new WeakMap();
  subscribe('undici:request:create', ({ request }) => {
    if (!isFull()) stacks.set(request, stack());
  });
  subscribe('undici:client:sendHeaders', ({ request, socket }) => {
    const frames = stacks.get(request) || [];
    if (frames.length > 0)
      report(monotonic(), socket.localPort, 0, short(request.method), pathOf(request.path), frames);
  });

  // HTTP/2.
  function followStream(stream, headers) {
    if (isFull()) return;
    const frames = stack();
    if (frames.length === 0) return;
    const ready = () => {
      const { socket } = stream.session;
      const { ':method': method = 'GET', ':path': path = '/' } = headers || {};
      report(monotonic(), socket.localPort, stream.id, short(method), pathOf(path), frames);
    };
    if (stream.pending) stream.prependOnceListener('ready', () => guarded(ready));
    else ready();
  }
  const announcesStreams = major > 23 || (major === 22 && minor >= 17);
  if (announcesStreams)
    subscribe('http2.client.stream.created', ({ stream, headers }) => followStream(stream, headers));
  else {
    const http2 = load('http2');
    let known = false;
    replace(
      http2,
      'connect',
      (original) =>
        function () {
          // biome-ignore lint/complexity/noArguments: whatever it is called with.
          const session = original.apply(this, arguments);
          guarded(() => {
            if (known) return;
            known = true;
            // The class of sessions is not exported: the first session shows it.
            replace(
              Object.getPrototypeOf(session),
              'request',
              (request) =>
                function (headers) {
                  // biome-ignore lint/complexity/noArguments: whatever it is called with.
                  const stream = request.apply(this, arguments);
                  guarded(() => followStream(stream, headers));
                  return stream;
                },
            );
          });
          return session;
        },
    );
    // For `import { connect } from 'node:http2'`.
    load('module').syncBuiltinESMExports();
  }

  function remove() {
    hook.removed = true;
    for (const one of undo.splice(0)) guarded(one);
    delete process[KEY];
  }
}
