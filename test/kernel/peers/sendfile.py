"""
Serves the files of a folder by sendfile alone: it never reads their bytes. `GET /NAME?WAY`, where WAY says
what else happens: own (the file's own position is used), fresh (the file is written just before), mapped (it is mapped
for writing), gone (it is unlinked before it is sent, and stays open), hang (afterwards a file system that never
answers is mounted over the folder, which needs a mount namespace).
"""
import contextlib
import ctypes
import json
import mmap
import os
import socket
import sys
import time
from urllib.parse import unquote_to_bytes

folder = os.fsencode(sys.argv[1])
kept = []


def serve(connection):
    request = b""
    while b"\r\n\r\n" not in request:
        piece = connection.recv(65536)
        if not piece:
            return
        request += piece
    path, _, way = request.split(b" ")[1].partition(b"?")
    name = os.path.join(folder, unquote_to_bytes(path[1:]))
    if way == b"fresh":
        # Two ticks of the clock later it is not fresh any more: nothing may come in between on a busy machine.
        with contextlib.suppress(PermissionError):  # Not everywhere may root do this.
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        with open(name, "wb") as written:
            written.write(b"fresh" * 1000)
    file = os.open(name, os.O_RDWR if way == b"mapped" else os.O_RDONLY)
    if way == b"mapped":
        kept.append(mmap.mmap(file, 0))
    if way == b"gone":
        os.unlink(name)
        time.sleep(0.1)
    size = os.lseek(file, 0, os.SEEK_END)
    os.lseek(file, 0, os.SEEK_SET)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % size)
    at = 0
    while at < size:
        at += os.sendfile(connection.fileno(), file, None if way == b"own" else at, size - at)
    if way == b"fresh":
        with contextlib.suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    if way == b"hang":
        kept.append(os.open("/dev/fuse", os.O_RDWR))
        options = b"fd=%d,rootmode=40000,user_id=0,group_id=0" % kept[-1]
        if ctypes.CDLL(None).mount(b"none", folder, b"fuse", 0, options):
            raise OSError("mount")
    if way == b"gone":
        kept.append(file)
    else:
        os.close(file)


listener = socket.create_server(("127.0.0.1", 0))
print(json.dumps({"port": listener.getsockname()[1], "pid": os.getpid()}), flush=True)
while True:
    connection, _ = listener.accept()
    with connection:
        serve(connection)
