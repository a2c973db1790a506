"""Like answering.mjs, with aiohttp."""
import asyncio, os, sys
from aiohttp import web


async def handle(request):
    what = request.path.rsplit('/', 1)[-1]
    if what == 'whole':
        return web.Response(text='ok')
    if what == 'early':
        return web.Response(status=413, text='big', headers={'Connection': 'close'})
    if what == 'cut':
        response = web.StreamResponse(headers={'Content-Length': '100'})
        await response.prepare(request)
        await response.write(b'part')
        request.transport.abort()
        return response
    open(os.path.join(sys.argv[2], request.path[1:].replace('/', '-')), 'w').close()
    await asyncio.sleep(2)
    return web.Response(status=500, text='error')


app = web.Application(client_max_size=1 << 30)
app.router.add_route('*', '/{path:.*}', handle)
web.run_app(app, host='127.0.0.1', port=int(sys.argv[1]), print=None, shutdown_timeout=0)
