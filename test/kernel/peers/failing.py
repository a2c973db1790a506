"""
Calls that fail: `failing.py http.client|requests|aiohttp (METHOD URL MILLISECONDS BYTES)...`, one after the other, with
connections kept alive; 0 milliseconds: no limit. `https+any://`: any certificate is accepted. In every language the
timeout starts at the connection attempt and again when the request is sent, so that a slow machine always does both.
"""
import asyncio, http.client, ssl, sys
from urllib.parse import urlsplit

library = sys.argv[1]
calls = list(zip(*[iter(sys.argv[2:])] * 4))
ANY = '+any'


def limit(milliseconds):
    return int(milliseconds) / 1000 or 30


def by_http_client():
    kept = {}

    def call(method, url, milliseconds, size):
        to = urlsplit(url.replace(ANY, ''))
        connection = kept.pop(to.netloc, None)
        if connection is None and to.scheme == 'https':
            trust = ssl._create_unverified_context() if ANY in url else ssl.create_default_context()
            connection = http.client.HTTPSConnection(to.netloc, timeout=limit(milliseconds), context=trust)
        elif connection is None:
            connection = http.client.HTTPConnection(to.netloc, timeout=limit(milliseconds))
        connection.request(method, to.path, b'u' * int(size) or None)
        answer = connection.getresponse()
        answer.read()
        if not answer.will_close:
            kept[to.netloc] = connection
        return answer.status

    return call


def by_requests():
    import requests

    session = requests.Session()
    requests.packages.urllib3.disable_warnings()

    def call(method, url, milliseconds, size):
        return session.request(
            method, url.replace(ANY, ''), data=b'u' * int(size) or None, timeout=limit(milliseconds), verify=ANY not in url
        ).status_code

    return call


async def by_aiohttp():
    import aiohttp

    async with aiohttp.ClientSession() as session:
        for method, url, milliseconds, size in calls:
            try:
                async with session.request(
                    method,
                    url.replace(ANY, ''),
                    data=b'u' * int(size) or None,
                    timeout=aiohttp.ClientTimeout(total=None, sock_connect=limit(milliseconds), sock_read=limit(milliseconds)),
                    ssl=False if ANY in url else None,
                ) as answer:
                    await answer.read()
                    print(url, answer.status, flush=True)
            except Exception as error:
                print(url, repr(error), flush=True)


if library == 'aiohttp':
    asyncio.run(by_aiohttp())
else:
    call = by_http_client() if library == 'http.client' else by_requests()
    for one in calls:
        try:
            print(one[1], call(*one), flush=True)
        except Exception as error:
            print(one[1], repr(error), flush=True)
