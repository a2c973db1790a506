/** Identifies the TLS library that a file is or contains, and the places for its probes. */
import type { TlsKind, TlsLibrary } from '../protocol.ts';
import { BIO_METHOD, probesOfBio } from './bioMethod.ts';
import type { ElfSymbol } from './elf.ts';
import { ElfFile, isUnreadable } from './elf.ts';
import {
  BIO_FUNCTIONS,
  GNUTLS_FUNCTIONS,
  GO_CALLERS,
  GO_FUNCTIONS,
  LOADER_FUNCTIONS,
  MBEDTLS_FUNCTIONS,
  MONO_BTLS_FUNCTIONS,
  NSPR_FUNCTIONS,
  NSS_FUNCTIONS,
  type ProbedFunction,
  SEND_FUNCTIONS,
  SSL_FUNCTIONS,
  TlsFunction,
  WOLFSSL_FUNCTIONS,
} from './functions.ts';
import { type GoProgram, readGoProgram } from './go.ts';
import { nameLibrary } from './namedLibraries.ts';
import { type Probe, probesOf } from './probes.ts';
import { readConstant } from './returns.ts';

/** The findings about one file. */
export interface Library {
  /**
   * `tls`: the library itself. `bio`: OpenSSL's libcrypto, which matters only beside it; `nspr`: likewise for NSS.
   * `version`: has the version of the library beside it, and no probes. `loader`: the dynamic loader, a probe of which
   * shows when a program loads more libraries.
   */
  readonly part: 'tls' | 'bio' | 'nspr' | 'version' | 'loader';
  readonly kind: TlsKind;
  /** null = not known. */
  readonly version: string | null;
  /** Empty when its plaintext cannot be read: then `reason` says why. */
  readonly probes: readonly Probe[];
  /** How the returns of the functions that move data are seen. */
  readonly returns: TlsLibrary['returns'];
  /** A text for the user, to follow "not decrypted: "; null when there are probes. */
  readonly reason: string | null;
  /** For a `loader`: functions that send, which get probes only where a break is armed. */
  readonly sends?: readonly Probe[];
}

/** Functions by which the other libraries are recognised. */
const MARKERS = {
  /** BoringSSL has it, OpenSSL does not. */
  boringssl: 'SSL_CTX_set_custom_verify',
  wolfssl: 'wolfSSL_read',
  mbedtls: 'mbedtls_ssl_read',
  mbedtlsVersion: 'mbedtls_version_get_string',
  nss: 'SSL_ImportFD',
  nspr: 'PR_Read',
  java: 'JNI_CreateJavaVM',
  monoBtls: 'mono_btls_ssl_read',
  opensslVersion: 'OpenSSL_version_num',
} as const;

/** Why the plaintext of a library without probes cannot be read. */
const REASONS: Readonly<Record<TlsKind, string>> = {
  openssl: 'it was built with OpenSSL inside, and the names of its functions were stripped',
  boringssl: 'it was built with BoringSSL inside, and the names of its functions were stripped',
  gnutls: 'it was built with GnuTLS inside, and the names of its functions were stripped',
  go: "its code of Go's crypto/tls could not be analysed",
  rustls: 'rustls is not supported, as Rust has no fixed calling convention',
  wolfssl: 'it was built with wolfSSL inside, and the names of its functions were stripped',
  mbedtls: 'it was built with Mbed TLS inside, and the names of its functions were stripped',
  nss: 'it was built with NSS inside, and the names of its functions were stripped',
  java: 'Java is not supported: it encrypts in code that it generates at run time',
  unknown: 'its TLS library was not recognised',
};

const LIBRARY_NAMES: Partial<Record<TlsKind, string>> = { boringssl: 'BoringSSL', openssl: 'OpenSSL' };

const PROBED = [
  ...[SSL_FUNCTIONS, BIO_FUNCTIONS, GNUTLS_FUNCTIONS, NSS_FUNCTIONS, NSPR_FUNCTIONS, MBEDTLS_FUNCTIONS],
  ...[WOLFSSL_FUNCTIONS, MONO_BTLS_FUNCTIONS, LOADER_FUNCTIONS, SEND_FUNCTIONS],
].flat();
const NAMES: ReadonlySet<string> = new Set([
  ...PROBED.filter(({ calledBy }) => calledBy === null).map(({ symbol }) => symbol),
  ...Object.values(MARKERS),
  BIO_METHOD,
]);
/** Beginnings of all NAMES. */
const PREFIXES = [
  'SSL_',
  'BIO_write',
  'BIO_f_ssl',
  'ERR_vset_error',
  'ERR_put_error',
  'gnutls_',
  'dlopen',
  'send',
  'write',
  '__libc_start_main',
  'OpenSSL_version_num',
  'PR_',
  'wolfSSL_',
  'mbedtls_ssl_',
  'mbedtls_version_',
  'JNI_CreateJavaVM',
  'mono_btls_ssl_',
];

