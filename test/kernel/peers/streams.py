"""WebSockets and event streams in Python; reports each message that it sent and received.

Usage: streams.py server aiohttp|websockets HOST [deflate] | streams.py client aiohttp|websockets BASE [deflate]
A server writes {port, pid} first and ends when its standard input ends.
"""
import asyncio
import hashlib
import json
import os
import sys
import threading

ROLE, LIBRARY, PLACE = sys.argv[1:4]
DEFLATE = "deflate" in sys.argv[4:]

MESSAGES = ["", "a", "ä€😀", bytes(range(256)), "x" * 125, "x" * 126, "y" * 60_000] + [
    '{"n":%d,"kind":"update","of":"something longer that repeats"}' % n for n in range(30)
]


def write(line):
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def say(path, direction, message, kind=None):
    data = message.encode() if isinstance(message, str) else bytes(message)
    kind = kind or ("text" if isinstance(message, str) else "binary")
    write(
        {"path": path, "direction": direction, "kind": kind, "size": len(data), "sha": hashlib.sha256(data).hexdigest()}
    )


def end_with_input():
    def wait():
        sys.stdin.read()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


async def aiohttp_server():
    from aiohttp import WSMsgType, web

    async def socket(request):
        ws = web.WebSocketResponse(compress=DEFLATE)
        await ws.prepare(request)
        async for message in ws:
            say("/ws", "in", message.data)
            say("/ws", "out", message.data)
            if message.type == WSMsgType.TEXT:
                await ws.send_str(message.data)
            else:
                await ws.send_bytes(message.data)
        return ws

    async def events(request):
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for n in range(40):
            data = "event %d ä" % n
            say("/events", "out", data, "event")
            await response.write(("event: tick\ndata: %s\n\n" % data).encode())
            if n % 5 == 0:
                await asyncio.sleep(0.005)
        await response.write_eof()
        return response

    app = web.Application()
    app.router.add_get("/ws", socket)
    app.router.add_get("/events", events)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, PLACE, 0)
    await site.start()
    write({"port": site._server.sockets[0].getsockname()[1], "pid": os.getpid()})
    await asyncio.Future()


async def aiohttp_client():
    import aiohttp

    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(PLACE + "/ws", compress=15 if DEFLATE else 0) as ws:
            for message in MESSAGES:
                say("/ws", "out", message)
                await (ws.send_str(message) if isinstance(message, str) else ws.send_bytes(message))
                say("/ws", "in", (await ws.receive()).data)


async def websockets_server():
    import websockets

    async def socket(ws):
        async for message in ws:
            say("/ws", "in", message)
            say("/ws", "out", message)
            await ws.send(message)

    server = await websockets.serve(socket, PLACE, 0, compression="deflate" if DEFLATE else None)
    write({"port": server.sockets[0].getsockname()[1], "pid": os.getpid()})
    await asyncio.Future()


async def websockets_client():
    import websockets

    address = PLACE.replace("http", "ws", 1) + "/ws"
    async with websockets.connect(address, compression="deflate" if DEFLATE else None) as ws:
        for message in MESSAGES:
            say("/ws", "out", message)
            await ws.send(message)
            say("/ws", "in", await ws.recv())


if ROLE == "server":
    end_with_input()
asyncio.run(globals()["%s_%s" % (LIBRARY, ROLE)]())
