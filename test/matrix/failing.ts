/** Ends of connections that only the kernel shows, by each backend. */
import { assert, same } from '../kit/check.ts';
import { mentioning } from '../kit/truth.ts';
import type { Scenario } from './scenarios.ts';

/** Nobody accepts, and the queue is full: SYNs are not answered. */
const GIVE_UP = `
import json, socket
full = socket.create_server(("127.0.0.1", 0), backlog=0)
waiting = []
for _ in range(3):
    one = socket.socket(); one.setblocking(False); one.connect_ex(full.getsockname()); waiting.append(one)
one = socket.socket(); one.setblocking(False); one.connect_ex(full.getsockname())
one.shutdown(socket.SHUT_WR); one.close()
print(json.dumps({"remote": "%s:%d" % full.getsockname()}), flush=True)
`;

const RESET = `
import socket, struct, sys, threading, time
listener = socket.create_server(("127.0.0.1", 0))
def serve():
    peer = listener.accept()[0]
    peer.recv(4096)
    peer.sendall(b"HTTP/1.1 200 OK\\r\\n\\r\\npart")
    time.sleep(0.1)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()
threading.Thread(target=serve).start()
client = socket.create_connection(listener.getsockname())
client.sendall(b"GET /" + sys.argv[1].encode() + b" HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
try:
    while client.recv(4096): pass
except ConnectionResetError: pass
`;

const python = (script: string, ...words: string[]): string =>
  ['python3', '-c', `'${script}'`, ...words].join(' ');

export const failing: readonly Scenario[] = [
  {
    name: 'connecting given up by shutdown and close',
    command: () => python(GIVE_UP),
    check({ lines }, trace) {
      const { remote } = JSON.parse(lines[0] ?? '') as { remote: string };
      // Those that wait end with the process, established or not.
      const rows = trace.exchanges.filter(
        ({ connection, ending }) => connection.remote === remote && ending?.how === 'cancelled',
      );
      same('rows', rows.length, 1);
      same('its end', [rows[0]?.ending?.by, rows[0]?.failure?.phase], ['client', 'connect']);
      return undefined;
    },
  },
  {
    name: 'a server that resets its own answer',
    command: (_, id) => python(RESET, id),
    check({ id }, trace) {
      const rows = mentioning(trace.exchanges, id);
      same('rows', rows.map(({ side }) => side).sort(), ['client', 'server']);
      for (const { side, completeness, ending } of rows) {
        same(`the ${side}'s`, [completeness, ending?.how, ending?.by], [['aborted'], 'reset', 'server']);
        assert(ending?.error === (side === 'client' ? 'ECONNRESET' : null), `${side}: ${ending?.error}`);
      }
      return undefined;
    },
  },
];
