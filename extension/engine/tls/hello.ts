/**
 * ClientHello and ServerHello (RFC 8446 section 4.1, RFC 5246 section 7.4.1): the fields that a developer
 * needs. Unparsable parts are null; nothing throws.
 */

export interface ClientHello {
  /** server_name (RFC 6066 section 3); null without one. */
  readonly serverName: string | null;
  /** Protocols offered by ALPN (RFC 7301), in order of preference. */
  readonly alpn: readonly string[];
  /** 0-RTT data follows (RFC 8446 section 4.2.10). */
  readonly earlyData: boolean;
}

export interface ServerHello {
  /** Selected version, from supported_versions if present. */
  readonly version: number;
  readonly cipherSuite: number;
  /** Selected protocol; always null in TLS 1.3, where it is encrypted. */
  readonly alpn: string | null;
  /** A HelloRetryRequest (RFC 8446 section 4.1.4): another ClientHello follows. */
  readonly retry: boolean;
  /** A pre-shared key was selected (RFC 8446 section 4.2.11): a resumed session, or an external key. */
  readonly preSharedKey: boolean;
}

const EXTENSION_SERVER_NAME = 0;
const EXTENSION_ALPN = 16;
const EXTENSION_PRE_SHARED_KEY = 41;
const EXTENSION_EARLY_DATA = 42;
const EXTENSION_SUPPORTED_VERSIONS = 43;
const NAME_TYPE_HOST = 0;
const RANDOM_SIZE = 32;
/** SHA-256 of "HelloRetryRequest". */
const RETRY_RANDOM = 'cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c';
/** RFC 1035: longest name of a host. */
const MAX_NAME = 255;
/** Protocols kept; a hostile hello could list some ten thousand. */
const MAX_PROTOCOLS = 32;

/** A position in a message. Reading beyond the end returns nothing and sets a flag. */
class Cursor {
  failed = false;
  #at = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.failed || this.#at >= this.#bytes.length;
  }

  number(size: 1 | 2): number {
    const bytes = this.take(size);
    return bytes.reduce((value, byte) => (value << 8) | byte, 0);
  }

  take(length: number): Uint8Array {
    if (this.failed || length > this.#bytes.length - this.#at) {
      this.failed = true;
      return new Uint8Array(0);
    }
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** A vector: its length in `size` bytes, then that many bytes. */
  vector(size: 1 | 2): Uint8Array {
    return this.take(this.number(size));
  }
}

/** @param body of the handshake message, without its header. */
export function readClientHello(body: Uint8Array): ClientHello | null {
  const cursor = new Cursor(body);
  cursor.number(2);
  cursor.take(RANDOM_SIZE);
  cursor.vector(1); // session id
  cursor.vector(2); // cipher suites
  cursor.vector(1); // compression methods
  if (cursor.failed) return null;
  const extensions = readExtensions(cursor);
  const protocols = extensions.get(EXTENSION_ALPN);
  return {
    serverName: readServerName(extensions.get(EXTENSION_SERVER_NAME)),
    alpn: protocols === undefined ? [] : readProtocols(protocols),
    earlyData: extensions.has(EXTENSION_EARLY_DATA),
  };
}

/** @param body of the handshake message, without its header. */
export function readServerHello(body: Uint8Array): ServerHello | null {
  const cursor = new Cursor(body);
  const legacyVersion = cursor.number(2);
  const random = cursor.take(RANDOM_SIZE);
  cursor.vector(1); // session id
  const cipherSuite = cursor.number(2);
  cursor.number(1); // compression method
  if (cursor.failed) return null;
  const extensions = readExtensions(cursor);
  const selected = extensions.get(EXTENSION_SUPPORTED_VERSIONS);
  const protocols = extensions.get(EXTENSION_ALPN);
  return {
    version: selected?.length === 2 ? ((selected[0] ?? 0) << 8) | (selected[1] ?? 0) : legacyVersion,
    cipherSuite,
    alpn: protocols === undefined ? null : (readProtocols(protocols)[0] ?? null),
    retry: Buffer.from(random).toString('hex') === RETRY_RANDOM,
    preSharedKey: extensions.has(EXTENSION_PRE_SHARED_KEY),
  };
}

/** The first of each type. */
function readExtensions(cursor: Cursor): Map<number, Uint8Array> {
  const extensions = new Map<number, Uint8Array>();
  if (cursor.done) return extensions;
  const list = new Cursor(cursor.vector(2));
  while (!list.done) {
    const type = list.number(2);
    const data = list.vector(2);
    if (!list.failed && !extensions.has(type)) extensions.set(type, data);
  }
  return extensions;
}

function readServerName(data: Uint8Array | undefined): string | null {
  if (data === undefined) return null;
  const list = new Cursor(new Cursor(data).vector(2));
  while (!list.done) {
    const type = list.number(1);
    const name = list.vector(2);
    if (list.failed || type !== NAME_TYPE_HOST) continue;
    return name.length === 0 || name.length > MAX_NAME ? null : Buffer.from(name).toString('latin1');
  }
  return null;
}

function readProtocols(data: Uint8Array): string[] {
  const list = new Cursor(new Cursor(data).vector(2));
  const protocols: string[] = [];
  while (!list.done && protocols.length < MAX_PROTOCOLS) {
    const name = list.vector(1);
    if (!list.failed && name.length > 0) protocols.push(Buffer.from(name).toString('latin1'));
  }
  return protocols;
}
