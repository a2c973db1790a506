/**
 * HTTP Archive 1.2: the parts that are written here. Names that begin with an underscore are additions by browsers and
 * by us.
 */
import type { ExchangeJson } from '../engine/exchangeJson.ts';

export interface HarField {
  readonly name: string;
  readonly value: string;
}

export interface HarCookie extends HarField {
  readonly path?: string;
  readonly domain?: string;
  /** RFC 3339. */
  readonly expires?: string;
  readonly httpOnly?: boolean;
  readonly secure?: boolean;
  readonly sameSite?: string;
}

export interface HarPostData {
  readonly mimeType: string;
  readonly text: string;
  readonly params?: readonly HarField[];
  readonly encoding?: 'base64';
  readonly comment?: string;
}

export interface HarContent {
  /** Bytes of the decoded body; -1: not known. */
  readonly size: number;
  /** Bytes that its coding saved. */
  readonly compression?: number;
  readonly mimeType: string;
  readonly text?: string;
  readonly encoding?: string;
  readonly comment?: string;
}

/** Milliseconds; -1: not known, or none. */
export interface HarTimings {
  readonly blocked: number;
  readonly dns: number;
  /** With `ssl`. */
  readonly connect: number;
  readonly ssl: number;
  readonly send: number;
  readonly wait: number;
  readonly receive: number;
  /**
   * The part of the other phases during which a debugger paused the process; as `_blocked_queueing` is a part of
   * `blocked`.
   */
  readonly _pausedMs?: number;
}

/** In Chrome's format: from the client's side. */
export interface HarMessage {
  readonly type: 'send' | 'receive';
  /** Seconds since the epoch. */
  readonly time: number;
  /** 1: text; 2: binary, in base64. */
  readonly opcode: 1 | 2;
  readonly data: string;
}

export interface HarEntry {
  /** RFC 3339. */
  readonly startedDateTime: string;
  /** Milliseconds: the sum of the timings. */
  readonly time: number;
  readonly request: {
    readonly method: string;
    readonly url: string;
    readonly httpVersion: string;
    readonly cookies: readonly HarCookie[];
    readonly headers: readonly HarField[];
    readonly queryString: readonly HarField[];
    readonly postData?: HarPostData;
    readonly headersSize: number;
    readonly bodySize: number;
  };
  readonly response: {
    /** 0: none. */
    readonly status: number;
    readonly statusText: string;
    readonly httpVersion: string;
    readonly cookies: readonly HarCookie[];
    readonly headers: readonly HarField[];
    readonly content: HarContent;
    readonly redirectURL: string;
    readonly headersSize: number;
    readonly bodySize: number;
    /** Chrome's: bytes of the whole response on the wire. */
    readonly _transferSize?: number;
    readonly _error?: string;
  };
  readonly cache: Readonly<Record<string, never>>;
  readonly timings: HarTimings;
  readonly serverIPAddress?: string;
  readonly connection: string;
  readonly comment?: string;
  readonly _resourceType: string;
  readonly _webSocketMessages?: readonly HarMessage[];
  /** Facts that the format has no field for. */
  readonly _httpTrace: Pick<
    ExchangeJson,
    | 'id'
    | 'peer'
    | 'causedBy'
    | 'side'
    | 'process'
    | 'debug'
    | 'completeness'
    | 'operation'
    | 'grpc'
    | 'ending'
    | 'messageStream'
  > & {
    /** Why the request's body is incomplete; null: it is not. For the response, see `content.comment`. */
    readonly requestNote: string | null;
  };
}
