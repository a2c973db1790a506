/**
 * The gRPC call in an exchange (grpc/grpc, doc/PROTOCOL-HTTP2.md and PROTOCOL-WEB.md): its method, its
 * deadline, and its status (in the trailers), which may be an error even if HTTP's is 200.
 */
import { readContentType } from '../../http/contentType.ts';
import type { StoredExchange } from '../storedExchange.ts';
import type { StoredMessage } from '../storedMessage.ts';

export interface GrpcCall {
  /** `package.Service`; null when it is not known. */
  readonly service: string | null;
  readonly method: string | null;
  /** null: not seen (yet). */
  readonly status: number | null;
  /** Decoded; null when there is none. */
  readonly message: string | null;
  /** The deadline that the client asks for, in milliseconds; null: none. */
  readonly timeoutMs: number | null;
}

export interface GrpcType {
  /** gRPC-Web: trailers are in the body. */
  readonly web: boolean;
  /** The body is base64. */
  readonly text: boolean;
  /** The encoding of the messages: `proto` unless the type says otherwise. */
  readonly messages: string;
}

const TYPE = /^application\/grpc(-web)?(-text)?(?:\+([a-z0-9.+-]+))?$/;

/** @param value of Content-Type; null: none. @returns null when it is not gRPC. */
export function grpcType(value: string | null): GrpcType | null {
  if (value === null) return null;
  const { essence } = readContentType(value);
  // Almost no message is gRPC: fail fast.
  if (!essence.startsWith('application/grpc')) return null;
  const [whole, web, text, messages = 'proto'] = TYPE.exec(essence) ?? [];
  if (whole === undefined || (text !== undefined && web === undefined)) return null;
  return { web: web !== undefined, text: text !== undefined, messages };
}

/** null: the exchange is not a gRPC call, as far as is known. */
export function grpcCall(exchange: StoredExchange): GrpcCall | null {
  if (!isGrpc(exchange.request) && !isGrpc(exchange.response)) return null;
  const { request } = exchange;
  const message = ofStatus(exchange, 'grpc-message');
  return {
    ...grpcPath(request?.target ?? ''),
    status: grpcStatus(exchange),
    message: message === null ? null : percentDecode(message),
    timeoutMs: readTimeout(request?.field('grpc-timeout') ?? null),
  };
}

/** The status of a gRPC call; null: not seen (yet), or not a gRPC call. */
export function grpcStatus(exchange: StoredExchange): number | null {
  const method = exchange.request?.method ?? '';
  // This is called for each row: most exchanges are ruled out here.
  if (method !== 'POST' && method !== '') return null;
  if (!isGrpc(exchange.response) && !isGrpc(exchange.request)) return null;
  const value = ofStatus(exchange, 'grpc-status');
  return value !== null && /^\d{1,9}$/.test(value) ? Number(value) : null;
}

function isGrpc(message: StoredMessage | null): boolean {
  return grpcType(message?.field('content-type') ?? null) !== null;
}

/** From the trailers, gRPC-Web's trailers in the body, or the head of a Trailers-Only response. */
function ofStatus({ response, messages }: StoredExchange, name: string): string | null {
  if (response === null) return null;
  const inBody = messages?.trailers?.find(([known]) => known.toLowerCase() === name)?.[1];
  return response.trailer(name) ?? inBody ?? response.field(name);
}

/** The last two segments; a proxy may put a prefix before them. */
export function grpcPath(target: string): Pick<GrpcCall, 'service' | 'method'> {
  const [, service = null, method = null] = /([^/]+)\/([^/?#]+)(?:[?#].*)?$/s.exec(target) ?? [];
  return { service, method };
}

const UNITS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

function readTimeout(value: string | null): number | null {
  const [, digits, unit = ''] = /^(\d{1,8})([HMSmun])$/.exec(value ?? '') ?? [];
  return digits === undefined ? null : Number(digits) * (UNITS[unit] as number);
}

/** Invalid percent-encoding is kept as it was sent, not dropped. */
function percentDecode(value: string): string {
  if (!value.includes('%')) return value;
  const bytes = Buffer.from(
    value.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );
  return bytes.toString('utf8');
}
