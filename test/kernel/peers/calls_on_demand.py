"""A server and its clients in one process: makes the calls that standard input names, one after the other.

Threads of the server wait in recv(2), or in SSL_read, between two calls of a connection. A line is the kind of connection
(`http`, `https`, `new`: its own connection) and a path; the answer is the status.
"""
import http.client
import http.server
import ssl
import sys
import threading

key, certificate = sys.argv[1:]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_GET(self):
        body = self.path.encode() * 10
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve(context):
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
plain, secure = serve(None), serve(context)
trusting = ssl.create_default_context(cafile=certificate)
trusting.check_hostname = False
connections = {
    'http': http.client.HTTPConnection('127.0.0.1', plain),
    'https': http.client.HTTPSConnection('127.0.0.1', secure, context=trusting),
}
print('ready', flush=True)
for line in sys.stdin:
    kind, path = line.split()
    connection = connections.get(kind) or http.client.HTTPConnection('127.0.0.1', plain)
    connection.request('GET', path)
    response = connection.getresponse()
    response.read()
    print(response.status, flush=True)
    if kind == 'new':
        connection.close()
