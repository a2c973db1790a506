"""A server: server.py http.server|asyncio|aiohttp FOLDER VERSION [mtls]; see ../plan.ts."""
import asyncio
import hashlib
import os
import ssl
import sys
import threading

kind, folder, version = sys.argv[1:4]
mtls = "mtls" in sys.argv[4:]


def context():
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(f"{folder}/cert.pem", f"{folder}/key.pem")
    exact = ssl.TLSVersion.TLSv1_2 if version == "1.2" else ssl.TLSVersion.TLSv1_3
    made.minimum_version = made.maximum_version = exact
    if mtls:
        made.load_verify_locations(f"{folder}/ca.pem")
        made.verify_mode = ssl.CERT_REQUIRED
    return made


def ready(port):
    print("ready", port, os.getpid(), flush=True)


def with_http_server():
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def body(self):
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = b""
            while True:
                length = int(self.rfile.readline(), 16)
                body += self.rfile.read(length)
                self.rfile.readline()
                if length == 0:
                    return body

        def serve(self):
            received = self.body()
            body = os.urandom(int(self.headers["X-Size"]))
            self.send_response(int(self.headers["X-Status"]))
            self.send_header("X-Answer", os.urandom(8).hex())
            self.send_header("X-Received", hashlib.sha256(received).hexdigest())
            if self.headers["X-Framing"] == "length":
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                return
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for at in range(0, len(body), 7_000):
                piece = body[at : at + 7_000]
                self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")

        do_GET = do_POST = do_PUT = serve

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context().wrap_socket(server.socket, server_side=True)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ready(server.server_port)
    sys.stdin.read()


async def with_asyncio():
    import http1

    async def serve(reader, writer):
        try:
            while (head := await http1.read_head(reader)) is not None:
                _, digest = await http1.read_body(reader, head[1])
                status, token, body = http1.answer(head[1])
                start = f"HTTP/1.1 {status} Fine\r\nX-Answer: {token}\r\nX-Received: {digest}\r\n"
                await http1.write_message(writer, start, head[1]["x-framing"], body)
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context(), limit=1 << 21)
    ready(server.sockets[0].getsockname()[1])
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


async def with_aiohttp():
    from aiohttp import web

    import http1

    async def serve(request):
        received = await request.read()
        status, token, body = http1.answer({name.lower(): value for name, value in request.headers.items()})
        headers = {"X-Answer": token, "X-Received": hashlib.sha256(received).hexdigest()}
        if request.headers["X-Framing"] == "length":
            return web.Response(status=status, headers=headers, body=body)
        response = web.StreamResponse(status=status, headers=headers)
        response.enable_chunked_encoding()
        await response.prepare(request)
        for at in range(0, len(body), 40_000):
            await response.write(body[at : at + 40_000])
        await response.write_eof()
        return response

    application = web.Application(client_max_size=1 << 24)
    application.router.add_route("*", "/{path:.*}", serve)
    runner = web.AppRunner(application, access_log=None, keepalive_timeout=600)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context()).start()
    ready(runner.addresses[0][1])
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if kind == "http.server":
    with_http_server()
else:
    asyncio.run(with_asyncio() if kind == "asyncio" else with_aiohttp())
os._exit(0)
