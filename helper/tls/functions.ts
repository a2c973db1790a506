/** The functions of TLS libraries that have probes, and the libraries: numbers shared with bpf/trace_http.h. */

/** enum tls_function */
export enum TlsFunction {
  Read = 1,
  ReadEx = 2,
  ReadEarly = 3,
  Write = 4,
  WriteEx = 5,
  WriteEx2 = 6,
  WriteEarly = 7,
  Sendfile = 8,
  Peek = 9,
  Handshake = 10,
  Shutdown = 11,
  Free = 12,
  Close = 13,
  Alpn = 14,
  BioWrite = 15,
  LoaderState = 16,
  Flush = 17,
}

export interface ProbedFunction {
  readonly symbol: string;
  readonly function: TlsFunction;
  /** Its return is of interest too. */
  readonly returns: boolean;
}

const both = (symbol: string, tlsFunction: TlsFunction): ProbedFunction => ({
  symbol,
  function: tlsFunction,
  returns: true,
});

const entry = (symbol: string, tlsFunction: TlsFunction): ProbedFunction => ({
  symbol,
  function: tlsFunction,
  returns: false,
});

/** OpenSSL's libssl, 1.1.1 and 3.x, and what is made of it; those that a version lacks are not there. */
export const SSL_FUNCTIONS: readonly ProbedFunction[] = [
  both('SSL_read', TlsFunction.Read),
  both('SSL_read_ex', TlsFunction.ReadEx),
  both('SSL_read_early_data', TlsFunction.ReadEarly),
  both('SSL_write', TlsFunction.Write),
  both('SSL_write_ex', TlsFunction.WriteEx),
  both('SSL_write_ex2', TlsFunction.WriteEx2),
  both('SSL_write_early_data', TlsFunction.WriteEarly),
  both('SSL_sendfile', TlsFunction.Sendfile),
  both('SSL_peek', TlsFunction.Peek),
  both('SSL_peek_ex', TlsFunction.Peek),
  both('SSL_do_handshake', TlsFunction.Handshake),
  both('SSL_connect', TlsFunction.Handshake),
  both('SSL_accept', TlsFunction.Handshake),
  entry('SSL_shutdown', TlsFunction.Shutdown),
  entry('SSL_free', TlsFunction.Free),
  both('SSL_get0_alpn_selected', TlsFunction.Alpn),
];

/** OpenSSL's libcrypto. */
export const BIO_FUNCTIONS: readonly ProbedFunction[] = [entry('BIO_write', TlsFunction.BioWrite)];

export const GNUTLS_FUNCTIONS: readonly ProbedFunction[] = [
  both('gnutls_record_recv', TlsFunction.Read),
  both('gnutls_record_recv_seq', TlsFunction.Read),
  both('gnutls_record_recv_early_data', TlsFunction.Read),
  both('gnutls_record_send', TlsFunction.Write),
  both('gnutls_record_send2', TlsFunction.Write),
  both('gnutls_record_uncork', TlsFunction.Flush),
  both('gnutls_record_send_early_data', TlsFunction.Write),
  both('gnutls_handshake', TlsFunction.Handshake),
  entry('gnutls_bye', TlsFunction.Shutdown),
  entry('gnutls_deinit', TlsFunction.Free),
  both('gnutls_alpn_get_selected_protocol', TlsFunction.Alpn),
];

/**
 * Go's crypto/tls. Not `HandshakeContext`: each Read and Write calls it; these two run once a handshake. Go's
 * stacks move, so a return address must not be touched: none of them ever has a uretprobe.
 */
export const GO_FUNCTIONS: readonly ProbedFunction[] = [
  both('crypto/tls.(*Conn).Read', TlsFunction.Read),
  both('crypto/tls.(*Conn).Write', TlsFunction.Write),
  both('crypto/tls.(*Conn).clientHandshake', TlsFunction.Handshake),
  both('crypto/tls.(*Conn).serverHandshake', TlsFunction.Handshake),
  entry('crypto/tls.(*Conn).CloseWrite', TlsFunction.Shutdown),
  both('crypto/tls.(*Conn).Close', TlsFunction.Close),
];

/**
 * Functions of the C library by which libraries have been mapped: those that a program was linked with, before its
 * `main` runs, and those that it loads later. Not the dynamic loader's `_dl_debug_state`, which is made for this:
 * debuggers have their own breakpoint there, and would no longer see it hit.
 */
export const LOADER_FUNCTIONS: readonly ProbedFunction[] = [
  entry('__libc_start_main', TlsFunction.LoaderState),
  both('dlopen', TlsFunction.LoaderState),
];
