/**
 * Finds the two sockets of one connection, where both processes are traced: TCP by both addresses and ports in one
 * network namespace, Unix sockets by the inode of the peer's socket, which the kernel knows. Ports are used again, so
 * the times must fit, too. What is not certain is no pair.
 */
import { MAX_CLOSED_ENDS } from '../limits.ts';
import type { OpenedRecord } from '../record.ts';
import { type EndFacts, SocketEnd } from './socketEnd.ts';

/** Sockets with the same addresses and ports that are remembered: all but the newest are closed. */
const MAX_ALIKE = 4;

export class SocketPairs {
  /** By {@link SocketEnd.own}, and those of Unix sockets by their peer, too. */
  readonly #ends = new Map<string, SocketEnd[]>();
  /** The peer may be accepted, or read from, after a socket was closed. The oldest first. */
  readonly #closed = new Set<SocketEnd>();
  readonly #paired: (one: SocketEnd, other: SocketEnd) => void;
  readonly #forgotten: (end: SocketEnd) => void;

  /**
   * @param paired called once for each pair.
   * @param forgotten nothing is paired with this end any more.
   */
  constructor(
    paired: (one: SocketEnd, other: SocketEnd) => void,
    forgotten: (end: SocketEnd) => void = () => {},
  ) {
    this.#paired = paired;
    this.#forgotten = forgotten;
  }

  /** Remembers the end whose addresses and times `info` has by now. @returns null for one that cannot have a peer. */
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

  /** The socket is closed: what was seen of it may still find its peer, for a while. */
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
    // Inodes of sockets are not used again for years.
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
 * Two sockets with each other's addresses and ports: is it one connection? The server's handshake ended while the
 * client's socket was connecting or connected, or it is another connection with the same ports. null: the beginning
 * of one of them was not seen.
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

/** Neither side has ended it: there is no other connection with its addresses and ports. */
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

/** Either end of a connection may be an IPv4 socket, and the other one IPv6 with a mapped address. */
function addressKey(family: OpenedRecord['family'], address: Uint8Array): string {
  if (family === 'ipv4') return address.subarray(0, 4).join('.');
  const mapped =
    address[10] === 0xff && address[11] === 0xff && address.subarray(0, 10).every((byte) => byte === 0);
  return address.subarray(mapped ? 12 : 0, 16).join('.');
}

/** A socket that connects may have a peer before that has an inode: before it is accepted. */
function unixKeys({ inode, peerInode }: OpenedRecord): Keys | null {
  if (inode === 0n) return null;
  return { own: `unix ${inode}`, sought: peerInode === 0n ? null : `unix ${peerInode}` };
}

/** Ends that are found by their peer. */
function seekers(own: string): string {
  return `to ${own}`;
}
