/** Describes a TLS library's error code and its verdict on a certificate in words. */
import type { TlsLibraryName } from '../record.ts';
import { alertName } from './versionAndAlertNames.ts';

/** An error from a record, as reported by one side's library. */
export interface LibraryError {
  readonly library: TlsLibraryName | null;
  readonly side: 'client' | 'server' | null;
  /** ERR_GET_REASON of OpenSSL, GNUTLS_E_ without its sign; 0 = none. */
  readonly error: number;
  /** X509_V_ERR_; 0 = none. */
  readonly verification: number;
}

/** OpenSSL and BoringSSL report a received alert as this plus the alert's number. */
const ALERT_BASE = 1000;
const MAX_ALERT = 255;
const CERTIFICATE_REQUIRED = 116;
const VERIFY_FAILED = 134;
const GNUTLS_VERIFY_FAILED = 348;

/** Why the session failed, to follow "TLS handshake failed: "; null when the library has reported no error. */
export function libraryReason(said: LibraryError): string | null {
  const { library, side, error } = said;
  const own = side === null ? 'the traced program' : `the ${side}`;
  const peer = peerOf(side);
  if (isOpenssl(library) && error >= ALERT_BASE && error <= ALERT_BASE + MAX_ALERT) {
    const code = error - ALERT_BASE;
    const name = alertName(code);
    const alert = `${name === null ? `alert ${code}` : `${name} (alert ${code})`} sent by ${peer}`;
    return code === CERTIFICATE_REQUIRED ? `${alert}: it demands a certificate, and ${own} sent none` : alert;
  }
  const refused =
    (library === 'openssl' && error === VERIFY_FAILED) ||
    (library === 'gnutls' && error === GNUTLS_VERIFY_FAILED);
  if (refused) {
    const why = said.verification === 0 ? '' : `: ${verificationText(said.verification)}`;
    return `${own} does not accept the certificate of ${peer}${why}`;
  }
  if (error === 0) return null;
  if (library === 'openssl' && Object.hasOwn(OPENSSL_SENTENCES, error))
    return OPENSSL_SENTENCES[error]?.(own, peer) ?? null;
  if (library === 'openssl') return `${own} failed: ${OPENSSL[error] ?? `OpenSSL error ${error}`}`;
  if (library === 'gnutls') return `${own} failed: ${GNUTLS[error] ?? `GnuTLS error -${error}`}`;
  return null;
}

/** The library's verdict on the peer's certificate, if the program asked for it. The program may continue anyway. */
export function libraryVerdict({ side, verification }: LibraryError): string | null {
  return verification === 0 ? null : `the certificate of ${peerOf(side)}: ${verificationText(verification)}`;
}

function peerOf(side: LibraryError['side']): string {
  if (side === null) return 'the peer';
  return side === 'client' ? 'the server' : 'the client';
}

function isOpenssl(library: TlsLibraryName | null): boolean {
  return library === 'openssl' || library === 'boringssl';
}

function verificationText(code: number): string {
  const text = VERIFICATIONS[code];
  return text === undefined ? `verification error ${code}` : `${text} (verification error ${code})`;
}

/** X509_verify_cert_error_string of OpenSSL 3. */
const VERIFICATIONS: Readonly<Record<number, string>> = {
  2: 'unable to get issuer certificate',
  7: 'certificate signature failure',
  9: 'certificate is not yet valid',
  10: 'certificate has expired',
  18: 'self-signed certificate',
  19: 'self-signed certificate in certificate chain',
  20: 'unable to get local issuer certificate',
  21: 'unable to verify the first certificate',
  22: 'certificate chain too long',
  23: 'certificate revoked',
  25: 'path length constraint exceeded',
  26: 'unsuitable certificate purpose',
  27: 'certificate not trusted',
  28: 'certificate rejected',
  47: 'permitted subtree violation',
  48: 'excluded subtree violation',
  50: 'application verification failure',
  62: 'hostname mismatch',
  63: 'email address mismatch',
  64: 'IP address mismatch',
  66: 'EE certificate key too weak',
  67: 'CA certificate key too weak',
  68: 'CA signature digest algorithm too weak',
  79: 'invalid CA certificate',
};

/** Reasons of libssl that are clearer as a sentence that names both sides. */
const OPENSSL_SENTENCES: Readonly<Record<number, (own: string, peer: string) => string>> = {
  155: (own, peer) => `${peer} sent ${own} a request to a proxy in plaintext`,
  156: (own, peer) => `${peer} sent ${own} an HTTP request in plaintext`,
  193: (own, peer) => `${own} and ${peer} have no cipher suite in common`,
  199: (own, peer) => `${own} demands a certificate, and ${peer} sent none`,
  235: (own, peer) => `${own} supports none of the application protocols (ALPN) that ${peer} offers`,
  258: (own, peer) => `${own} does not accept the version of TLS that ${peer} uses`,
  294: (_own, peer) => `${peer} closed the connection without notice (no close_notify)`,
};

/** Reasons of libssl (openssl/sslerr.h): those that a user of the library may meet. */
const OPENSSL: Readonly<Record<number, string>> = {
  118: 'no suitable signature algorithm',
  166: 'version too high',
  185: 'no cipher match',
  207: 'protocol is shutdown',
  209: 'missing supported groups extension',
  221: 'missing signing cert',
  241: 'insufficient security',
  244: 'unexpected message',
  245: 'unexpected record',
  267: 'wrong version number',
  292: 'bad legacy version',
  338: 'unsafe legacy renegotiation disabled',
  396: 'version too low',
  397: 'ca key too small',
  398: 'ca md too weak',
  399: 'ee key too small',
};

/** Errors of GnuTLS (gnutls/gnutls.h), without their sign. */
const GNUTLS: Readonly<Record<number, string>> = {
  8: 'unsupported version',
  9: 'packet of an unexpected length',
  12: 'fatal alert received',
  15: 'unexpected packet',
  19: 'unexpected handshake packet',
  21: 'no common cipher suite',
  24: 'decryption failed',
  43: 'error in the certificate',
  49: 'no certificate was found',
  54: 'error in the pull function',
  53: 'error in the push function',
  87: 'no supported cipher suites',
  106: 'unsupported signature algorithm',
  110: 'the connection ended without close_notify',
  112: 'certificate is required',
  217: 'insufficient security',
  294: 'name not recognised',
  319: 'timed out',
  344: 'no common application protocol',
  347: 'inappropriate fallback',
  423: 'no common key share',
};
