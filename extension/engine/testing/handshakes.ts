/** Conversations between real TLS peers, byte for byte; test/fixtures/tls/record.mjs made them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

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
