import type { ApiMetrics } from '@vendor-server/platform/metrics/api-metrics.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { toMethodLabel } from '../plugins/request-count.ts';
import { DATA_HEADERS } from '../protection/security-headers.ts';
import { handleError } from './error-handler.ts';

/**
 * Answers a URL for which no route is even looked for: it cannot be decoded, or an id in it is too long. Fastify
 * runs no hook for it, so that what hooks do for every other request is done here: headers, count and log line.
 */
export function createUnroutableHandler(metrics: Pick<ApiMetrics, 'countRequest'>) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    reply.raw.once('finish', () => {
      const { method, ip: remoteAddress, failureCode: code } = request;
      const status = reply.statusCode;
      metrics.countRequest({ route: 'unmatched', method: toMethodLabel(method), status, durationMs: null });
      request.log.info({ method, route: null, status, code, remoteAddress }, 'Request handled');
    });
    reply.headers({ ...DATA_HEADERS, 'x-request-id': request.id });
    handleError(error, request, reply);
  };
}
