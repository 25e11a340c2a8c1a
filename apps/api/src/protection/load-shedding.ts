import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import { ApiError } from '../errors/api-error.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answered also while the process sheds load: for whoever has to find out what is wrong with it. */
    isAnsweredUnderLoad?: true;
  }
}

/**
 * A request comes to the event loop's turn about five times (read, authenticate, change, announce, answer): at
 * half a second each it takes longer than callers wait, and whatever is let in makes it worse. Utilisation is no
 * sign: a loop that is always busy and in time does what it can.
 */
const MAX_EVENT_LOOP_DELAY_MS = 500;
const SAMPLE_INTERVAL_MS = 1_000;
/**
 * A single stall (a collection of garbage, a machine that was paused) may be all there is in its sample, and is
 * over when it is seen; `@fastify/under-pressure` would shed for the next second. A loop that drowns is late in
 * the next sample, too.
 */
const LATE_SAMPLES = 2;
/** By then there were new samples. */
const RETRY_AFTER_SECONDS = '2';

const RESOLUTION_MS = 10;
const NS_PER_MS = 1e6;

/** Refuses requests while the event loop is so late that none would be answered in time. */
export const loadShedding = fp(async (app: FastifyInstance) => {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  let lateSamples = 0;
  const sampling = setInterval(() => {
    const meanDelayMs = delays.count === 0 ? 0 : delays.mean / NS_PER_MS - RESOLUTION_MS;
    delays.reset();
    const wasShedding = isShedding();
    lateSamples = meanDelayMs > MAX_EVENT_LOOP_DELAY_MS ? lateSamples + 1 : 0;
    if (isShedding() === wasShedding) return;
    if (wasShedding) app.log.info('The event loop is in time again: no more load is shed');
    else app.log.warn({ meanDelayMs: Math.round(meanDelayMs) }, 'The event loop is late: load is shed');
  }, SAMPLE_INTERVAL_MS).unref();

  function isShedding(): boolean {
    return lateSamples >= LATE_SAMPLES;
  }

  app.addHook('onRequest', async ({ routeOptions }) => {
    if (!isShedding() || routeOptions.config.isAnsweredUnderLoad) return;
    throw new ApiError('overloaded', { headers: { 'retry-after': RETRY_AFTER_SECONDS } });
  });

  app.addHook('onClose', async () => {
    clearInterval(sampling);
    delays.disable();
  });
});
