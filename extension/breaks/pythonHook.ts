/**
 * Code executed in a Python program under debugpy. It wraps the functions that start a request in http.client (and so
 * urllib, urllib3 and requests), aiohttp and httpx, even if these are imported later.
 */
import type { HookBreak } from './nodeHook.ts';

/** Attribute of the module `sys` that holds the state. */
const STATE = '_http_trace_breaks';

/** Code that sets exactly these breaks. It raises an error if they cannot be set. */
export function pythonStatement(breaks: readonly HookBreak[], session: string): string {
  const given = base64(JSON.stringify({ breaks, session: session.toLowerCase() }));
  const decoded = (text: string) => `__import__('base64').b64decode('${text}')`;
  // One statement, executed in a namespace of its own: no name is left in the program's.
  return `exec(compile(${decoded(base64(PYTHON_HOOK))}, '<http-trace>', 'exec'), {'GIVEN': ${decoded(given)}})`;
}

/** What to evaluate after a stop; its value is JSON of a hit, or ''. */
export const PYTHON_HIT = `(lambda state: state.take() if state is not None else '')(getattr(__import__('sys'), '${STATE}', None))`;

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}

/** For Python 3.7 and later. */
const PYTHON_HOOK = `
import functools, importlib.machinery, json, os, sys, sysconfig, threading

def holds(condition, facts):
    if 'all' in condition:
        return all(holds(one, facts) for one in condition['all'])
    if 'any' in condition:
        return any(holds(one, facts) for one in condition['any'])
    if 'not' in condition:
        return not holds(condition['not'], facts)
    text, pieces = facts[condition['field']], condition['pieces']
    if len(pieces) == 1:
        return text == pieces[0]
    end = len(text) - len(pieces[-1])
    at = len(pieces[0])
    if end < at or not text.startswith(pieces[0]) or not text.endswith(pieces[-1]):
        return False
    for piece in pieces[1:-1]:
        found = text.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True

class State:
    def __init__(self, debugger):
        self.debugger = debugger
        self.breaks = []
        self.session = ''
        self.last = None
        self.undo = []
        paths = sysconfig.get_paths()
        self.library = tuple({os.path.join(paths[name], '') for name in ('stdlib', 'platstdlib', 'purelib', 'platlib')})

    def take(self):
        last, self.last = self.last, None
        self.forget()
        return '' if last is None else json.dumps(last)

    def forget(self):
        """Deletes the state, unless there are breaks or a hit that has not been read."""
        if not self.breaks and self.last is None and getattr(sys, '${STATE}', None) is self:
            delattr(sys, '${STATE}')

    def check(self, read):
        wanted = False
        try:
            wanted = self.breaks and self.debugger.is_attached() and self.is_wanted(*read())
        except Exception:
            pass
        if wanted:
            self.stop()

    def is_wanted(self, method, scheme, host, path):
        call = {'method': str(method), 'host': str(host), 'path': str(path)}
        facts = {name: value.lower() for name, value in call.items()}
        facts['scheme'] = scheme.lower()
        facts['session'] = self.session
        port = ':443' if facts['scheme'] == 'https' else ':80'
        if facts['host'].endswith(port):
            facts['host'] = facts['host'][:-len(port)]
        facts['route'] = facts['path'].split('?', 1)[0].split('#', 1)[0]
        facts['text'] = facts['method'] + ' ' + facts['host'] + facts['path']
        for one in self.breaks:
            if holds(one['condition'], facts):
                self.last = dict(call, id=one['id'])
                return True
        return False

    def is_own(self, file):
        return not (file.startswith(self.library) or file.startswith('<') or '-packages' + os.sep in file)

    def stop(self):
        try:
            from _pydevd_bundle.pydevd_comm_constants import CMD_SET_BREAK
            frame = first = sys._getframe(3)
            while frame is not None and not self.is_own(frame.f_code.co_filename):
                frame = frame.f_back
            thread = threading.current_thread()
            self.debugger.set_suspend(thread, CMD_SET_BREAK)
        except Exception:
            return
        self.debugger.do_wait_suspend(thread, frame or first, 'line', None)

    def wrap(self, owner, name, read):
        original = getattr(owner, name)
        @functools.wraps(original)
        def wrapped(*args, **kwargs):
            self.check(lambda: read(*args, **kwargs))
            return original(*args, **kwargs)
        setattr(owner, name, wrapped)
        def undo():
            if getattr(owner, name) is wrapped:
                setattr(owner, name, original)
        self.undo.append(undo)

    def patch(self, module):
        try:
            PATCHES[module.__name__](self, module)
        except Exception:
            pass

    def remove(self):
        for undo in reversed(self.undo):
            try:
                undo()
            except Exception:
                pass
        self.undo = []

def with_port(host, port, scheme):
    host = '[' + host + ']' if ':' in host else host
    return host if port in (None, 443 if scheme == 'https' else 80) else '%s:%s' % (host, port)

def of_http_client(connection, method, url, *args, **kwargs):
    scheme = 'https' if connection.default_port == 443 else 'http'
    host = getattr(connection, '_tunnel_host', None) or connection.host
    port = connection._tunnel_port if getattr(connection, '_tunnel_host', None) else connection.port
    if '://' in url:
        scheme, rest = url.split('://', 1)
        host, _, path = rest.partition('/')
        return method, scheme, host, '/' + path
    return method, scheme, with_port(host, port, scheme), url or '/'

def of_aiohttp(request, *args, **kwargs):
    url = request.url
    return request.method, url.scheme, with_port(url.raw_host, url.port, url.scheme), url.raw_path_qs

def of_httpx(client, request, *args, **kwargs):
    url = request.url
    return request.method, url.scheme, url.netloc.decode('ascii'), url.raw_path.decode('ascii')

def patch_httpx(state, module):
    state.wrap(module.Client, 'send', of_httpx)
    state.wrap(module.AsyncClient, 'send', of_httpx)

PATCHES = {
    'http.client': lambda state, module: state.wrap(module.HTTPConnection, 'putrequest', of_http_client),
    'aiohttp.client_reqrep': lambda state, module: state.wrap(module.ClientRequest, 'send', of_aiohttp),
    'httpx._client': patch_httpx,
}

class Finder:
    """Wraps the loader of a module that is to be patched, once it is imported."""
    def __init__(self, state):
        self.state = state

    def find_spec(self, name, path=None, target=None):
        if name not in PATCHES:
            return None
        try:
            spec = importlib.machinery.PathFinder.find_spec(name, path, target)
            execute = spec.loader.exec_module
        except Exception:
            return None
        def exec_module(module):
            execute(module)
            if self.state.breaks:
                self.state.patch(module)
        try:
            spec.loader.exec_module = exec_module
        except Exception:
            return None
        return spec

def set_breaks():
    given = json.loads(GIVEN.decode('utf-8'))
    state = getattr(sys, '${STATE}', None)
    if not given['breaks']:
        if state is not None:
            state.breaks = []
            state.remove()
            state.forget()
        return
    if state is None or not state.undo:
        import pydevd
        debugger = pydevd.get_global_debugger()
        if debugger is None:
            raise RuntimeError('the debugger was not found in the program')
        for name in ('is_attached', 'set_suspend', 'do_wait_suspend'):
            getattr(debugger, name)
        state = State(debugger)
        sys.${STATE} = state
        finder = Finder(state)
        sys.meta_path.insert(0, finder)
        state.undo.append(lambda: sys.meta_path.remove(finder))
        for name in PATCHES:
            if name in sys.modules:
                state.patch(sys.modules[name])
    state.session = given['session']
    state.breaks = given['breaks']

set_breaks()
`;
