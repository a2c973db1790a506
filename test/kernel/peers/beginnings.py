"""Peers whose connections begin with something other than a plain request. Prints, as JSON, what servers read."""
import http.client
import http.server
import json
import os
import select
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

SEEN = []
LISTENING = []
THREADS = []
BAD = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nbad"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def listen(handle):
    server = socket.create_server(("127.0.0.1", 0))
    LISTENING.append(server)

    def serve():
        while True:
            connection, _ = server.accept()
            thread = threading.Thread(target=run, args=(connection,), daemon=True)
            THREADS.append(thread)
            thread.start()

    def run(connection):
        try:
            handle(connection)
        except OSError:
            pass
        finally:
            connection.close()

    threading.Thread(target=serve, daemon=True).start()
    return server.getsockname()[1]


def read_head(connection, buffer=b""):
    while b"\r\n\r\n" not in buffer:
        piece = connection.recv(65536)
        if not piece:
            return None, b""
        buffer += piece
    head, _, rest = buffer.partition(b"\r\n\r\n")
    return head, rest


def answering(answer):
    def handle(connection, rest=b""):
        while True:
            head, rest = read_head(connection, rest)
            if head is None:
                return
            SEEN.append(head.strip().split(b"\r\n")[0].decode("latin1"))
            connection.sendall(answer)

    return handle


def exact(connection, size):
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise OSError
        data += piece
    return data


def curl(*arguments):
    subprocess.run(["curl", "-s", "-o", os.devnull, "--max-time", "20", *arguments], check=False)


