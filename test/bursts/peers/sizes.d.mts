export const GRPC_MESSAGES: number;
export const GRPC_MESSAGE: number;
export const SOCKETS: number;
export const SOCKET_MESSAGES: number;
export const SOCKET_MESSAGE: number;
export const RESPONSE: number;
export const UPLOAD: number;