const GO_NAMES: ReadonlySet<string> = new Set([...GO_FUNCTIONS, ...GO_CALLERS].map(({ symbol }) => symbol));
const GO_PREFIXES = ['crypto/tls.(*Conn).', 'net/http.(*', 'golang.org/x/net/http2.(*'];
/** Of 1.x: those whose structures bpf/gocaller.h knows, and in whose tables `extension/capture/goLines.ts` finds lines. */
const GO_CALLER_VERSIONS = { first: 18, last: 25 } as const;

/** Bytes of constants that are searched for a version. */
const MAX_CONSTANTS = 4 * 1024 * 1024;

const MBEDTLS_VERSION = /mbed ?TLS (\d+\.\d+\.\d+)/i;

const DATA_FUNCTIONS: ReadonlySet<TlsFunction> = new Set([
  TlsFunction.Read,
  TlsFunction.ReadEx,
  TlsFunction.ReadInner,
  TlsFunction.Write,
  TlsFunction.WriteEx,
  TlsFunction.WriteEx2,
  TlsFunction.Receive,
  TlsFunction.WriteVector,
]);

/**
 * @param descriptor of a file; the caller closes it
 * @returns null when it contains no TLS library, or cannot be parsed
 */
export function identify(descriptor: number): Library | null {
  try {
    return identifyElf(ElfFile.read(descriptor));
  } catch (error) {
    if (isUnreadable(error)) return null;
    throw error;
  }
}

/**
 * As {@link identify}, for a file in which that found nothing: slow, because it reads all constants. It does
 * no asynchronous I/O, but lets the event loop run in between.
 */
export async function recognise(descriptor: number): Promise<Library | null> {
  try {
    const named = await nameLibrary(ElfFile.read(descriptor));
    if (named === null) return null;
    const { kind, version, others } = named;
    if (others.length === 0) return encrypted(kind, version);
    const names = others.map((other) => LIBRARY_NAMES[other] ?? other).join(' and ');
    return encrypted(kind, version, `it contains ${names}, and it is not known which of them it uses`);
  } catch (error) {
    if (isUnreadable(error)) return null;
    throw error;
  }
}

function identifyElf(elf: ElfFile): Library | null {
  const program = readGoProgram(elf, GO_NAMES, GO_PREFIXES);
  if (program !== null) {
    const library = identifyGo(elf, program);
    if (library !== null) return library;
  }
  const symbols = elf.functions(NAMES, PREFIXES);
  if (symbols.has('SSL_read') && symbols.has('SSL_write')) {
    const kind = symbols.has(MARKERS.boringssl) ? 'boringssl' : 'openssl';
    const version = kind === 'openssl' ? opensslVersion(elf, symbols) : null;
    const library = probed(elf, symbols, 'tls', kind, version, [...SSL_FUNCTIONS, ...BIO_FUNCTIONS]);
    return { ...library, probes: [...library.probes, ...probesOfBio(elf, SSL_FUNCTIONS, symbols)] };
  }
  if (symbols.has('gnutls_record_send')) {
    return probed(elf, symbols, 'tls', 'gnutls', versionIn(elf, /GnuTLS (\d+\.\d+\.\d+)/), GNUTLS_FUNCTIONS);
  }
  if (symbols.has(MARKERS.monoBtls)) {
    return probed(elf, symbols, 'tls', 'boringssl', null, MONO_BTLS_FUNCTIONS);
  }
  if (symbols.has(MARKERS.nss)) {
    const version = versionIn(elf, /Version: NSS (\d+\.\d+(?:\.\d+)?)/);
    return probed(elf, symbols, 'tls', 'nss', version, [...NSS_FUNCTIONS, ...NSPR_FUNCTIONS]);
  }
  if (symbols.has(MARKERS.nspr) && symbols.has('PR_Write')) {
    return probed(elf, symbols, 'nspr', 'nss', null, NSPR_FUNCTIONS);
  }
  if (symbols.has(MARKERS.mbedtls)) {
    return probed(elf, symbols, 'tls', 'mbedtls', versionIn(elf, MBEDTLS_VERSION), MBEDTLS_FUNCTIONS);
  }
  if (symbols.has(MARKERS.wolfssl)) {
    return probed(
      elf,
      symbols,
      'tls',
      'wolfssl',
      versionIn(elf, /wolfSSL (\d+\.\d+\.\d+)/),
      WOLFSSL_FUNCTIONS,
    );
  }
  if (symbols.has('BIO_write') && symbols.has(MARKERS.opensslVersion)) {
    return probed(elf, symbols, 'bio', 'openssl', opensslVersion(elf, symbols), BIO_FUNCTIONS);
  }
  if (symbols.has('__libc_start_main') || symbols.has('dlopen'))
    return {
      ...probed(elf, symbols, 'loader', 'unknown', null, LOADER_FUNCTIONS),
      sends: probesOf(elf, SEND_FUNCTIONS, symbols),
    };
  if (symbols.has(MARKERS.mbedtlsVersion)) {
    return probed(elf, symbols, 'version', 'mbedtls', versionIn(elf, MBEDTLS_VERSION), []);
  }
  return symbols.has(MARKERS.java) ? encrypted('java', null) : null;
}

