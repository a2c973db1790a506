"""A server that reports what it received and sent. Usage: server.py http.server|aiohttp HOST

Writes {port, pid} first, then a line for each exchange. Ends when its standard input ends.
"""
import asyncio
import hashlib
import json
import os
import secrets
import socket
import sys
import threading
import time


def sha(data):
    return hashlib.sha256(data).hexdigest()


def write(line):
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def say(method, path, trace_id, status, answer, received, sent, started):
    write(
        {
            "side": "server",
            "pid": os.getpid(),
            "id": trace_id,
            "method": method,
            "path": path,
            "status": status,
            "answer": answer,
            "requestSize": len(received),
            "requestSha": sha(received),
            "responseSize": len(sent),
            "responseSha": sha(sent),
            "localPort": None,
            "ms": (time.monotonic() - started) * 1000,
        }
    )


def end_with_input():
    def wait():
        sys.stdin.read()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def with_http_server(host):
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            started = time.monotonic()
            received = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            token = secrets.token_hex(12)
            sent = json.dumps({"answer": token, "got": sha(received)}).encode()
            self.send_response(203)
            self.send_header("X-Answer", token)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(sent)
            else:
                sent = b""
            say(self.command, self.path, self.headers["X-Trace-Id"], 203, token, received, sent, started)

        do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = answer

        def log_message(self, *_):
            pass

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

    server = Server((host, 0), Handler)
    write({"port": server.server_address[1], "pid": os.getpid()})
    server.serve_forever()


async def with_aiohttp(host):
    from aiohttp import web

    async def answer(request):
        started = time.monotonic()
        received = await request.read()
        token = secrets.token_hex(12)
        sent = json.dumps({"answer": token, "got": sha(received)}).encode()
        response = web.Response(status=202, body=sent, headers={"X-Answer": token})
        await response.prepare(request)
        await response.write_eof()
        sent = b"" if request.method == "HEAD" else sent
        say(request.method, request.raw_path, request.headers.get("X-Trace-Id"), 202, token, received, sent, started)
        return response

    app = web.Application(client_max_size=1 << 30)
    app.router.add_route("*", "/{tail:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, host, 0).start()
    write({"port": runner.addresses[0][1], "pid": os.getpid()})
    await asyncio.Event().wait()


end_with_input()
if sys.argv[1] == "http.server":
    with_http_server(sys.argv[2])
else:
    asyncio.run(with_aiohttp(sys.argv[2]))