def requests():
    port = listen(answering(BAD))
    for method, target in (("get", "/lower"), ("GET", "index.html"), ("GET", "?q=1"), ("GET", "ftp://h/f"), ("GET", "urn:x:y")):
        client = http.client.HTTPConnection("127.0.0.1", port)
        client.request(method, target)
        client.getresponse().read()
        client.close()
    curl("-X", "FOO.BAR", f"http://127.0.0.1:{port}/dotted")
    curl("-X", "post", "-d", "a=1", f"http://127.0.0.1:{port}/curl")
    # Whatever the segments and calls are, the bytes count.
    for calls in (
        [[b"", b"", b"GET /empty-segments HTTP/1.1\r\nHost: a\r\n\r\n"]],
        [[b"GET", b" /segments", b" HTTP/1.1\r\n", b"Host: a\r\n", b"\r\n"]],
        [[b"G"], [b"ET /calls HTT"], [b"P/1.1\r\nHost: a\r\n\r\n"]],
        [[b" GET /space HTTP/1.1\r\nHost: a\r\n\r\n"]],
        [[b"\r"], [b"\nGET /lines HTTP/1.1\r\nHost: a\r\n\r\n"]],
        [[b"GET /no-version\r\nHost: a\r\n\r\n"]],
        [[b"GET /" + b"long" * 5000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"]],
    ):
        client = socket.create_connection(("127.0.0.1", port))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for segments in calls:
            client.sendmsg(segments)
        client.recv(1000)
        client.close()


def socks(connection):
    if exact(connection, 1) == b"\x05":
        methods = exact(connection, exact(connection, 1)[0])
        if b"\x02" in methods:
            connection.sendall(b"\x05\x02")
            exact(connection, 1)
            exact(connection, exact(connection, 1)[0])
            exact(connection, exact(connection, 1)[0])
            connection.sendall(b"\x01\x00")
        else:
            connection.sendall(b"\x05\x00")
        kind = exact(connection, 4)[3]
        exact(connection, {1: 4, 4: 16}.get(kind) or exact(connection, 1)[0])
        exact(connection, 2)
        connection.sendall(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x1f\x90")
    else:
        exact(connection, 3)
        address = exact(connection, 4)
        while exact(connection, 1) != b"\0":
            pass
        if address[:3] == bytes(3):
            while exact(connection, 1) != b"\0":
                pass
        connection.sendall(b"\0\x5a" + bytes(6))


def inside(connection):
    """What comes behind the proxy's protocol: HTTP, or TLS with HTTP in it."""
    if connection.recv(1, socket.MSG_PEEK) == b"\x16":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[3], sys.argv[2])
        connection = context.wrap_socket(connection, server_side=True)
    answering(OK)(connection)


def behind_socks(connection):
    socks(connection)
    inside(connection)


def behind_proxy_line(connection):
    while exact(connection, 1) != b"\n":
        pass
    inside(connection)


def behind_connect(connection):
    head, _ = read_head(connection)
    if head is not None:
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        inside(connection)


def proxies():
    port = listen(behind_socks)
    for option, name in (("--socks4", "10.9.8.7"), ("--socks4a", "name.test"), ("--socks5", "10.9.8.7"), ("--socks5-hostname", "name.test")):
        curl(option, f"127.0.0.1:{port}", f"http://{name}/plain{option}")
        curl("-k", option, f"127.0.0.1:{port}", f"https://{name}/tls{option}")
    curl("-x", f"socks5h://me:secret@127.0.0.1:{port}", "http://name.test/plain--password")
    curl("-x", f"socks5h://127.0.0.1:{port}", "https://name.test/untrusted")
    port = listen(behind_proxy_line)
    curl("--haproxy-protocol", f"http://127.0.0.1:{port}/plain--haproxy")
    curl("-k", "--haproxy-protocol", f"https://127.0.0.1:{port}/tls--haproxy")
    port = listen(behind_connect)
    curl("-p", "-x", f"http://127.0.0.1:{port}", "http://name.test/plain--connect")
    curl("-k", "-x", f"http://127.0.0.1:{port}", "https://name.test/tls--connect")
    curl("-x", f"http://127.0.0.1:{port}", "https://name.test/untrusted")


def refusals():
    """Proxies that are asked to connect and do not. Each is in a call of its own to a name that says what it does."""
    zeros = b"\0\x01" + bytes(6)

    def answering_each(*answers):
        def handle(connection):
            for answer in answers:
                connection.recv(65536)
                connection.sendall(answer)

        return handle

    def hanging(connection):
        while connection.recv(65536):
            pass

    greeted = b"\x05\0"
    for name, option, handle in (
        ("unreachable", "--socks5-hostname", answering_each(greeted, b"\x05\x04" + zeros)),
        ("forbidden", "--socks5-hostname", answering_each(greeted, b"\x05\x02" + zeros)),
        ("no-method", "--socks5-hostname", answering_each(b"\x05\xff")),
        ("closes", "--socks5-hostname", answering_each(b"")),
        ("closes-then", "--socks5-hostname", answering_each(greeted, b"")),
        ("text", "--socks5-hostname", answering_each(b"SSH-2.0-OpenSSH_9.2\r\n")),
        ("hangs", "--socks5-hostname", hanging),
        ("rejected", "--socks4a", answering_each(b"\0\x5b" + bytes(6))),
        ("closes-4", "--socks4a", answering_each(b"")),
        ("connect-closes", "-x", answering_each(b"")),
        ("connect-text", "-x", answering_each(b"SSH-2.0-OpenSSH_9.2\r\n")),
        ("connect-502", "-x", answering_each(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")),
    ):
        port = listen(handle)
        patience = ("--max-time", "1") if handle is hanging else ()
        curl(*patience, option, f"127.0.0.1:{port}", f"https://{name}.test/")
        SEEN.append(f"{name} {port}")


def foreign():
    def sink(connection):
        while connection.recv(65536):
            pass

    def speak(calls, answer=None, greeting=None):
        def handle(connection):
            if greeting:
                connection.sendall(greeting)
            while connection.recv(65536):
                if answer:
                    connection.sendall(answer)

        client = socket.create_connection(("127.0.0.1", listen(handle)))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if greeting:
            client.recv(1000)
        for call in calls:
            client.sendall(call)
            if answer:
                client.recv(1000)
        client.close()

    speak([b"GET /api/orders/%d 200 %d.123 ms - 57\n" % (i, i) for i in range(50)])
    speak([b"GET /api/orders/%d HTTP/1.1 200 57\n" % i for i in range(50)])
    speak([b"words and words " * 4000] * 10)
    speak([b"get /key\r\n"] * 50, b"VALUE /key 0 5\r\nhello\r\nEND\r\n")
    speak([b"*1\r\n$4\r\nPING\r\n"] * 50, b"+PONG\r\n")
    speak([b"EHLO a\r\n"] * 50, b"250 b\r\n", b"220 b ESMTP\r\n")
    speak([b"\0\0\0\x08\x04\xd2\x16\x2f" + bytes(20000)] * 50, b"N")
    speak([struct.pack("<I", 200) + bytes(200)] * 50, b"\x07\0\0\x01", b"\x4a\0\0\0\x0a8.0.36\0" + bytes(60))
    for words in range(30):
        left, right = socket.socketpair()
        for i in range(40):
            size = 8 * (3, 4, 6, 8, 32, 64, 128, 512)[(i + words) % 8]
            body = struct.pack("<IHH", size, 8, i % 3) + struct.pack("<II", i % 5, 0xFFFFFFFF) * (size // 8 - 1)
            left.sendall(body)
            right.recv(65536)
        left.close()
        right.close()


def answers():
    def has_headers(received):
        """Whether there is a HEADERS frame behind HTTP/2's preface."""
        at = 24
        while at + 9 <= len(received):
            if received[at + 3] == 1:
                return True
            at += 9 + int.from_bytes(received[at : at + 3], "big")
        return False

    def after(answer, greeting=b"", is_whole=lambda received: True):
        def handle(connection):
            connection.sendall(greeting)
            received = connection.recv(65536)
            while not is_whole(received) and (piece := connection.recv(65536)):
                received += piece
            connection.sendall(answer)

        return listen(handle)

    settings = b"\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64"
    for name, port in (
        ("redis", after(b"-ERR unknown command 'GET'\r\n")),
        ("ssh", after(b"bye\r\n", b"SSH-2.0-OpenSSH_9.2\r\n")),
        ("mysql", after(b"\xff\x10\x04", b"\x4a\0\0\0\x0a8.0.36\0")),
        ("smtp", after(b"500 no\r\n", b"220 mail ESMTP\r\n")),
        ("h2c", after(b"", settings)),
    ):
        client = http.client.HTTPConnection("127.0.0.1", port)
        try:
            client.request("GET", f"/{name}")
            client.getresponse()
        except (http.client.HTTPException, OSError):
            pass
        client.close()
    curl("--http2-prior-knowledge", f"http://127.0.0.1:{after(BAD, is_whole=has_headers)}/preface")


def strangers():
    """Clients that speak something else to servers of HTTP. Prints the beginning of what each server read."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for words in (
        b"\xef\xbb\xbfGET /mark HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\0GET /nul HTTP/1.1\r\nHost: a\r\n\r\n",
        b"EHLO mail.example\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"PING\r\n",
        b"*1\r\n$4\r\nPING\r\n",
        b"\x10\x1e\0\x04MQTT\x04\x02\0\x3c\0\x12a client of MQTT...\n",
        b"hello, is that a server of mail?\r\n",
    ):
        with socket.create_connection(server.server_address) as client:
            client.sendall(words)
            while client.recv(65536):
                pass
    # A server that takes its time: the client has said more meanwhile.
    def slow(connection):
        exact(connection, 3 * len(b"noop\r\n"))
        connection.sendall(BAD)

    with socket.create_connection(("127.0.0.1", listen(slow))) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(3):
            client.sendall(b"noop\r\n")
            time.sleep(0.05)
        while client.recv(65536):
            pass


class Refusing(http.server.BaseHTTPRequestHandler):
    def parse_request(self):
        SEEN.append(self.raw_requestline[:20].decode("latin1"))
        self.close_connection = True
        self.requestline, self.request_version, self.command = "", "HTTP/1.1", "GET"
        self.send_error(400)
        return False

    def log_message(self, *arguments):
        pass


globals()[sys.argv[1]]()
# All clients have gone. Servers also read what these sent last, such as an alert.
for server in LISTENING:
    while select.select([server], [], [], 0)[0]:
        time.sleep(0.01)
for thread in THREADS:
    thread.join(60)
    if thread.is_alive():
        sys.exit("a server still waits for its client")
print(json.dumps(SEEN))
