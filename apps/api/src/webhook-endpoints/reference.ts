/** What the API reference says of the routes of webhook endpoints. */
import type { RouteReference } from '../reference/route-reference.ts';
import { answerOf, pageOf } from '../schemas/answer-schemas.ts';
import {
  CreatedEndpointResource,
  DeletedEndpointResource,
  EndpointResource,
  RotatedSigningSecretResource,
} from './schemas.ts';

export const ENDPOINT = {
  endpointId: '018c3430aa00b1c2d3e4f506',
  url: 'https://customer.example/order-updates',
  statuses: ['completed', 'cancelled'],
  mode: 'every_step',
  retryDelaysMs: null,
  timeoutMs: 10_000,
  sendSharedSecret: false,
  state: 'active',
  health: {
    state: 'struggling',
    reason: '12 attempts in a row failed since 2023-12-04T10:30:00.000Z, the last one with: rejected 503.',
    until: null,
    warning: null,
    window: 16,
    consecutiveFailures: 12,
    lastSuccessAt: '2023-12-04T10:29:00.000Z',
    oldestPendingAt: '2023-12-04T10:29:59.000Z',
    pending: 7,
    pendingCapped: false,
  },
  createdAt: '2023-12-01T09:00:00.000Z',
  updatedAt: '2023-12-01T09:00:00.000Z',
};

const SIGNING_SECRET = 'whsec_ZXhhbXBsZS1zaWduaW5nLXNlY3JldC1zaG93bi1vbmNl';

const OWN = { audience: 'customer_server', tag: 'Webhook endpoints' } as const;

const THE_ENDPOINT = {
  200: {
    description: 'The endpoint as it is now.',
    schema: answerOf(EndpointResource),
    example: { ok: true, data: ENDPOINT },
  },
};

export const DELETED = {
  200: {
    description: 'It was deleted. From now on it is not found.',
    schema: answerOf(DeletedEndpointResource),
    example: {
      ok: true,
      data: { endpointId: ENDPOINT.endpointId, deletedAt: '2023-12-05T08:00:00.000Z' },
    },
  },
};
export const ROTATED = {
  200: {
    description: 'The new secret. `overlapUntil` is null when the old one signs no more.',
    schema: answerOf(RotatedSigningSecretResource),
    example: {
      ok: true,
      data: {
        endpointId: ENDPOINT.endpointId,
        signingSecret: SIGNING_SECRET,
        overlapUntil: '2023-12-06T08:00:00.000Z',
      },
    },
  },
};

const PREFERENCES = `\`statuses\`: the statuses it is told of; null means all. \`retryDelaysMs\`: the wait before each retry, up to
10 of 100 ms to 24 h; null means the service's, and an empty list means that nothing is sent twice. \`timeoutMs\`: 500 to
10 000, from the name look-up to your response's headers; null means the service's. \`sendSharedSecret\`: whether webhooks
to it carry your secret in \`x-vendor-server-secret\`. It is false unless you ask for it: verify the signature.`;

const URL_RULES = `The URL is absolute, \`https://\` (or \`http://\` where the service allows it), without credentials and
fragment, and leads to a public address.`;

export const PATCH = `What is absent stays as it is. URL, delays, time-out and \`sendSharedSecret\` hold from the next attempt,
\`statuses\` and \`mode\` from the next change. Another URL does not open an endpoint that is paused or disabled.
${URL_RULES}\n\n${PREFERENCES}`;
export const PATCH_EXAMPLES = {
  'Another URL': { url: ENDPOINT.url },
  'Every status again': { statuses: null },
};
export const DELETE = `What it was not told yet is \`cancelled\`; its deliveries stay readable. Deleting the endpoint that comes
from the service's settings lasts until that setting changes.`;
export const ROTATE = `The new secret is shown in this answer only. Until \`overlapUntil\` every webhook carries two signatures,
one by each secret. Two secrets are held at most: a rotation during an overlap drops the older one.`;
export const PAUSE = `What is being sent is finished; everything else waits until the endpoint is resumed, each delivery for
as long as the service holds one (see its warning). An endpoint that is paused already stays as it is; a disabled one is
refused.`;
export const RESUME = `What waited is sent, per order in the order of the changes. An active endpoint stays as it is; a
disabled one is refused: enable it.`;
export const ENABLE = `Opens an endpoint that was disabled. It begins with one delivery at a time, and with no failure held
against it. An active endpoint stays as
it is; a paused one is refused: resume it.`;

export const ENDPOINT_REFERENCES = {
  list: {
    ...OWN,
    operationId: 'listWebhookEndpoints',
    summary: 'List your endpoints',
    description:
      'Newest first. There are at most 10, so one page holds them all unless you ask for a shorter one.',
    answers: {
      200: {
        description: 'A page of your endpoints.',
        schema: pageOf(EndpointResource),
        example: { ok: true, data: [ENDPOINT], nextCursor: null },
      },
    },
    errors: ['validation_failed'],
  },
  create: {
    ...OWN,
    operationId: 'createWebhookEndpoint',
    summary: 'Add an endpoint',
    description: `It is told of every change from now on. ${URL_RULES}\n\n${PREFERENCES}\n\nThe answer shows the signing secret
of the endpoint, this once.`,
    answers: {
      201: {
        description: 'The endpoint, with its signing secret.',
        schema: answerOf(CreatedEndpointResource),
        example: { ok: true, data: { ...ENDPOINT, signingSecret: SIGNING_SECRET } },
      },
    },
    errors: ['validation_failed', 'endpoint_limit_reached'],
    bodyExamples: { 'Only how an order ends': { url: ENDPOINT.url, statuses: ENDPOINT.statuses } },
  },
  get: {
    ...OWN,
    operationId: 'getWebhookEndpoint',
    summary: 'Read an endpoint and its health',
    answers: THE_ENDPOINT,
    errors: ['not_found'],
  },
  patch: {
    ...OWN,
    operationId: 'updateWebhookEndpoint',
    summary: 'Change an endpoint',
    description: PATCH,
    answers: THE_ENDPOINT,
    errors: ['validation_failed', 'not_found'],
    bodyExamples: PATCH_EXAMPLES,
  },
  delete: {
    ...OWN,
    operationId: 'deleteWebhookEndpoint',
    summary: 'Delete an endpoint',
    description: DELETE,
    answers: DELETED,
    errors: ['not_found'],
  },
  rotateSecret: {
    ...OWN,
    operationId: 'rotateWebhookEndpointSecret',
    summary: "Replace an endpoint's signing secret",
    description: ROTATE,
    answers: ROTATED,
    errors: ['validation_failed', 'not_found'],
    bodyExamples: { 'Two days to change over': { overlapHours: 48 } },
  },
  pause: {
    ...OWN,
    operationId: 'pauseWebhookEndpoint',
    summary: 'Pause an endpoint',
    description: PAUSE,
    answers: THE_ENDPOINT,
    errors: ['not_found', 'endpoint_disabled'],
  },
  resume: {
    ...OWN,
    operationId: 'resumeWebhookEndpoint',
    summary: 'Resume a paused endpoint',
    description: RESUME,
    answers: THE_ENDPOINT,
    errors: ['not_found', 'endpoint_disabled'],
  },
  enable: {
    ...OWN,
    operationId: 'enableWebhookEndpoint',
    summary: 'Enable a disabled endpoint',
    description: ENABLE,
    answers: THE_ENDPOINT,
    errors: ['not_found', 'endpoint_paused'],
  },
} as const satisfies Record<string, RouteReference>;
