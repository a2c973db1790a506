/** Recognises the TLS library inside a file without function symbols, by the constants that the library contains. */
import { setImmediate as others } from 'node:timers/promises';
import type { TlsKind } from '../protocol.ts';
import type { ElfFile } from './elf.ts';

export interface NamedLibrary {
  readonly kind: TlsKind;
  /** null = not known. */
  readonly version: string | null;
  /** If the file has several and it is unclear which is used: these; `kind` is then `unknown`. */
  readonly others: readonly TlsKind[];
}

/** RFC 8446, section 4.4.3: every implementation of TLS 1.3 signs this string, so it contains it. */
const PROOF = Buffer.from('TLS 1.3, server CertificateVerify', 'latin1');

interface Sign {
  readonly kind: TlsKind;
  /** Every match contains one of these, by which large files are searched quickly. */
  readonly words: readonly string[];
  readonly sign: RegExp;
  readonly version?: RegExp;
}

/** Constants that only that library contains: file names of its source, and its own name and version. */
const SIGNS: readonly Sign[] = [
  {
    kind: 'rustls',
    words: ['rustls'],
    sign: /rustls-\d|rustls::|\/rustls\/src\//,
    version: /\/rustls-(\d+\.\d+\.\d+[\w.-]*?)\//,
  },
  {
    kind: 'boringssl',
    words: ['boringssl', 'BoringSSL'],
    sign: /boringssl\/(?:src\/)?(?:ssl|crypto)\/|BoringSSL/,
  },
  { kind: 'wolfssl', words: ['wolfSSL'], sign: /wolfSSL/, version: /wolfSSL (\d+\.\d+\.\d+)/ },
  {
    kind: 'mbedtls',
    words: ['mbed TLS', 'mbedTLS', 'mbedtls', 'Mbed TLS', 'MBEDTLS'],
    sign: /mbed ?TLS|mbedtls/i,
    version: /mbed TLS (\d+\.\d+\.\d+)/i,
  },
  {
    kind: 'openssl',
    words: ['OpenSSL ', 'ssl/ssl_lib.c'],
    sign: /OpenSSL \d+\.\d+\.\d+|ssl\/ssl_lib\.c/,
    version: /OpenSSL (\d+\.\d+\.\d+[a-z]*)/,
  },
  { kind: 'gnutls', words: ['GnuTLS'], sign: /GnuTLS/, version: /GnuTLS (\d+\.\d+\.\d+)/ },
  {
    kind: 'nss',
    words: ['NSS_RegisterShutdown', 'SSL_ImportFD'],
    sign: /NSS_RegisterShutdown|SSL_ImportFD/,
  },
];
/** The name of rustls is also in programs that contain it but use another library (workerd). */
const BESIDE_RUSTLS: readonly TlsKind[] = ['boringssl', 'openssl'];

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
    const bytes = elf.bytes(piece.offset, piece.length);
    let text = '';
    for (const { kind, words, sign, version } of SIGNS) {
      if (!words.some((word) => bytes.includes(word))) continue;
      text ||= bytes.toString('latin1');
      if (!found.has(kind) && sign.test(text)) found.set(kind, null);
      if (version === undefined || !found.has(kind) || found.get(kind) !== null) continue;
      found.set(kind, version.exec(text)?.[1] ?? null);
    }
    await others();
  }
  const beside = BESIDE_RUSTLS.find((kind) => found.has(kind));
  if (found.has('rustls') && beside !== undefined)
    return { kind: 'unknown', version: null, others: ['rustls', beside] };
  // In the order of the table: libraries that resemble OpenSSL contain OpenSSL's name, too.
  const first = SIGNS.find(({ kind }) => found.has(kind));
  return first === undefined
    ? { kind: 'unknown', version: null, others: [] }
    : { kind: first.kind, version: found.get(first.kind) ?? null, others: [] };
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
