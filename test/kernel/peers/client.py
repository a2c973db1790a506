"""A client that reports what it sent and received. Usage: client.py requests|aiohttp BASE-URL

Plans and lines as in client.mjs. aiohttp sends all plans at once, on as many connections as it likes.
"""
import asyncio
import hashlib
import json
import os
import sys
import time


def sha(data):
    return hashlib.sha256(data).hexdigest()


def body_of(plan):
    if "size" not in plan:
        return None
    data = os.urandom(plan["size"])
    return data if plan.get("binary") else data.hex()[: plan["size"]].encode()


def say(plan, body, status, answer, received, started):
    print(
        json.dumps(
            {
                "side": "client",
                "pid": os.getpid(),
                "id": plan["id"],
                "method": plan["method"],
                "path": plan["path"],
                "status": status,
                "answer": answer,
                "requestSize": len(body or b""),
                "requestSha": sha(body or b""),
                "responseSize": None,
                "responseSha": sha(received),
                "localPort": None,
                "ms": (time.monotonic() - started) * 1000,
            }
        ),
        flush=True,
    )


def headers_of(plan):
    return {**plan.get("headers", {}), "X-Trace-Id": plan["id"]}


def with_requests(base):
    import requests

    session = requests.Session()
    for line in sys.stdin:
        plan = json.loads(line)
        body = body_of(plan)
        started = time.monotonic()
        response = session.request(
            plan["method"], base + plan["path"], headers=headers_of(plan), data=body, allow_redirects=False
        )
        say(plan, body, response.status_code, response.headers.get("X-Answer"), response.content, started)


async def with_aiohttp(base):
    import aiohttp

    async def one(session, plan):
        body = body_of(plan)
        started = time.monotonic()
        async with session.request(
            plan["method"], base + plan["path"], headers=headers_of(plan), data=body, allow_redirects=False
        ) as response:
            received = await response.read()
            say(plan, body, response.status, response.headers.get("X-Answer"), received, started)

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(one(session, json.loads(line)) for line in sys.stdin))


if sys.argv[1] == "requests":
    with_requests(sys.argv[2])
else:
    asyncio.run(with_aiohttp(sys.argv[2]))
