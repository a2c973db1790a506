"""Calls that fail: `failing.py http.client|requests BASE DEAD`. What the library says of each goes to stdout."""
import http.client, socket, sys, time
from urllib.parse import urlsplit

library, base, dead = sys.argv[1:4]
UPLOAD = b'u' * 4_000_000


def call(name, act):
    try:
        print(name, act(), flush=True)
    except Exception as error:
        print(name, type(error).__name__, flush=True)


def plain(method, url, body=None, timeout=10):
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    connection.request(method, parts.path, body)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def stale():
    parts = urlsplit(base)
    connection = http.client.HTTPConnection(parts.hostname, parts.port)
    connection.auto_open = False
    connection.connect()
    connection.request('GET', '/once')
    connection.getresponse().read()
    connection.sock = connection.sock or socket.create_connection((parts.hostname, parts.port))
    time.sleep(0.2)
    connection.request('POST', '/stale', b'body')
    return connection.getresponse().status


if library == 'requests':
    import requests

    def plain(method, url, body=None, timeout=10):
        return requests.request(method, url, data=body, timeout=timeout).status_code

for path in ('close', 'reset', 'half'):
    call(path, lambda: plain('GET', f'{base}/{path}'))
call('early', lambda: plain('POST', f'{base}/early', UPLOAD))
call('never', lambda: plain('GET', f'{base}/never', timeout=0.3))
call('dead', lambda: plain('GET', f'{dead}/dead'))
if library == 'http.client':
    call('stale', stale)
