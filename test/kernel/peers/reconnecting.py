"""A client that passes each of its connected sockets to another process, which disconnects it and, every other time,
reconnects it."""
import ctypes, socket, sys

ROUNDS = 12
role, path, port = sys.argv[1], sys.argv[2], int(sys.argv[3])


def ask(connected, target):
    connected.sendall(b'GET %s HTTP/1.1\r\nHost: a\r\n\r\n' % target)
    answer = b''
    while not answer.endswith(b'answered'):
        piece = connected.recv(4096)
        if not piece:
            raise OSError('closed')
        answer += piece


if role == 'taker':
    unspecified = ctypes.create_string_buffer(16)  # struct sockaddr of AF_UNSPEC
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    print('ready', flush=True)
    giver, _ = listener.accept()
    for i in range(ROUNDS):
        descriptor = socket.recv_fds(giver, 1, 1)[1][0]
        if ctypes.CDLL(None).connect(descriptor, unspecified, 16):
            raise OSError('disconnect')
        with socket.socket(fileno=descriptor) as taken:
            if i % 2:
                taken.connect(('127.0.0.1', port))
                ask(taken, b'/taken')
        giver.sendall(b'x')
else:
    taker = socket.socket(socket.AF_UNIX)
    taker.connect(path)
    for _ in range(ROUNDS):
        with socket.create_connection(('127.0.0.1', port)) as given:
            ask(given, b'/given')
            socket.send_fds(taker, [b'x'], [given.fileno()])
        taker.recv(1)
