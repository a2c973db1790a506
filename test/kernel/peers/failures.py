"""
A server that fails as a request's path `/CLIENT/SITUATION` says: `failures.py CERTIFICATE KEY FOLDER`, beside
nameServer.py. On 127.0.0.1: HTTP at port 8080, HTTPS at 8443; at 8082 no connection is accepted. Prints `ready`. FOLDER
gets a file with the name of each client that waits for an answer which never comes.
"""
import os, select, socket, ssl, struct, sys, threading, time

OK = b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
PART = b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\npart'


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    leave(connection)


def leave(connection):
    """Closes the socket, without a word of TLS."""
    os.close(connection.detach())


def await_end(connection, seconds):
    """Until the client has closed, whatever it has sent before; not longer than this."""
    poll = select.poll()
    poll.register(connection, select.POLLRDHUP)
    poll.poll(seconds * 1000)


def read(connection):
    """The path, and the body's length and what of it has come; None at the end."""
    head = b''
    while b'\r\n\r\n' not in head:
        piece = connection.recv(65536)
        if not piece:
            return '', '', 0, 0
        head += piece
        if head[0] == 0x16:  # a ClientHello
            return '', 'not-http', 0, 0
    head, body = head.split(b'\r\n\r\n', 1)
    length = next((int(line.split(b':')[1]) for line in head.lower().split(b'\r\n') if line.startswith(b'content-length:')), 0)
    client, what = head.split()[1].decode().split('/')[-2:]
    return client, what, length, len(body)


def handle(connection):
    calls = 0
    while True:
        client, what, length, got = read(connection)
        if what == '':
            return connection.close()
        if what == 'not-http':
            connection.sendall(b'HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
            return connection.close()
        if what == 'early':
            connection.sendall(b'HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig')
            # Of these it is known that they read it; others have to be stopped.
            await_end(connection, 60 if client in ('curl', 'go') else 0.3)
            return reset(connection)
        while got < length:
            got += len(connection.recv(65536))
        calls += 1
        if what == 'close':
            return leave(connection)
        if what == 'reset' or (what == 'stale' and calls > 1):
            return reset(connection)
        if what == 'half':
            connection.sendall(PART.replace(b'Connection: close', b'Content-Length: 100'))
            return leave(connection)
        if what == 'cut':
            connection.sendall(PART)
            time.sleep(0.2)
            return reset(connection)
        if what == 'unconfirmed':
            connection.sendall(PART)
            return leave(connection)
        if what == 'never':
            open(os.path.join(sys.argv[3], client), 'w').close()
            connection.recv(1)
            return leave(connection)
        connection.sendall(OK)


def guarded(connection, context):
    try:
        handle(context.wrap_socket(connection, server_side=True) if context else connection)
    except (OSError, ValueError):
        pass


def serve(port, context=None):
    listener = socket.create_server(('127.0.0.1', port), backlog=64)

    def accept():
        while True:
            threading.Thread(target=guarded, args=(listener.accept()[0], context), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


# So that an upload has to wait for its server soon: of larger ones, bodies would be left out on a busy machine.
for name in ('wmem', 'rmem'):
    with open(f'/proc/sys/net/ipv4/tcp_{name}', 'w') as limits:
        limits.write('4096 65536 65536')
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
serve(8080)
serve(8443, context)
full = socket.create_server(('127.0.0.1', 8082), backlog=0)
waiting = [socket.socket() for _ in range(3)]
for one in waiting:
    one.setblocking(False)
    one.connect_ex(('127.0.0.1', 8082))
print('ready', flush=True)
while True:
    time.sleep(3600)
