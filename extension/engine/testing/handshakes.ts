/** Conversations between real TLS peers, byte for byte; test/fixtures/tls/record.mjs made them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ending, WireProtocol } from '../record.ts';
import { type ConversationOptions, conversation, type RecordSpec, START, type Step } from './records.ts';

export type HandshakePiece =
  | { readonly by: 'client' | 'server'; readonly bytes: Buffer }
  | { readonly by: 'client' | 'server'; readonly end: true };

type Recorded = Record<string, ({ by: 'client' | 'server' } & ({ bytes: string } | { end: true }))[]>;

const file = join(import.meta.dirname, '../../../test/fixtures/tls/handshakes.json');
const recorded = JSON.parse(readFileSync(file, 'utf8')) as Recorded;

export const HANDSHAKES: Readonly<Record<string, readonly HandshakePiece[]>> = Object.fromEntries(
  Object.entries(recorded).map(([name, pieces]) => [
    name,
    pieces.map((piece) =>
      'bytes' in piece
        ? { by: piece.by, bytes: Buffer.from(piece.bytes, 'base64') }
        : { by: piece.by, end: true },
    ),
  ]),
);

/** @throws when there is no conversation of this name. */
export function handshake(name: string): readonly HandshakePiece[] {
  const pieces = HANDSHAKES[name];
  if (pieces === undefined) throw new Error(`There is no conversation ${name}.`);
  return pieces;
}

/** Of the connection that {@link ciphertext} makes. */
export const SOCKET = 1n;
export const ADDRESSES = { local: '127.0.0.1:40000', remote: '10.0.0.9:8443' };

const MS = 1_000_000n;

/** The ciphertext of a recorded conversation on a socket. A piece a millisecond, the first after one. */
export function ciphertext(
  name: string,
  {
    side = 'client',
    rest = [],
    ...options
  }: Omit<ConversationOptions, 'side'> & {
    side?: 'client' | 'server';
    rest?: readonly Step[];
  } = {},
): RecordSpec[] {
  const steps = handshake(name).map((piece): Step => {
    const way = piece.by === side ? 'out' : 'in';
    if ('end' in piece) return { end: way, ending: way === 'out' ? Ending.Fin : Ending.ReadEof };
    return way === 'out' ? { out: piece.bytes } : { in: piece.bytes };
  });
  return conversation([...steps, ...rest], {
    ...ADDRESSES,
    connection: SOCKET,
    side,
    protocol: WireProtocol.Tls,
    connectStarted: START - 3n * MS,
    established: START - MS,
    ...options,
  });
}