/** @returns null for a Go program without TLS */
function identifyGo(elf: ElfFile, { version, registers, hasAny, functions }: GoProgram): Library | null {
  if (!hasAny) return null;
  if (registers !== true) {
    const builder = version === null ? 'an old Go' : `Go ${version}`;
    return encrypted('go', version, `it was built by ${builder}, and Go 1.17 or later is supported`);
  }
  const wanted = hasKnownCallers(version) ? [...GO_FUNCTIONS, ...GO_CALLERS] : GO_FUNCTIONS;
  const probes = probesOf(elf, wanted, functions, 'go');
  // Go moves its stacks: a changed return address would crash the program.
  const unsure = new Set(probes.filter(({ kind }) => kind === 'uretprobe').map(({ symbol }) => symbol));
  const sure = probes.filter(({ symbol }) => !unsure.has(symbol));
  if (sure.some(({ function: of }) => DATA_FUNCTIONS.has(of))) {
    return { part: 'tls', kind: 'go', version, probes: sure, returns: 'instructions', reason: null };
  }
  return encrypted('go', version);
}

function hasKnownCallers(version: string | null): boolean {
  const minor = Number(version?.split('.')[1] ?? 0);
  return minor >= GO_CALLER_VERSIONS.first && minor <= GO_CALLER_VERSIONS.last;
}

function probed(
  elf: ElfFile,
  symbols: ReadonlyMap<string, ElfSymbol>,
  part: Library['part'],
  kind: TlsKind,
  version: string | null,
  functions: readonly ProbedFunction[],
): Library {
  const probes = probesOf(elf, functions, symbols);
  const guessed = probes.some(({ kind, function: of }) => kind === 'uretprobe' && DATA_FUNCTIONS.has(of));
  return { part, kind, version, probes, returns: guessed ? 'uretprobe' : 'instructions', reason: null };
}

function encrypted(kind: TlsKind, version: string | null, reason: string = REASONS[kind]): Library {
  return { part: 'tls', kind, version, probes: [], returns: null, reason };
}

function opensslVersion(elf: ElfFile, symbols: ReadonlyMap<string, ElfSymbol>): string | null {
  const symbol = symbols.get(MARKERS.opensslVersion);
  const offset = symbol === undefined ? null : elf.fileOffset(symbol.address, true);
  if (symbol !== undefined && offset !== null && symbol.size > 0 && symbol.size <= 64) {
    const number = readConstant(elf.bytes(offset, symbol.size), symbol.address, elf.machine);
    if (number !== null) return formatOpensslVersion(number);
  }
  return versionIn(elf, /OpenSSL (\d+\.\d+\.\d+[a-z]*)/);
}

/** OPENSSL_VERSION_NUMBER: 0xMNN00PP0 since 3.0, before 0xMNNFFPPS, where PP counts the letters. */
export function formatOpensslVersion(number: number): string {
  const major = number >>> 28;
  const minor = (number >>> 20) & 0xff;
  const fix = (number >>> 12) & 0xff;
  const patch = (number >>> 4) & 0xff;
  if (major >= 3) return `${major}.${minor}.${patch}`;
  const letter = patch >= 1 && patch <= 26 ? String.fromCharCode(96 + patch) : '';
  return `${major}.${minor}.${fix}${letter}`;
}

/** The first match among the file's constants, which hold the names that the library has for itself. */
function versionIn(elf: ElfFile, pattern: RegExp): string | null {
  const constants = elf.section('.rodata');
  if (constants === null) return null;
  const text = elf.bytes(constants.offset, Math.min(constants.size, MAX_CONSTANTS)).toString('latin1');
  return pattern.exec(text)?.[1] ?? null;
}
