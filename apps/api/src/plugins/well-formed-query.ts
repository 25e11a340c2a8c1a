import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import { ApiError } from '../errors/api-error.ts';

/**
 * Refuses a query string whose percent-encoding is broken or is not UTF-8. The parser behind Fastify would take it
 * as it stands, or put U+FFFD in its place, and a filter would quietly mean something else.
 */
export const wellFormedQuery = fp(async (app: FastifyInstance) => {
  app.addHook('onRequest', async ({ raw }) => {
    const query = raw.url?.split('?').slice(1).join('?') ?? '';
    try {
      decodeURIComponent(query);
    } catch {
      throw new ApiError('validation_failed', { details: ['query must be percent-encoded UTF-8'] });
    }
  });
});
