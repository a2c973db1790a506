"""The subset of HTTP/1.1 that the asyncio peers need, over asyncio's streams."""
import hashlib
import os


async def read_head(reader):
    """The start line and the fields, names in small letters; None at the end."""
    line = await reader.readline()
    if not line:
        return None
    fields = {}
    while True:
        field = (await reader.readline()).rstrip(b"\r\n")
        if not field:
            return line.decode().rstrip(), fields
        name, value = field.decode().split(":", 1)
        fields[name.lower()] = value.strip()


async def read_body(reader, fields):
    """The whole body: its size and its hash."""
    digest, size = hashlib.sha256(), 0
    if fields.get("transfer-encoding") == "chunked":
        while True:
            length = int((await reader.readline()).split(b";")[0], 16)
            digest.update(await reader.readexactly(length))
            await reader.readline()
            size += length
            if length == 0:
                return size, digest.hexdigest()
    size = int(fields.get("content-length", 0))
    digest.update(await reader.readexactly(size))
    return size, digest.hexdigest()


async def write_message(writer, head, framing, body):
    """Head and body in several writes. `body` is None where there is none."""
    if body is None:
        writer.write((head + "\r\n").encode())
    elif framing == "length":
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode())
        for at in range(0, len(body), 50_000):
            writer.write(body[at : at + 50_000])
            await writer.drain()
    else:
        writer.write(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        for at in range(0, len(body), 30_000):
            piece = body[at : at + 30_000]
            writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            await writer.drain()
        writer.write(b"0\r\n\r\n")
    await writer.drain()


def answer(fields):
    """Status, head (without framing) and body of a server's answer."""
    status = int(fields["x-status"])
    return status, os.urandom(8).hex(), os.urandom(int(fields["x-size"]))
