/** What a process costs that makes no traces: nothing of OpenTelemetry is loaded. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Collector, createCollector } from './system/create-collector.ts';
import { createSystem, type System } from './system/create-system.ts';

/**
 * Runs before everything else in a process: says on its log whatever of OpenTelemetry is asked for, by import or
 * require. The Prometheus client asks for its API, whoever uses it, for the exemplars that we do not record.
 */
const WATCH = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module';
  registerHooks({
    resolve(specifier, context, next) {
      const isKnown = specifier === '@opentelemetry/api' && context.parentURL.includes('/@prometheus-io/client/');
      if (specifier.startsWith('@opentelemetry/') && !isKnown) console.log('loaded ' + specifier);
      return next(specifier, context);
    },
  });
`)}`;

let system: System;
let collector: Collector;

beforeAll(async () => {
  collector = await createCollector();
  system = await createSystem({ redisUrl: null, env: { NODE_OPTIONS: `--import "${WATCH}"` } });
});
afterAll(async () => {
  await system.stop();
  await collector.close();
});

test('nothing of OpenTelemetry is loaded without a collector, and all of it with one', async () => {
  const [api, worker] = await Promise.all([system.startApi(), system.startWorker()]);
  for (const { log } of [api, worker]) expect(log.text).not.toContain('loaded ');
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
  const traced = await Promise.all([system.startApi(env), system.startWorker(env)]);
  for (const { log } of traced) expect(log.text).toContain('loaded @opentelemetry/sdk-trace');
});
