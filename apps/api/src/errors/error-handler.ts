import type { ErrorCode } from '@vendor-server/domain/errors/error-codes.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { toApiError, toFailureBody } from './to-failure.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Code of the answer, when it is a failure: for the log. */
    failureCode: ErrorCode | null;
  }
  interface FastifyContextConfig {
    /** `error` of a route's 400 `validation_failed`, where an older answer has a fixed sentence for it. */
    validationSentence?: string;
  }
}

/** Answers whatever was thrown while a request was handled, in the failure shape. */
export function handleError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const error = toApiError(thrown);
  request.failureCode = error.code;
  // What is shed has its line as a request; an error for each would add to the load.
  if (error.status >= 500 && error.code !== 'overloaded') {
    request.log.error({ err: error.cause ?? error, code: error.code }, 'Request failed');
  }
  // `routeOptions` is absent when the URL itself was refused before a route was looked for.
  const sentence =
    error.code === 'validation_failed' ? request.routeOptions?.config?.validationSentence : undefined;
  return reply
    .code(error.status)
    .headers(error.headers)
    .send(toFailureBody(error, request.id, sentence));
}
