# What HTTP Trace evaluates in a Python program that is being debugged, if its user has agreed: it reports which line
# made an HTTP call. It changes no argument and no result, and whatever goes wrong in it is silent.
#
# `settings` is given: the pipe that the extension reads, and the session that this program belongs to.
def _http_trace_source(settings):
    import functools
    import json
    import os
    import sys
    import time

    KEY = "_http_trace_source"
    # Stack frames that are reported, and characters of a name.
    MAX_FRAMES = 40
    MAX_NAME = 400
    # A write of no more than this is not mixed with those of other processes (PIPE_BUF).
    MAX_LINE = 4000
    # Calls a second that are reported; more would cost the program too much.
    MAX_RATE = 1000

    known = sys.modules.get(KEY)
    if known is not None:
        known.settings = settings
        return

    # A module, as other code goes through sys.modules and expects modules.
    hook = type(sys)(KEY)
    hook.settings = settings
    hook.second = 0
    hook.reported = 0
    undo = []
    monotonic_ns, getpid = time.monotonic_ns, os.getpid
    get_frame, dumps = sys._getframe, json.dumps
    os_open, os_write, os_close = os.open, os.write, os.close
    mode = os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC

    def remove():
        for one in undo:
            try:
                one()
            except Exception:
                pass
        del undo[:]
        sys.modules.pop(KEY, None)

    hook.remove = remove
    sys.modules[KEY] = hook

    def report(at, port, method, path, frames):
        second = at // 1000000000
        if second != hook.second:
            hook.second, hook.reported = second, 0
        hook.reported += 1
        if hook.reported > MAX_RATE or not port or not frames:
            return
        count = len(frames)
        while count > 0:
            line = dumps(
                {
                    "session": hook.settings["session"],
                    "pid": getpid(),
                    "at": at / 1e6,
                    "port": port,
                    "stream": 0,
                    "method": method,
                    "path": path,
                    "frames": frames[:count],
                }
            ).encode() + b"\n"
            if len(line) <= MAX_LINE:
                break
            count = count * 7 // 10
        else:
            return
        try:
            # Not kept open: a daemon may close unknown descriptors, and then the number belongs to another file.
            fd = os_open(hook.settings["pipe"], mode)
        except OSError:
            remove()  # Nobody reads any more.
            return
        try:
            os_write(fd, line)
        finally:
            os_close(fd)

    def text(value):
        if isinstance(value, bytes):
            value = value.decode("latin-1")
        return value[:MAX_NAME] if isinstance(value, str) else ""

    # A query may hold anything, and is not needed.
    def path_of(value):
        return text(value).split("?", 1)[0]

    # Frames from the caller of the function that is called, the innermost first. Empty when the limit of this second is
    # reached.
    def stack():
        if hook.reported >= MAX_RATE and monotonic_ns() // 1000000000 == hook.second:
            return []
        frame = get_frame(2)
        frames = []
        while frame is not None and len(frames) < MAX_FRAMES:
            code = frame.f_code
            if not code.co_filename.startswith("<"):
                frames.append([code.co_filename[:MAX_NAME], frame.f_lineno, 0, code.co_name[:MAX_NAME]])
            frame = frame.f_back
        return frames

    def port_of(socket):
        name = socket.getsockname()
        return name[1] if isinstance(name, tuple) else 0

    def replace(holder, name, make):
        original = holder.__dict__[name]
        value = functools.wraps(original)(make(original))
        setattr(holder, name, value)

        def restore():
            if holder.__dict__.get(name) is value:
                setattr(holder, name, original)

        undo.append(restore)

    # http.client, and so urllib, urllib3 and requests.
    def http_client(module):
        def putrequest(original):
            def wrapper(self, method, url, *args, **kwargs):
                result = original(self, method, url, *args, **kwargs)
                try:
                    self._http_trace = (text(method), path_of(url))
                except Exception:
                    pass
                return result

            return wrapper

        def endheaders(original):
            def wrapper(self, *args, **kwargs):
                at, frames = 0, []
                try:
                    at, frames = monotonic_ns(), stack()
                except Exception:
                    pass
                result = original(self, *args, **kwargs)
                try:
                    method, path = self.__dict__.pop("_http_trace", ("", ""))
                    report(at, port_of(self.sock), method, path, frames)
                except Exception:
                    pass
                return result

            return wrapper

        replace(module.HTTPConnection, "putrequest", putrequest)
        replace(module.HTTPConnection, "endheaders", endheaders)

    def aiohttp(module):
        def send(original):
            async def wrapper(self, conn, *args, **kwargs):
                try:
                    name = conn.transport.get_extra_info("sockname")
                    port = name[1] if isinstance(name, tuple) else 0
                    report(monotonic_ns(), port, text(self.method), path_of(self.url.raw_path), stack())
                except Exception:
                    pass
                return await original(self, conn, *args, **kwargs)

            return wrapper

        replace(module.ClientRequest, "send", send)

    # Of httpcore, and so httpx.
    def report_httpcore(connection, request):
        socket = connection._network_stream.get_extra_info("socket")
        target = request.url.target
        report(monotonic_ns(), port_of(socket), text(request.method), path_of(target), stack()[1:])

    def httpcore(module):
        def handle(original):
            def wrapper(self, request, *args, **kwargs):
                try:
                    report_httpcore(self, request)
                except Exception:
                    pass
                return original(self, request, *args, **kwargs)

            return wrapper

        replace(module.HTTP11Connection, "handle_request", handle)

    def httpcore_async(module):
        def handle(original):
            async def wrapper(self, request, *args, **kwargs):
                try:
                    report_httpcore(self, request)
                except Exception:
                    pass
                return await original(self, request, *args, **kwargs)

            return wrapper

        replace(module.AsyncHTTP11Connection, "handle_async_request", handle)

    modules = {
        "http.client": http_client,
        "aiohttp.client_reqrep": aiohttp,
        "httpcore._sync.http11": httpcore,
        "httpcore._async.http11": httpcore_async,
    }

    def take(name, module):
        try:
            modules[name](module)
        except Exception:
            pass

    # Most programs import these later: the modules are changed as soon as they are there.
    class Finder:
        def find_spec(self, name, path=None, target=None):
            if name not in modules:
                return None
            for finder in sys.meta_path:
                if finder is self or not hasattr(finder, "find_spec"):
                    continue
                spec = finder.find_spec(name, path, target)
                if spec is None:
                    continue
                try:
                    loader = spec.loader
                    execute = loader.exec_module

                    def exec_module(module):
                        try:
                            del loader.exec_module
                        except Exception:
                            pass
                        execute(module)
                        take(name, module)

                    loader.exec_module = exec_module
                except Exception:
                    pass
                return spec
            return None

    finder = Finder()
    sys.meta_path.insert(0, finder)
    undo.append(lambda: sys.meta_path.remove(finder))
    for name in modules:
        if name in sys.modules:
            take(name, sys.modules[name])


try:
    _http_trace_source(settings)  # noqa: F821
except Exception:
    pass
