"""A server whose clients leave, and that leaves itself, as the request's path says. One connection after the other."""
import os, select, signal, socket, struct, sys, time

kind, place = sys.argv[1:3]
if kind == 'unix':
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(place)
else:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262 if kind == 'mptcp' else 0)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(('127.0.0.1', int(place)))
listener.listen(16)
print('ready', flush=True)
while True:
    peer, _ = listener.accept()
    request = peer.recv(65536)
    path = request.split()[1].decode() if request else '(none)'
    print('read', path, flush=True)
    if path == '/kill':
        os.kill(os.getpid(), signal.SIGKILL)
    if path == '/end':
        os._exit(3)
    if path == '/cut':
        peer.sendall(b'HTTP/1.1 200 OK\r\n\r\npart')
        time.sleep(0.1)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        peer.close()
        continue
    if path not in ('/drop', '/fast'):
        # Until the client has left.
        left = select.poll()
        left.register(peer, select.POLLRDHUP)
        left.poll(60_000)
    try:
        if path != '/drop':
            peer.sendall(b'HTTP/1.1 500 Oops\r\nContent-Length: 5\r\n\r\nerror')
        print(path, 'sent', flush=True)
    except OSError as error:
        print(path, error.strerror, flush=True)
    peer.close()
