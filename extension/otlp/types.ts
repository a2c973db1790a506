/** OTLP 1 as JSON (opentelemetry-proto: ExportTraceServiceRequest in its JSON mapping), the parts that are written. */

export interface KeyValue {
  readonly key: string;
  readonly value: AnyValue;
}

/** 64-bit numbers are decimal strings. */
export type AnyValue =
  | { readonly stringValue: string }
  | { readonly intValue: string }
  | { readonly arrayValue: { readonly values: readonly AnyValue[] } };

export const SpanKind = { unspecified: 0, server: 2, client: 3 } as const;
export const STATUS_ERROR = 2;

export interface Span {
  /** Hexadecimal, 16 and 8 bytes. */
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  /** W3C trace flags; bit 8: it is known whether the parent is in another process; bit 9: it is. */
  readonly flags?: number;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly KeyValue[];
  readonly status?: { readonly code: number };
}

export interface Resource {
  readonly attributes: readonly KeyValue[];
}

export interface TraceRequest {
  readonly resourceSpans: readonly {
    readonly resource: Resource;
    readonly scopeSpans: readonly {
      readonly scope: { readonly name: string; readonly version: string };
      readonly spans: readonly Span[];
    }[];
  }[];
}
