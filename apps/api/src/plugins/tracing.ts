import { parseTraceparent } from '@vendor-server/platform/tracing/traceparent.ts';
import type { Span, Tracer } from '@vendor-server/platform/tracing/tracer.ts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';

declare module 'fastify' {
  interface FastifyRequest {
    /** What the request's changes continue: our span, or without traces what the caller sent; null: neither. */
    traceparent: string | null;
  }
}

/** One span per request, which continues the caller's trace (W3C Trace Context) and ends with the connection's answer. */
export const tracing = fp(async (app: FastifyInstance, { tracer }: { readonly tracer: Tracer }) => {
  app.decorateRequest('traceparent', null);

  app.addHook('onRequest', async (request, reply) => {
    const { traceparent } = request.headers;
    const parent = typeof traceparent === 'string' && parseTraceparent(traceparent) ? traceparent : null;
    request.traceparent = parent;
    if (!tracer.isOn) return;
    const span = tracer.start({
      name: request.method,
      kind: 'server',
      parent,
      attributes: {
        'http.request.method': request.method,
        'url.scheme': request.protocol,
        'vendor_server.request.id': request.id,
      },
    });
    request.traceparent = span.traceparent;
    reply.raw.once('close', () => endSpan(span, request, reply));
  });
});

function endSpan(span: Span, request: FastifyRequest, reply: FastifyReply): void {
  const route = request.routeOptions.url;
  if (route !== undefined) span.rename(`${request.method} ${route}`);
  span.add({ 'http.route': route });
  if (!reply.raw.writableFinished) return span.end('aborted');
  const status = reply.statusCode;
  span.add({ 'http.response.status_code': status });
  span.end(status >= 500 ? (request.failureCode ?? String(status)) : undefined);
}
