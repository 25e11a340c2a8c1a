import { toTraceId } from '@vendor-server/platform/tracing/traceparent.ts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';

/**
 * One line per request, with everything needed to find its caller and its neighbours; also for one whose
 * caller went away before its answer was out.
 */
export const requestLog = fp(async (app: FastifyInstance) => {
  app.decorateRequest('failureCode', null);

  app.addHook('onRequest', async (request, reply) => {
    reply.raw.once('close', () => {
      if (reply.raw.writableFinished) return;
      // The body that broke off is an error of its own, which comes right after.
      setImmediate(() => request.log.info(toLine(request, reply), 'Request aborted by its caller'));
    });
  });

  app.addHook('onResponse', async (request, reply) => {
    request.log.info(toLine(request, reply), 'Request handled');
  });
});

function toLine(request: FastifyRequest, reply: FastifyReply) {
  return {
    method: request.method,
    // The pattern, not the URL: queries may hold what does not belong into a log.
    route: request.routeOptions.url ?? null,
    params: keepIds(request.params),
    status: reply.statusCode,
    traceId: toTraceId(request.traceparent),
    code: request.failureCode ?? undefined,
    durationMs: Math.round(reply.elapsedTime),
    remoteAddress: request.ip,
    customerServerId: request.customerServer?.id,
    vendorId: request.vendor?.id,
    operator: request.operator?.name,
  };
}

const ID = /^[0-9a-f]{24}$/;

/** Paths, too, may hold what does not belong into a log: only what can be an id of ours is shown. */
function keepIds(params: unknown): Record<string, string> {
  return Object.fromEntries(
    Object.entries(params ?? {}).filter(([, value]) => typeof value === 'string' && ID.test(value)),
  );
}
