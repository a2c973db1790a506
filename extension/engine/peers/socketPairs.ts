/**
 * Finds the two sockets of one connection, if both processes are traced: TCP sockets by their addresses and ports in one
 * network namespace, Unix sockets by the inode of the peer's socket, which the kernel knows. Ports are reused, so the
 * times must match, too. Sockets are paired only if that is certain.
 */
import { MAX_CLOSED_ENDS } from '../limits.ts';
import type { OpenedRecord } from '../record.ts';
import { type EndFacts, SocketEnd } from './socketEnd.ts';

/** Sockets remembered for the same addresses and ports: all but the newest are closed. */
const MAX_ALIKE = 4;

export class SocketPairs {
  /** By {@link SocketEnd.own}; Unix sockets also by their peer. */
  readonly #ends = new Map<string, SocketEnd[]>();
  /** Closed sockets, oldest first: their peer may be accepted or read from later. */
  readonly #closed = new Set<SocketEnd>();
  readonly #paired: (one: SocketEnd, other: SocketEnd) => void;
  readonly #forgotten: (end: SocketEnd) => void;

  /**
   * @param paired called once for each pair.
   * @param forgotten called when an end is dropped: it will not be paired any more.
   */
  constructor(
    paired: (one: SocketEnd, other: SocketEnd) => void,
    forgotten: (end: SocketEnd) => void = () => {},
  ) {
    this.#paired = paired;
    this.#forgotten = forgotten;
  }

  /** Adds the end of a socket whose `opened` record has arrived. @returns null for one that cannot have a peer. */
  open(record: OpenedRecord, info: EndFacts): SocketEnd | null {
    const keys = record.family === 'unix' ? unixKeys(record) : inetKeys(record);
    // A socket that is connected to itself has one end.
    if (keys === null || keys.own === keys.sought) return null;
    const end = new SocketEnd(info, keys.own, keys.sought);
    const peer = this.#find(end);
    this.#add(end.own, end);
    if (record.family === 'unix' && end.sought !== null) this.#add(seekers(end.sought), end);
    if (peer === null) return end;
    end.peer = peer;
    peer.peer = end;
    this.#paired(end, peer);
    return end;
  }

  /** The socket is closed. Its end is remembered for a while, as its peer may still appear. */
  close(end: SocketEnd): void {
    if (end.closed) return;
    end.closed = true;
    this.#closed.add(end);
    if (this.#closed.size <= MAX_CLOSED_ENDS) return;
    for (const oldest of this.#closed) {
      this.#forget(oldest);
      break;
    }
  }

  #forget(end: SocketEnd): void {
    this.#closed.delete(end);
    this.#remove(end.own, end);
    if (end.sought !== null) this.#remove(seekers(end.sought), end);
    this.#forgotten(end);
  }

  #find(end: SocketEnd): SocketEnd | null {
    const found = end.sought === null ? [] : (this.#ends.get(end.sought) ?? []);
    const all = new Set([...found, ...(this.#ends.get(seekers(end.own)) ?? [])]);
    const free = [...all].filter(({ peer }) => peer === null);
    const unix = end.info.transport === 'unix';
    // Inodes of sockets are not reused for years.
    const certain = free.filter((other) => unix || fits(end, other) === true);
    if (certain.length > 0) return certain.length === 1 ? (certain[0] ?? null) : null;
    const possible = free.filter((other) => fits(end, other) === null && isOpen(end) && isOpen(other));
    return possible.length === 1 ? (possible[0] ?? null) : null;
  }

  #add(key: string, end: SocketEnd): void {
    const alike = this.#ends.get(key);
    if (alike === undefined) {
      this.#ends.set(key, [end]);
      return;
    }
    alike.push(end);
    if (alike.length > MAX_ALIKE) alike.shift();
  }

  #remove(key: string, end: SocketEnd): void {
    const alike = this.#ends.get(key);
    if (alike === undefined) return;
    const at = alike.indexOf(end);
    if (at >= 0) alike.splice(at, 1);
    if (alike.length === 0) this.#ends.delete(key);
  }
}

/**
 * Are two sockets with each other's addresses and ports one connection? They are if the server's handshake ended while
 * the client's socket was connecting or connected; otherwise it is another connection with the same ports. null: the
 * beginning of one of them was not seen.
 */
function fits(one: SocketEnd, other: SocketEnd): boolean | null {
  const sides = [one.info, other.info];
  const client = sides.find(({ connectStarted }) => connectStarted !== null);
  const server = sides.find(({ side, established }) => side === 'server' && established !== null);
  if (client === undefined || server === undefined || client === server) return null;
  const { connectStarted, ends } = client;
  const { established } = server;
  if (connectStarted === null || established === null) return null;
  return connectStarted <= established && (ends.localClose === null || established <= ends.localClose);
}

/** Neither side has ended the connection, so no other one can have the same addresses and ports. */
function isOpen({ info, closed }: SocketEnd): boolean {
  const { localClose, peerEnd, error } = info.ends;
  return !closed && localClose === null && peerEnd === null && error === null;
}

interface Keys {
  readonly own: string;
  readonly sought: string | null;
}

function inetKeys(record: OpenedRecord): Keys | null {
  const { networkNamespace, localPort, remotePort } = record;
  if (localPort === 0 || remotePort === 0) return null;
  const local = `${addressKey(record.family, record.localAddress)}:${localPort}`;
  const remote = `${addressKey(record.family, record.remoteAddress)}:${remotePort}`;
  return {
    own: `${networkNamespace} ${local} ${remote}`,
    sought: `${networkNamespace} ${remote} ${local}`,
  };
}

/** One end of a connection may be an IPv4 socket, and the other an IPv6 socket with a mapped address. */
function addressKey(family: OpenedRecord['family'], address: Uint8Array): string {
  if (family === 'ipv4') return address.subarray(0, 4).join('.');
  const mapped =
    address[10] === 0xff && address[11] === 0xff && address.subarray(0, 10).every((byte) => byte === 0);
  return address.subarray(mapped ? 12 : 0, 16).join('.');
}

/** The peer of a connecting socket has no inode until it is accepted. */
function unixKeys({ inode, peerInode }: OpenedRecord): Keys | null {
  if (inode === 0n) return null;
  return { own: `unix ${inode}`, sought: peerInode === 0n ? null : `unix ${peerInode}` };
}

/** The key for ends whose peer is `own`. */
function seekers(own: string): string {
  return `to ${own}`;
}
