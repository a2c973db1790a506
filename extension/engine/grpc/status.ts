/** gRPC status codes (grpc/grpc, doc/statuscodes.md). */
const NAMES = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const;

/** For display: `NOT_FOUND`, or the number of an unnamed code; empty without a status. */
export function grpcStatusText(code: number | null): string {
  return code === null ? '' : (grpcStatusName(code) ?? `gRPC status ${code}`);
}

/** Like {@link grpcStatusText}; empty for OK, too. */
export function grpcFailureText(code: number | null): string {
  return code === 0 ? '' : grpcStatusText(code);
}

/** null: the code has no name. */
export function grpcStatusName(code: number): string | null {
  return NAMES[code] ?? null;
}
