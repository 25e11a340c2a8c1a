/**
 * Traces as this system makes them: a parent goes in as a `traceparent`, and so does what children, records and
 * receivers are given. Without a collector there is `NO_TRACER`, through which a caller's `traceparent` passes as it
 * came; nothing of OpenTelemetry is loaded then (see create-tracer.ts).
 *
 * Attributes have the names of OpenTelemetry's semantic conventions where there is one, and hold ids, statuses and
 * hosts: nothing of a person, no secret, no URL.
 */
import type { Logger } from 'pino';

export type SpanAttributes = Readonly<Record<string, string | number | boolean | undefined>>;

export interface SpanStart {
  /** Of few different values: no ids. */
  readonly name: string;
  readonly kind: 'server' | 'client' | 'internal';
  /** A valid `traceparent`; null begins a trace. */
  readonly parent: string | null;
  readonly attributes?: SpanAttributes;
}

export interface Span {
  /** For whatever happens because of it. */
  readonly traceparent: string | null;
  rename(name: string): void;
  add(attributes: SpanAttributes): void;
  /** Ends it. With an `errorType` it failed. */
  end(errorType?: string): void;
}

export interface Tracer {
  /** False: spans are free and lead nowhere. */
  readonly isOn: boolean;
  start(span: SpanStart): Span;
  /** Hands over what has ended, for as long as two seconds. Never rejects. */
  stop(): Promise<void>;
}

export interface TracerOptions {
  /** Base URL of a collector that takes OTLP over HTTP; null: no traces. */
  readonly endpoint: string | null;
  /** For the collector, with every batch. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly serviceName: string;
  readonly logger: Logger;
}

export const NO_TRACER: Tracer = {
  isOn: false,
  start: ({ parent }) => ({
    traceparent: parent,
    rename: () => undefined,
    add: () => undefined,
    end: () => undefined,
  }),
  stop: async () => undefined,
};

/** Runs `work` in a span, which ends with it. */
export async function inSpan<Result>(
  tracer: Tracer,
  start: SpanStart,
  work: (span: Span) => Promise<Result>,
): Promise<Result> {
  const span = tracer.start(start);
  let errorType: string | undefined;
  try {
    return await work(span);
  } catch (error) {
    errorType = toErrorType(error);
    throw error;
  } finally {
    span.end(errorType);
  }
}

function toErrorType(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
