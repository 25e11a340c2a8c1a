import type { FastifyRequest } from 'fastify';

/** What a transition records of the request that caused it, so that its deliveries can be traced back. */
export interface ChangeContext {
  readonly requestId: string;
  /** W3C Trace Context: the span that caused it; null when nobody traces. */
  readonly traceparent: string | null;
}

export function toChangeContext({
  id,
  traceparent,
}: Pick<FastifyRequest, 'id' | 'traceparent'>): ChangeContext {
  return { requestId: id, traceparent };
}
