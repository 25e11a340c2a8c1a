import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { expect } from 'vitest';
import { findAnswerFaults, type GivenAnswer } from './find-answer-faults.ts';
import { type StrictDocument, toStrictDocument } from './strict-document.ts';

export interface WatchedAnswers {
  /** Each operation that was answered, with the status. */
  readonly answered: ReadonlySet<string>;
  /** Fails when an answer was not as the API reference says. */
  assertDocumented(): void;
}

/** Looks at every answer of an app that is not ready yet; its callers notice nothing of it. */
export function watchAnswers(app: FastifyInstance): WatchedAnswers {
  const answered = new Set<string>();
  const faults = new Set<string>();
  let document: StrictDocument | null = null;

  app.addHook('onSend', async (request, reply, payload) => {
    const reference = request.routeOptions.config?.reference;
    // HEAD is GET without its body.
    if (reference === undefined || request.method === 'HEAD') return;
    document ??= toStrictDocument(app.swagger());
    const answer = toAnswer(request, reply, payload);
    answered.add(`${reference.operationId} ${answer.status}`);
    for (const fault of findAnswerFaults(document, answer)) {
      faults.add(`${answer.method} ${answer.route} ${answer.status}: ${fault}`);
    }
  });

  return {
    answered,
    assertDocumented: () =>
      expect([...faults], 'answers that the API reference does not describe').toEqual([]),
  };
}

function toAnswer(request: FastifyRequest, reply: FastifyReply, payload: unknown): GivenAnswer {
  return {
    method: request.method,
    route: request.routeOptions.url ?? '',
    status: reply.statusCode,
    headers: reply.getHeaders(),
    body: typeof payload === 'string' ? payload : payload === undefined || payload === null ? '' : null,
  };
}
