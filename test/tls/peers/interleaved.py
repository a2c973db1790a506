"""Many connections of one thread: interleaved.py PORT FOLDER; lines as for interleaved.mjs."""
import asyncio
import os
import ssl
import sys

import http1

port, folder = sys.argv[1:3]
context = ssl.create_default_context(cafile=f"{folder}/ca.pem")


async def connection(rounds, gate):
    reader, writer = await asyncio.open_connection("127.0.0.1", int(port), ssl=context, server_hostname="localhost")
    local = writer.get_extra_info("sockname")[1]
    await gate.wait()
    for line in rounds:
        method, path, name, _, file = line.split()
        with open(file, "rb") as opened:
            body = opened.read()
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost:{port}\r\nX-Trace-Id: {name}\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode())
        for at in range(0, len(body), 700):
            await asyncio.sleep(0)
            writer.write(body[at : at + 700])
        start, fields = await http1.read_head(reader)
        size, digest = await http1.read_body(reader, fields)
        print("on", name, local, start.split()[1], size, digest, flush=True)
    writer.close()


async def main():
    gate = asyncio.Event()
    tasks = []
    for line in sys.stdin:
        if line == "\n":
            break
        tasks.append(asyncio.create_task(connection(line.rstrip("\n").split("\t"), gate)))
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(*tasks)
    print("end", flush=True)


print("pid", os.getpid(), flush=True)
asyncio.run(main())
