import type { FastifyRequest } from 'fastify';

/** What a transition records of the request that caused it, so that its deliveries can be traced back. */
export interface ChangeContext {
  readonly requestId: string;
  /** W3C Trace Context, as the caller sent it; null when it sent none, or not a valid one. */
  readonly traceparent: string | null;
}

/** Version 00: trace id and parent id, of which neither may be all zeros. */
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

export function toChangeContext(request: Pick<FastifyRequest, 'id' | 'headers'>): ChangeContext {
  const { traceparent } = request.headers;
  const isValid = typeof traceparent === 'string' && TRACEPARENT.test(traceparent);
  return { requestId: request.id, traceparent: isValid ? traceparent : null };
}
