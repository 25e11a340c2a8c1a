import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import { ApiError } from '../errors/api-error.ts';

/** Headers of which two would be ambiguous: Node keeps the first of some and joins others with a comma. */
const SINGLE_HEADERS = new Set([
  'authorization',
  'content-type',
  'host',
  'idempotency-key',
  'x-customer-secret',
  'x-operator',
  'x-vendor-secret',
  'x-vendor-server-secret',
]);

/** Refuses a request that sends one of them twice, whatever the values. */
export const singleHeaders = fp(async (app: FastifyInstance) => {
  app.addHook('onRequest', async (request) => {
    const repeated = findRepeatedHeader(request.raw.rawHeaders);
    if (repeated === null) return;
    throw new ApiError('validation_failed', { details: [`header ${repeated} must be sent once`] });
  });
});

/** @param rawHeaders names and values in turn, as received */
function findRepeatedHeader(rawHeaders: readonly string[]): string | null {
  const seen = new Set<string>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? '';
    if (!SINGLE_HEADERS.has(name)) continue;
    if (seen.has(name)) return name;
    seen.add(name);
  }
  return null;
}
