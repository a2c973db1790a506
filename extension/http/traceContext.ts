/** W3C Trace Context (www.w3.org/TR/trace-context): the trace that a request belongs to. */

export interface TraceContext {
  readonly traceId: string;
  /** Id of the caller's span that sent the request. */
  readonly spanId: string;
  readonly flags: number;
}

const FORMAT = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/;

/** Characters of tracestate that are passed on (section 3.3.1.5). */
const MAX_STATE = 512;

/** @returns null: it is invalid (section 3.2.2), and treated as absent. */
export function readTraceparent(value: string | null): TraceContext | null {
  const [, version, traceId = '', spanId = '', flags = '', more] = FORMAT.exec(value ?? '') ?? [];
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return null;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  return { traceId, spanId, flags: Number.parseInt(flags, 16) };
}

/** @param values of all tracestate fields, in order; null: no such field, or not printable. */
export function readTracestate(values: readonly string[]): string | null {
  const joined = values.join(',');
  return joined !== '' && joined.length <= MAX_STATE && /^[\x20-\x7e]+$/.test(joined) ? joined : null;
}
