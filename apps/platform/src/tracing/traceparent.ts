/** W3C Trace Context, version 00: trace id and parent id, of which neither may be all zeros, and flags. */
const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;

export interface Traceparent {
  /** 32 hex characters. */
  readonly traceId: string;
  /** 16 hex characters. */
  readonly spanId: string;
  /** Bit 0: the trace is recorded. */
  readonly flags: number;
}

/** Null for anything that is not a valid one. */
export function parseTraceparent(value: unknown): Traceparent | null {
  if (typeof value !== 'string') return null;
  const [, traceId, spanId, flags] = TRACEPARENT.exec(value) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return null;
  return { traceId, spanId, flags: Number.parseInt(flags, 16) };
}

/** For log lines: undefined leaves the field out. */
export function toTraceId(traceparent: string | null): string | undefined {
  return parseTraceparent(traceparent)?.traceId;
}
