"""`orders.py PORT STOCK`: answers on loopback, calls STOCK for each request, and passes a received `traceparent` on."""
import http.server
import sys
import urllib.request


class Orders(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        context = self.headers.get("traceparent")
        # As instrumented programs do: the same trace, a parent-id of their own.
        headers = {} if context is None else {"traceparent": context[:36] + "00000000000000bb" + context[52:]}
        request = urllib.request.Request(f"http://127.0.0.1:{sys.argv[2]}/stock{self.path}", headers=headers)
        with urllib.request.urlopen(request) as response:
            body = response.read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Orders).serve_forever()
