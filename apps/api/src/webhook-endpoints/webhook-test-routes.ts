import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-result.ts';
import {
  type LoggableRequest,
  toLoggableExchange,
} from '@vendor-server/platform/logging/to-loggable-exchange.ts';
import { redactEchoes } from '@vendor-server/platform/secrets/redact-echoes.ts';
import type { FastifyBaseLogger } from 'fastify';
import Type from 'typebox';
import type { Routes } from '../app-deps.ts';
import { countUse } from '../protection/rate-limits.ts';
import { optional } from '../schemas/common-schemas.ts';
import { assertWellFormedUrl } from './assert-usable-url.ts';
import { buildTestRequest } from './build-test-request.ts';
import { requireTestCaller } from './require-test-caller.ts';
import { readTestTarget } from './test-target-sql.ts';
import { toTestAnswer } from './to-test-answer.ts';
import { webhookTestReference } from './webhook-test-reference.ts';

const WebhookTestBody = Type.Object({ webhookUrl: optional(Type.String()) });

/** Shorter than for deliveries: somebody waits for the answer. */
const TEST_TIMEOUT_MS = 5_000;
const TEST_LIMIT = { name: 'webhook-tests', maxPerMinute: 30 };

/** `/api/external/webhook-test`: one request to an endpoint, and what came of it. */
export const webhookTestRoutes: Routes = async (app, deps) => {
  const { database, secretBox, sender, settings, useCounter } = deps;

  app.decorateRequest('testCaller');
  app.addHook('onRequest', requireTestCaller(deps));
  // In place of the limit of all requests, which is far above it.
  app.addHook('onRequest', async (request, reply) => {
    countUse(useCounter, reply, TEST_LIMIT, request.testCaller.key);
  });

  app.post(
    '/webhook-test',
    {
      schema: { body: WebhookTestBody },
      config: { validationSentence: 'validation error', reference: webhookTestReference },
    },
    async (request, reply) => {
      const url = request.body.webhookUrl ?? null;
      if (url !== null) assertWellFormedUrl('webhookUrl', url, settings);
      const { subject, presentedSecret } = request.testCaller;
      const target = await readTestTarget(database.pool, subject);
      const test = buildTestRequest(secretBox, { ...target, url, presentedSecret });
      if (test === null) {
        return reply.code(400).send({ success: false, error: 'No webhook URL configured' });
      }
      const { secrets, ...sent } = test;
      const deadline = performance.now() + TEST_TIMEOUT_MS;
      // A partner must not read a customer server's secret from an answer that echoes it.
      const result = redactEchoes(await sender.send({ ...sent, deadline }), secrets);
      logTest(request.log, settings.debugWebhooks, sent, result);
      const answer = toTestAnswer(result);
      return reply.code(answer.success ? 200 : 400).send(answer);
    },
  );
};

function logTest(
  log: FastifyBaseLogger,
  isDebug: boolean,
  test: LoggableRequest,
  result: AttemptResult,
): void {
  const { outcome, reason, responseStatus, durationMs, error } = result;
  const endpointHost = new URL(test.url).host;
  log.info({ endpointHost, outcome, reason, responseStatus, durationMs, error }, 'Webhook connection tested');
  if (isDebug) log.info(toLoggableExchange(test, result), 'webhook test exchange');
}
