/**
 * The functions of TLS libraries that have probes. catalogue.json is the one list of them: the loader's broker, which
 * attaches nowhere else, is compiled with the same file (scripts/build.mjs).
 */
import catalogue from './catalogue.json';

/** enum tls_function of bpf/trace_http.h */
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
  Error = 18,
  PutError = 19,
  Verification = 20,
  ReadInner = 21,
  Clear = 22,
  Step = 32,
  Receive = 33,
  WriteVector = 34,
  Import = 35,
  Send = 36,
  SendVector = 37,
  SendMessage = 38,
  GoRequest = 64,
  GoRequest2 = 65,
  GoHeaders2 = 66,
}

/** Functions from here on are not TLS functions: they show where in a Go program a request comes from (bpf/gocaller.h). */
export const FIRST_CALLER_FUNCTION = TlsFunction.GoRequest;

export interface ProbedFunction {
  readonly symbol: string;
  readonly function: TlsFunction;
  /** The function's return has a probe, too. */
  readonly returns: boolean;
  /** For a function without a name in the file: one that calls it with its own arguments (bioMethod.ts). */
  readonly calledBy: string | null;
}

interface Entry {
  readonly symbol: string;
  readonly function: string;
  readonly returns: boolean;
  readonly calledBy?: string;
}

function functionsOf(entries: readonly Entry[]): readonly ProbedFunction[] {
  return entries.map(({ symbol, function: name, returns, calledBy = null }) => {
    const found = TlsFunction[name as keyof typeof TlsFunction];
    if (found === undefined) throw new Error(`catalogue.json has no such function: ${name}`);
    return { symbol, function: found, returns, calledBy };
  });
}

/** OpenSSL's libssl, 1.1.1 and 3.x, and its forks; a version may lack some of them. */
export const SSL_FUNCTIONS = functionsOf(catalogue.openssl);

/** OpenSSL's libcrypto. */
export const BIO_FUNCTIONS = functionsOf(catalogue.bio);

export const GNUTLS_FUNCTIONS = functionsOf(catalogue.gnutls);

/** NSS's libssl3, which adds TLS to NSPR descriptors. */
export const NSS_FUNCTIONS = functionsOf(catalogue.nss);

/** NSPR's libnspr4: what programs call to read and write, with TLS and without. */
export const NSPR_FUNCTIONS = functionsOf(catalogue.nspr);

/** 2.x and 3.x. */
export const MBEDTLS_FUNCTIONS = functionsOf(catalogue.mbedtls);

/** Mono's libmono-btls-shared: it contains BoringSSL, but only its own functions have names. */
export const MONO_BTLS_FUNCTIONS = functionsOf(catalogue.monoBtls);

/** Some of them call each other, or in a static library contain each other. */
export const WOLFSSL_FUNCTIONS = functionsOf(catalogue.wolfssl);

/**
 * Go's crypto/tls. Not HandshakeContext, called by each Read and Write: client/serverHandshake run once. Go's stacks
 * move, so a return address must not be changed: none of them ever has a uretprobe.
 */
export const GO_FUNCTIONS = functionsOf(catalogue.go);

/** Functions of Go's net/http and golang.org/x/net/http2 that run on the goroutine that makes a request. */
export const GO_CALLERS = functionsOf(catalogue.goCallers);

/**
 * Functions of the C library that show that libraries have been mapped: those that a program was linked with, before
 * its `main` runs, and those that it loads later. Not the dynamic loader's `_dl_debug_state`, which is made for this:
 * debuggers have their own breakpoint there, and would no longer see it hit.
 */
export const LOADER_FUNCTIONS = functionsOf(catalogue.loader);

/** Functions of the C library that send: they have probes only in a process for which a break is armed (breaks.ts). */
export const SEND_FUNCTIONS = functionsOf(catalogue.sends);
