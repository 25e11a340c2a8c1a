import type { Logger } from 'pino';
import { NO_TRACER, type Tracer } from './tracer.ts';

export interface TracerOptions {
  /** Base URL of a collector that takes OTLP over HTTP; null: no traces. */
  readonly endpoint: string | null;
  readonly serviceName: string;
  readonly logger: Logger;
}

/** Loads OpenTelemetry only when there is a collector. */
export async function createTracer(options: TracerOptions): Promise<Tracer> {
  if (options.endpoint === null) return NO_TRACER;
  const { createOpenTelemetryTracer } = await import('./open-telemetry-tracer.ts');
  return createOpenTelemetryTracer({ ...options, endpoint: options.endpoint });
}
