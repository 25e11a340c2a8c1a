import { NO_TRACER, type Tracer, type TracerOptions } from './tracer.ts';

/** Loads OpenTelemetry only when there is a collector. */
export async function createTracer(options: TracerOptions): Promise<Tracer> {
  if (options.endpoint === null) return NO_TRACER;
  const { createOpenTelemetryTracer } = await import('./open-telemetry-tracer.ts');
  return createOpenTelemetryTracer({ ...options, endpoint: options.endpoint });
}
