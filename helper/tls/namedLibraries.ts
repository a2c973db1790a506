/** Recognises the TLS library inside a file without function symbols, by the constants that the library contains. */
import { setImmediate as others } from 'node:timers/promises';
import type { TlsKind } from '../protocol.ts';
import type { ElfFile } from './elf.ts';

export interface NamedLibrary {
  readonly kind: TlsKind;
  /** null = not known. */
  readonly version: string | null;
}

/** RFC 8446, section 4.4.3: every implementation of TLS 1.3 signs this string, so it contains it. */
const PROOF = Buffer.from('TLS 1.3, server CertificateVerify', 'latin1');

/** Constants that only that library contains: file names of its source, and its own name and version. */
const SIGNS: readonly { readonly kind: TlsKind; readonly sign: RegExp; readonly version?: RegExp }[] = [
  {
    kind: 'rustls',
    sign: /rustls-\d|rustls::|\/rustls\/src\//,
    version: /\/rustls-(\d+\.\d+\.\d+[\w.-]*?)\//,
  },
  { kind: 'boringssl', sign: /boringssl\/(?:src\/)?(?:ssl|crypto)\/|BoringSSL/ },
  { kind: 'wolfssl', sign: /wolfSSL/, version: /wolfSSL (\d+\.\d+\.\d+)/ },
  { kind: 'mbedtls', sign: /mbed ?TLS|mbedtls/i, version: /mbed TLS (\d+\.\d+\.\d+)/i },
  {
    kind: 'openssl',
    sign: /OpenSSL \d+\.\d+\.\d+|ssl\/ssl_lib\.c/,
    version: /OpenSSL (\d+\.\d+\.\d+[a-z]*)/,
  },
  { kind: 'gnutls', sign: /GnuTLS/, version: /GnuTLS (\d+\.\d+\.\d+)/ },
  { kind: 'nss', sign: /NSS_RegisterShutdown|SSL_ImportFD/ },
];

const SECTIONS = ['.rodata', '.data.rel.ro'];
/** Bytes of a file's constants that are searched at most. */
const MAX_SEARCHED = 64 * 1024 * 1024;
/** Bytes searched before the event loop gets a turn: some milliseconds. */
const PIECE = 512 * 1024;
/** Longest text that may lie across two pieces. */
const OVERLAP = 128;

/** @returns null when the file contains no TLS library. @throws ElfError */
export async function nameLibrary(elf: ElfFile): Promise<NamedLibrary | null> {
  let signed = false;
  for (const piece of pieces(elf)) {
    signed = elf.bytes(piece.offset, piece.length).includes(PROOF);
    if (signed) break;
    await others();
  }
  if (!signed) return null;
  const found = new Map<TlsKind, string | null>();
  for (const piece of pieces(elf)) {
    const text = elf.bytes(piece.offset, piece.length).toString('latin1');
    for (const { kind, sign, version } of SIGNS) {
      if (!found.has(kind) && sign.test(text)) found.set(kind, null);
      if (version === undefined || !found.has(kind) || found.get(kind) !== null) continue;
      found.set(kind, version.exec(text)?.[1] ?? null);
    }
    await others();
  }
  // In the order of the table: libraries that resemble OpenSSL contain OpenSSL's name, too.
  const first = SIGNS.find(({ kind }) => found.has(kind));
  return first === undefined
    ? { kind: 'unknown', version: null }
    : { kind: first.kind, version: found.get(first.kind) ?? null };
}

/** The file's constants in overlapping pieces. */
function* pieces(elf: ElfFile): Generator<{ readonly offset: number; readonly length: number }> {
  let left = MAX_SEARCHED;
  for (const name of SECTIONS) {
    const section = elf.section(name);
    if (section === null) continue;
    const size = Math.min(section.size, left);
    left -= size;
    for (let at = 0; at < size; at += PIECE) {
      yield { offset: section.offset + at, length: Math.min(PIECE + OVERLAP, size - at) };
    }
  }
}
