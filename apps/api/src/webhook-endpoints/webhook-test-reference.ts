import { ATTEMPT_REASON_CODES } from '@vendor-server/domain/deliveries/attempt-reasons.ts';
import Type from 'typebox';
import type { RouteReference } from '../reference/route-reference.ts';

const EndpointAnswer = {
  status: Type.Integer({ description: 'The HTTP status your endpoint answered.' }),
  data: Type.Unknown({ description: 'Its body, as JSON where it is JSON; the first 1 KiB.' }),
};

const Succeeded = Type.Object({
  success: Type.Literal(true),
  message: Type.Literal('Webhook connection test successful'),
  response: Type.Object({ ...EndpointAnswer, durationMs: Type.Integer({ minimum: 0 }) }),
});

/** Older than the one failure shape, and kept as it is. */
const Failed = Type.Object({
  success: Type.Literal(false),
  error: Type.Enum(['Webhook connection test failed', 'No webhook URL configured']),
  details: Type.Optional(Type.String({ description: 'What went wrong.' })),
  reason: Type.Optional(
    Type.Enum([...ATTEMPT_REASON_CODES], { description: 'The same as a code: a row of *Every answer*.' }),
  ),
  response: Type.Optional(Type.Object(EndpointAnswer)),
});

const RATE_LIMIT = {
  'ratelimit-limit': 'Tests a minute.',
  'ratelimit-remaining': 'How many of them are left.',
  'ratelimit-reset': 'Seconds until the minute ends.',
};

export const webhookTestReference: RouteReference = {
  audience: 'webhook_tester',
  tag: 'Webhook endpoints',
  operationId: 'testWebhook',
  summary: 'Send a test webhook',
  description: [
    'Sends one signed request with the event `connection.test` to the URL, or without one to your first endpoint, and',
    'says what came of it: within 5 seconds, without a retry. It carries `x-vendor-server-secret` only if you presented',
    "that very secret, or the URL is that of the customer server's endpoint. At most 30 a minute.",
    '',
    'With a customer server’s secret it tests that customer server, with the partner’s the default one.',
  ].join('\n'),
  bodyExamples: { 'a URL': { webhookUrl: 'https://your-customer-server.com/api/vendor/order-updates' } },
  answers: {
    200: {
      description: 'The endpoint answered 2xx.',
      schema: Succeeded,
      example: {
        success: true,
        message: 'Webhook connection test successful',
        response: {
          status: 200,
          data: { success: true, message: 'Webhook received successfully' },
          durationMs: 84,
        },
      },
      headers: RATE_LIMIT,
    },
    400: {
      description: 'The test failed, or there is nothing to test.',
      schema: Failed,
      examples: {
        'the endpoint answered something else': {
          success: false,
          error: 'Webhook connection test failed',
          details: 'rejected: The endpoint answered 401.',
          reason: 'unauthorized',
          response: { status: 401, data: { error: 'Invalid webhook secret' } },
        },
        'no answer': {
          success: false,
          error: 'Webhook connection test failed',
          details: 'no_answer: The endpoint did not send the headers of an answer in time.',
          reason: 'no_answer',
        },
        'no URL': { success: false, error: 'No webhook URL configured' },
      },
      headers: RATE_LIMIT,
    },
  },
  validationExample: ['webhookUrl must be an absolute URL'],
};
