import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';

/** One line per request, with everything needed to find its caller and its neighbours. */
export const requestLog = fp(async (app: FastifyInstance) => {
  app.decorateRequest('failureCode', null);
  app.addHook('onResponse', async (request, reply) => {
    request.log.info(
      {
        method: request.method,
        // The pattern, not the URL: queries may hold what does not belong into a log.
        route: request.routeOptions.url ?? null,
        params: request.params,
        status: reply.statusCode,
        code: request.failureCode ?? undefined,
        durationMs: Math.round(reply.elapsedTime),
        remoteAddress: request.ip,
        customerServerId: request.customerServer?.id,
        vendorId: request.vendor?.id,
        operator: request.operator?.name,
      },
      'Request handled',
    );
  });
});
