// What the peers move, and what their rows must say.
import { WHOLE } from '../../kit/tier.mjs';

/** Messages of each gRPC stream, in each direction that it has, and their bytes without the 5 that frame them. */
export const GRPC_MESSAGES = WHOLE ? 10_000 : 3_000;
export const GRPC_MESSAGE = 100;

/** Connections, and the messages of each in each direction, and their bytes. */
export const SOCKETS = 2;
export const SOCKET_MESSAGES = WHOLE ? 20_000 : 6_000;
export const SOCKET_MESSAGE = 200;

/** Bytes of the one response. */
export const RESPONSE = (WHOLE ? 1024 : 256) << 20;

/** Bytes of the body of each request and of each response. */
export const UPLOAD = 1 << 20;
