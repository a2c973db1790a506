"""A client: client.py requests|asyncio|aiohttp PORT FOLDER VERSION [mtls]; see ../plan.ts."""
import asyncio
import hashlib
import os
import ssl
import sys

kind, port, folder, version = sys.argv[1:5]
mtls = "mtls" in sys.argv[5:]
origin = f"https://localhost:{port}"


def context():
    made = ssl.create_default_context(cafile=f"{folder}/ca.pem")
    exact = ssl.TLSVersion.TLSv1_2 if version == "1.2" else ssl.TLSVersion.TLSv1_3
    made.minimum_version = made.maximum_version = exact
    if mtls:
        made.load_cert_chain(f"{folder}/client.pem", f"{folder}/client.key")
    return made


def content(path):
    if path == "-":
        return None
    with open(path, "rb") as file:
        return file.read()


def pieces(body):
    for at in range(0, len(body), 20_000):
        yield body[at : at + 20_000]


def say(status, body):
    print("done", status, len(body), hashlib.sha256(body).hexdigest(), flush=True)


def with_requests():
    import requests
    from requests.adapters import HTTPAdapter

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args, **kwargs):
            super().init_poolmanager(*args, ssl_context=context(), **kwargs)

    session = requests.Session()
    session.trust_env = False
    session.mount("https://", Adapter())
    for line in sys.stdin:
        method, path, name, framing, file = line.split()
        body = content(file)
        data = pieces(body) if body is not None and framing == "chunked" else body
        headers = {"X-Trace-Id": name}
        got = session.request(method, origin + path, headers=headers, data=data, verify=f"{folder}/ca.pem")
        say(got.status_code, got.content)


async def with_aiohttp(lines):
    import aiohttp

    async def stream(body):
        for piece in pieces(body):
            yield piece

    # When a connection ends is the test's to say, however slow the machine.
    connector = aiohttp.TCPConnector(ssl=context(), limit=1, keepalive_timeout=600)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
        async for line in lines:
            method, path, name, framing, file = line.split()
            body = content(file)
            data = stream(body) if body is not None and framing == "chunked" else body
            async with session.request(method, origin + path, headers={"X-Trace-Id": name}, data=data) as got:
                say(got.status, await got.read())


async def with_asyncio(lines):
    import http1

    reader, writer = None, None
    async for line in lines:
        if writer is None:
            reader, writer = await asyncio.open_connection("localhost", int(port), ssl=context(), limit=1 << 21)
        method, path, name, framing, file = line.split()
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost:{port}\r\nX-Trace-Id: {name}\r\n"
        await http1.write_message(writer, head, framing, content(file))
        start, fields = await http1.read_head(reader)
        size, digest = await http1.read_body(reader, fields)
        print("done", start.split()[1], size, digest, flush=True)
    writer.close()
    await writer.wait_closed()


async def main(run):
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)

    async def lines():
        async for line in reader:
            yield line.decode()

    await run(lines())


print("pid", os.getpid(), flush=True)
if kind == "requests":
    with_requests()
else:
    asyncio.run(main(with_aiohttp if kind == "aiohttp" else with_asyncio))
