"""Connects to ports with no listener, at several addresses in a row. Prints the port of each case, as JSON."""
import contextlib
import http.server
import json
import os
import socket
import threading


def free_port():
    """One at which nobody listens, on any address."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        return server.getsockname()[1]


def attempt(address, port):
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as client:
        return client.connect_ex((address, port))


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments):
        pass


def served(address):
    server = http.server.HTTPServer((address, 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


# Addresses of one attempt are tried within 50 ms: nothing may come in between on a busy machine.
with contextlib.suppress(PermissionError):  # Not everywhere may root do this.
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))

PORTS = {name: free_port() for name in ("hosts", "name", "rounds", "again")}
for address in ("127.0.0.1", "127.0.0.2"):
    attempt(address, PORTS["hosts"])
for address in ("::1", "127.0.0.1"):
    attempt(address, PORTS["name"])
for _ in range(4):
    for address in ("::1", "127.0.0.1"):
        attempt(address, PORTS["rounds"])
for _ in range(4):
    attempt("127.0.0.1", PORTS["again"])
PORTS["other"] = served("127.0.0.3")
attempt("127.0.0.1", PORTS["other"])
with socket.create_connection(("127.0.0.3", PORTS["other"])) as client:
    client.sendall(b"GET /other HTTP/1.0\r\n\r\n")
    while client.recv(65536):
        pass
print(json.dumps(PORTS))
