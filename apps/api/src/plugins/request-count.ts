import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { AppDeps } from '../app-deps.ts';

/** What no route answers could have any method; these have names of their own, the rest are one. */
const NAMED_METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

declare module 'fastify' {
  interface FastifyRequest {
    isCounted: boolean;
  }
}

/** Counts every request, once, when its response is over, also one whose caller went away. */
export const requestCount = fp<Pick<AppDeps, 'metrics'>>(async (app: FastifyInstance, { metrics }) => {
  app.decorateRequest('isCounted', false);

  function count(
    request: FastifyRequest,
    outcome: { status: number | 'aborted'; durationMs: number | null },
  ): void {
    if (request.isCounted) return;
    request.isCounted = true;
    metrics.countRequest({ ...toLabels(request), ...outcome });
  }

  app.addHook('onRequest', async (request, reply) => {
    // Of a response that was finished, its own event comes first.
    reply.raw.once('close', () => setImmediate(() => count(request, toAborted(reply))));
  });

  app.addHook('onResponse', async (request, reply) => {
    const durationMs = isEventStream(reply) ? null : reply.elapsedTime;
    count(request, { status: reply.statusCode, durationMs });
  });
});

function toLabels(request: FastifyRequest) {
  return {
    route: request.routeOptions.url ?? 'unmatched',
    method: toMethodLabel(request.method),
  };
}

export function toMethodLabel(method: string): string {
  return NAMED_METHODS.has(method) ? method : 'other';
}

function toAborted(reply: FastifyReply) {
  // An event stream has its status from its beginning on, and ends when its reader goes away.
  const status = isEventStream(reply) ? reply.statusCode : ('aborted' as const);
  return { status, durationMs: null };
}

function isEventStream(reply: FastifyReply): boolean {
  return String(reply.getHeader('content-type')).startsWith('text/event-stream');
}
