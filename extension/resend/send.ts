/** Sends one request unchanged: follows no redirect, keeps no cookie, accepts no untrusted certificate. */
import type { HttpRequest } from '../export/replay.ts';
import { sendHttp1 } from './http1.ts';
import { sendHttp2 } from './http2.ts';
import { SendError, type SentResponse } from './sent.ts';

export interface SendOptions {
  readonly signal: AbortSignal;
  /** false: the user has seen what is wrong with the certificate, and has chosen to send. */
  readonly checkCertificate: boolean;
  /** Milliseconds without data after which the attempt is given up. */
  readonly patience?: number;
}

/** Milliseconds. */
const PATIENCE = 60_000;

/** @throws SendError */
export async function send(request: HttpRequest, options: SendOptions): Promise<SentResponse> {
  const { signal, patience = PATIENCE } = options;
  const giveUp = new AbortController();
  const stop = AbortSignal.any([signal, giveUp.signal]);
  let timer: NodeJS.Timeout | undefined;
  const alive = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => giveUp.abort(), patience);
  };
  alive();
  const begun = performance.now();
  try {
    const sent = request.version === '2' ? sendHttp2 : sendHttp1;
    const received = await sent(request, { signal: stop, checkCertificate: options.checkCertificate, alive });
    return { ...received, duration: performance.now() - begun };
  } catch (error) {
    if (signal.aborted) throw new SendError('cancelled', 'It was cancelled.');
    if (giveUp.signal.aborted) {
      throw new SendError('timeout', `${request.authority} sent nothing for ${patience / 1000} seconds.`);
    }
    throw failure(error, request.authority);
  } finally {
    clearTimeout(timer);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Nothing listens there: the connection was refused.',
  ECONNRESET: 'The connection was closed before there was a whole response.',
  ENOTFOUND: 'There is no server with this name.',
  EAI_AGAIN: 'The name could not be looked up.',
  EHOSTUNREACH: 'The server cannot be reached.',
  ENETUNREACH: 'The network cannot be reached.',
  ETIMEDOUT: 'The server did not answer.',
  EPIPE: 'The server closed the connection before it had read the request.',
  'wrong version number': 'The server does not speak TLS there: should the URL begin with http://?',
  'no application protocol': 'The server does not speak HTTP/2 there.',
  ERR_HTTP2_ERROR: 'The server does not speak HTTP/2 there.',
};

/** Node's error codes for a rejected certificate (OpenSSL's X509_V_ERR_… and its own). */
const CERTIFICATE =
  /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+|CERT_\w+|CRL_\w+|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|HOSTNAME_MISMATCH|ERR_TLS_CERT_ALTNAME_INVALID|ERROR_IN_CERT_\w+)$/;

function failure(error: unknown, authority: string): SendError {
  if (error instanceof SendError) return error;
  const { code = '', message } = rootOf(error);
  if (CERTIFICATE.test(code)) {
    return new SendError(
      'certificate',
      // Without Node's advice on its options.
      `The certificate of ${authority} is not trusted: ${message.replace(/; if the root CA.*/s, '')} (${code}).`,
    );
  }
  const known = Object.keys(REASONS).find((name) => name === code || message.includes(name));
  const reason = known === undefined ? message : `${REASONS[known]} (${code})`;
  return new SendError('failed', `${authority}: ${reason}`);
}

/** The error of the last address that was tried; for a reset stream, the reason. */
function rootOf(error: unknown): { readonly code?: string; readonly message: string } {
  let at = error;
  for (let depth = 0; depth < 4; depth++) {
    if (at instanceof AggregateError && at.errors.length > 0) at = at.errors.at(-1);
    else if (at instanceof Error && at.cause instanceof Error) at = at.cause;
  }
  return at instanceof Error ? at : { message: String(at) };
}
