/** What the API reference says of the operators' routes of webhook endpoints. */
import type { RouteReference } from '../reference/route-reference.ts';
import { answerOf, pageOf } from '../schemas/answer-schemas.ts';
import {
  DELETE,
  DELETED,
  ENABLE,
  ENDPOINT,
  PATCH,
  PATCH_EXAMPLES,
  PAUSE,
  RESUME,
  ROTATE,
  ROTATED,
} from './reference.ts';
import { OperatorEndpointResource } from './schemas.ts';

const OPERATOR_ENDPOINT = {
  customerServerId: '018c3430aa00a1b2c3d4e5f6',
  customerServerName: 'Example Shop',
  ...ENDPOINT,
  stateChangedAt: '2023-12-01T09:00:00.000Z',
  failingSince: '2023-12-04T10:30:00.000Z',
  lastFailureAt: '2023-12-04T10:41:00.000Z',
  lastFailureReason: 'rejected 503',
};

const OPERATORS = { audience: 'operator', tag: 'Operators: deliveries' } as const;

const THE_ENDPOINT = {
  200: {
    description: 'The endpoint as it is now.',
    schema: answerOf(OperatorEndpointResource),
    example: { ok: true, data: OPERATOR_ENDPOINT },
  },
};

export const OPERATOR_ENDPOINT_REFERENCES = {
  list: {
    ...OPERATORS,
    operationId: 'listAllWebhookEndpoints',
    summary: 'List endpoints over all customer servers',
    description: `Newest first. \`state\` is the state of their health: \`?state=struggling\` and \`?state=broken\` say whose server
fails, since when and how.`,
    answers: {
      200: {
        description: 'A page of endpoints.',
        schema: pageOf(OperatorEndpointResource),
        example: { ok: true, data: [OPERATOR_ENDPOINT], nextCursor: null },
      },
    },
    errors: ['validation_failed'],
  },
  get: {
    ...OPERATORS,
    operationId: 'getAnyWebhookEndpoint',
    summary: 'Read any endpoint and its health',
    answers: THE_ENDPOINT,
    errors: ['not_found'],
  },
  patch: {
    ...OPERATORS,
    operationId: 'updateAnyWebhookEndpoint',
    summary: 'Change any endpoint',
    description: PATCH,
    answers: THE_ENDPOINT,
    errors: ['validation_failed', 'not_found'],
    bodyExamples: PATCH_EXAMPLES,
  },
  delete: {
    ...OPERATORS,
    operationId: 'deleteAnyWebhookEndpoint',
    summary: 'Delete any endpoint',
    description: DELETE,
    answers: DELETED,
    errors: ['not_found'],
  },
  rotateSecret: {
    ...OPERATORS,
    operationId: 'rotateAnyWebhookEndpointSecret',
    summary: "Replace any endpoint's signing secret",
    description: `${ROTATE} Hand it to its customer server.`,
    answers: ROTATED,
    errors: ['validation_failed', 'not_found'],
    bodyExamples: { 'Two days to change over': { overlapHours: 48 } },
  },
  pause: {
    ...OPERATORS,
    operationId: 'pauseAnyWebhookEndpoint',
    summary: 'Pause any endpoint',
    description: `${PAUSE} Its customer server may resume it, too.`,
    answers: THE_ENDPOINT,
    errors: ['not_found', 'endpoint_disabled'],
  },
  resume: {
    ...OPERATORS,
    operationId: 'resumeAnyWebhookEndpoint',
    summary: 'Resume any paused endpoint',
    description: RESUME,
    answers: THE_ENDPOINT,
    errors: ['not_found', 'endpoint_disabled'],
  },
  enable: {
    ...OPERATORS,
    operationId: 'enableAnyWebhookEndpoint',
    summary: 'Enable any disabled endpoint',
    description: ENABLE,
    answers: THE_ENDPOINT,
    errors: ['not_found', 'endpoint_paused'],
  },
} as const satisfies Record<string, RouteReference>;
