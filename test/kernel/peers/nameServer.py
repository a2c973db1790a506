"""
A name server at 127.0.0.1:53 (UDP and TCP), systemd-resolved's socket, and an HTTP server at port 80 of both loopback
addresses, in namespaces of their own. The first label of a name says how it is answered. Prints `ready`.
"""
import json
import os
import socket
import struct
import threading
import time

A, CNAME, AAAA = 1, 5, 28
POINTER = b'\xc0\x0c'  # to the question's name
IPV4 = bytes([127, 0, 0, 1])
IPV6 = bytes(15) + b'\1'


def name_of(message):
    labels, at = [], 12
    while message[at]:
        labels.append(message[at + 1:at + 1 + message[at]].decode().lower())
        at += message[at] + 1
    return '.'.join(labels), at + 1


def encode(name):
    return b''.join(bytes([len(label)]) + label.encode() for label in name.split('.')) + b'\0'


def record(owner, kind, data):
    return owner + struct.pack('>HHIH', kind, 1, 60, len(data)) + data


def answer(message, by_tcp):
    """The answer to a query, or None."""
    name, end = name_of(message)
    kind = struct.unpack('>H', message[end:end + 2])[0]
    first = name.split('.')[0]
    code, truncated, records = 0, False, []
    if first == 'silent':
        return None
    if first == 'nowhere' or name.endswith('.search.test'):
        code = 3
    elif first == 'broken':
        code = 2
    elif first == 'long' and not by_tcp:
        truncated = True
    elif first == 'alias':
        target = encode('target.example')
        records = [record(POINTER, CNAME, target)]
        if kind == A:
            records.append(record(target, A, IPV4))
    elif first == 'six':
        records = [record(POINTER, AAAA, IPV6)] if kind == AAAA else []
    elif first != 'empty' and kind == A:
        records = [record(POINTER, A, IPV4)]
    flags = 0x8180 | code | (0x0200 if truncated else 0)
    return message[:2] + struct.pack('>5H', flags, 1, len(records), 0, 0) + message[12:end + 4] + b''.join(records)


def datagrams():
    while True:
        message, peer = udp.recvfrom(4096)
        said = answer(message, False)
        if said:
            udp.sendto(said, peer)


def streams(connection):
    while True:
        length = connection.recv(2, socket.MSG_WAITALL)
        if len(length) < 2:
            return
        said = answer(connection.recv(struct.unpack('>H', length)[0], socket.MSG_WAITALL), True)
        if said:
            connection.sendall(struct.pack('>H', len(said)) + said)


def resolved(connection):
    buffer = b''
    while data := connection.recv(4096):
        buffer += data
        while b'\0' in buffer:
            call, buffer = buffer.split(b'\0', 1)
            name = json.loads(call)['parameters']['name']
            said = {'parameters': {'addresses': [{'ifindex': 1, 'family': 2, 'address': [127, 0, 0, 1]}], 'name': name, 'flags': 1}}
            if name.startswith('nowhere'):
                said = {'error': 'io.systemd.Resolve.DNSError', 'parameters': {'rcode': 3}}
            connection.sendall(json.dumps(said).encode() + b'\0')


def http(connection):
    connection.recv(4096)
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok')
    connection.close()


def serve(family, address, handle):
    listener = socket.socket(family)
    if family != socket.AF_UNIX:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(address)
    listener.listen(64)

    def accept():
        while True:
            threading.Thread(target=handle, args=listener.accept()[:1], daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(('127.0.0.1', 53))
threading.Thread(target=datagrams, daemon=True).start()
serve(socket.AF_INET, ('127.0.0.1', 53), streams)
serve(socket.AF_INET, ('127.0.0.1', 80), http)
serve(socket.AF_INET6, ('::1', 80), http)
os.makedirs('/run/systemd/resolve', exist_ok=True)
serve(socket.AF_UNIX, '/run/systemd/resolve/io.systemd.Resolve', resolved)
print('ready', flush=True)
while True:
    time.sleep(3600)
