/**
 * The `webhooks` of the document: what customer servers are sent. What follows an answer is asked of the rule
 * that the worker goes by.
 */
import { ruleOf } from '@vendor-server/domain/deliveries/attempt-reasons.ts';
import { decideAfterAttempt } from '@vendor-server/domain/deliveries/decide-after-attempt.ts';
import { toStatusReason } from '@vendor-server/domain/deliveries/status-reason.ts';
import type { WebhookEvent } from '@vendor-server/domain/webhooks/webhook-headers.ts';
import Type, { type TSchema } from 'typebox';
import { buildExampleOrder, EXAMPLE_ORDER } from '../orders/example-order.ts';
import { WebhookBody } from '../orders/schemas.ts';
import { timeField } from '../schemas/answer-schemas.ts';
import { toAnswerSchema } from './to-json-schema.ts';
import { commonHeaders, EXAMPLE_ATTEMPT_TIME, ORDER_HEADERS, type WebhookHeader } from './webhook-headers.ts';

const ConnectionTestBody = Type.Object(
  {
    test: Type.Literal(true),
    timestamp: timeField('When it was sent.'),
    message: Type.String(),
  },
  { title: 'ConnectionTest' },
);

const PENDING_ORDER = buildExampleOrder({
  status: 'pending',
  version: 1,
  updatedAt: '2023-12-04T10:20:00.000Z',
  orderData: { vendorNotes: null, assignedAt: null, acceptedAt: null },
  vendorDetails: null,
});

/** Its keys are in the order in which they are sent. */
function toWebhookExample(order: ReturnType<typeof buildExampleOrder>, previousStatus: string | null) {
  const { orderId, customerId, status, ...rest } = order;
  return { orderId, customerId, status, previousStatus, ...rest };
}

/** @param retryDelaysMs of endpoints that have none of their own */
export function buildWebhooksSection(retryDelaysMs: readonly number[]): Record<WebhookEvent, object> {
  return {
    'order.status_changed': buildWebhook({
      operationId: 'orderStatusChanged',
      summary: 'The status of an order changed',
      description: [
        'One for every change, the creation included, and every endpoint that wants its status. The body is the order',
        'right after the change: the same bytes on every attempt and every resend.',
        '',
        'At least once, and in order: per order and endpoint the next change is first sent when the one before was',
        'delivered or has finally failed. A resend may come later: ignore a lower `version`.',
      ].join('\n'),
      headers: { ...commonHeaders('order.status_changed'), ...ORDER_HEADERS },
      body: WebhookBody,
      examples: {
        accepted: toWebhookExample(EXAMPLE_ORDER, 'assigned'),
        'just created': toWebhookExample(PENDING_ORDER, null),
      },
      responses: describeOrderAnswers(retryDelaysMs),
    }),
    'connection.test': buildWebhook({
      operationId: 'connectionTest',
      summary: 'A test of the connection',
      description: 'Sent by `POST /api/external/webhook-test` alone, once. No order has changed.',
      headers: commonHeaders('connection.test'),
      body: ConnectionTestBody,
      examples: {
        test: {
          test: true,
          timestamp: EXAMPLE_ATTEMPT_TIME,
          message: 'This is a test of the webhook connection. No order has changed.',
        },
      },
      responses: {
        '2XX': { description: 'The test is successful.' },
        default: { description: 'The test failed: its caller is shown this answer.' },
      },
    }),
  };
}

interface Webhook {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly headers: Readonly<Record<string, WebhookHeader>>;
  readonly body: TSchema;
  /** Name to body. */
  readonly examples: Readonly<Record<string, unknown>>;
  readonly responses: object;
}

function buildWebhook({ headers, body, examples, ...operation }: Webhook): object {
  return {
    post: {
      ...operation,
      security: [],
      parameters: Object.entries(headers).map(([name, header]) => ({ name, in: 'header', ...header })),
      requestBody: {
        required: true,
        content: {
          'application/json': {
            schema: toAnswerSchema(body),
            examples: Object.fromEntries(Object.entries(examples).map(([name, value]) => [name, { value }])),
          },
        },
      },
    },
  };
}

const ANSWERS = [
  { status: '2XX', example: 200, note: 'Answer as soon as it is stored; your body is not looked at.' },
  { status: '3XX', example: 302, note: 'Redirects are never followed.' },
  {
    status: '4XX',
    example: 400,
    note: '401 and 403 while the shared secret is rotated: once more at once with the other secret.',
  },
  { status: '408', example: 408, note: '' },
  {
    status: '410',
    example: 410,
    note: 'After 3 of different orders with no success between, the endpoint is disabled as well.',
  },
  { status: '429', example: 429, note: '`Retry-After` makes the wait longer, up to an hour.' },
  { status: '5XX', example: 503, note: '`Retry-After` of a 503 makes the wait longer, up to an hour.' },
] as const;

function describeOrderAnswers(retryDelaysMs: readonly number[]): object {
  const consequences = {
    delivered: 'Delivered; the next change of the order follows.',
    retry: `Sent again after ${describeDelays(retryDelaysMs)}, or the delays of your endpoint; then failed.`,
    failed: 'Failed at once: it can be sent again by a resend or a replay.',
  };
  const responses = ANSWERS.map(({ status, example, note }): [string, { description: string }] => [
    status,
    { description: `${consequences[follow(example, retryDelaysMs)]} ${note}`.trim() },
  ]);
  const silence = 'No answer within the time-out of your endpoint, no connection, or what is no valid HTTP.';
  return { ...Object.fromEntries(responses), default: { description: `${silence} ${consequences.retry}` } };
}

/** What the first attempt's answer leads to, by the rule itself. */
function follow(responseStatus: number, retryDelaysMs: readonly number[]): 'delivered' | 'retry' | 'failed' {
  const reason = toStatusReason(responseStatus);
  const result = {
    outcome: ruleOf(reason).outcome,
    reason,
    responseStatus,
    responseExcerpt: null,
    retryAfter: null,
    error: null,
    durationMs: 0,
  };
  const { kind } = decideAfterAttempt({
    result,
    budgetUsed: 1,
    // Whether it is retried at all is the question, also where the settings ask for no retries.
    retryDelaysMs: retryDelaysMs.length === 0 ? [0] : retryDelaysMs,
    hasOtherSecret: false,
    now: new Date(0),
  });
  return kind === 'retry_with_other_secret' ? 'retry' : kind;
}

function describeDelays(delaysMs: readonly number[]): string {
  if (delaysMs.length === 0) return 'no wait, as no retries are set';
  return delaysMs.map((delayMs) => `${delayMs / 1000} s`).join(', ');
}
