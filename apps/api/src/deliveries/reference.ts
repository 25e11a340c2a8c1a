import type { RouteReference } from '../reference/route-reference.ts';
import { answerOf, pageOf } from '../schemas/answer-schemas.ts';
import {
  AnyDeliveryResource,
  AnyDeliveryWithAttempts,
  DeliveryResource,
  DeliveryWithAttempts,
} from './schemas.ts';

const delivery = {
  deliveryId: '018c343d1f4a9b2c3d4e5f60',
  orderId: '018c343d1f40a1b2c3d4e5f6',
  version: 3,
  status: 'accepted',
  endpointId: '018c3430aa00b1c2d3e4f506',
  url: 'https://customer.example/order-updates',
  state: 'failed',
  changedAt: '2023-12-04T10:30:00.000Z',
  openedBy: 'change',
  openedAt: '2023-12-04T10:30:00.004Z',
  replayId: null,
  attemptCount: 4,
  nextAttemptAt: null,
  blockedBy: null,
  lastOutcome: 'rejected',
  lastResponseStatus: 503,
  lastError: 'retries_exhausted',
  finishedAt: '2023-12-04T10:30:06.120Z',
};

const attempts = [
  {
    attemptNumber: 4,
    trigger: 'retry',
    at: '2023-12-04T10:30:06.080Z',
    endedAt: '2023-12-04T10:30:06.120Z',
    durationMs: 40,
    outcome: 'rejected',
    reason: 'service_unavailable',
    responseStatus: 503,
    error: 'rejected: The endpoint answered 503.',
    responseExcerpt: 'Service Unavailable',
  },
];

const customerServerId = '018c3430aa00a1b2c3d4e5f6';

const REMOVED =
  'What was removed because it is older than what is kept is in no list: the timeline of its order says how it ended.';

const LIST_DESCRIPTION =
  'Newest change first. `since` (inclusive) and `until` (exclusive) are about the time of the change. An order or ' +
  `endpoint that is not yours has no deliveries. ${REMOVED}`;

export const listDeliveriesReference: RouteReference = {
  audience: 'customer_server',
  tag: 'Deliveries',
  operationId: 'listDeliveries',
  summary: 'List deliveries',
  description: LIST_DESCRIPTION,
  answers: {
    200: {
      description: 'A page of deliveries.',
      schema: pageOf(DeliveryResource),
      example: { ok: true, data: [delivery], nextCursor: null },
    },
  },
  errors: ['validation_failed'],
};

export const getDeliveryReference: RouteReference = {
  audience: 'customer_server',
  tag: 'Deliveries',
  operationId: 'getDelivery',
  summary: 'Read a delivery with its attempts',
  answers: {
    200: {
      description: 'The delivery.',
      schema: answerOf(DeliveryWithAttempts),
      example: { ok: true, data: { ...delivery, attempts } },
    },
  },
  errors: ['not_found'],
};

export const listAllDeliveriesReference: RouteReference = {
  audience: 'operator',
  tag: 'Operators: deliveries',
  operationId: 'listAllDeliveries',
  summary: 'List deliveries over all customer servers',
  description: `Newest change first. \`since\` is inclusive, \`until\` exclusive, both on the time of the change. ${REMOVED}`,
  answers: {
    200: {
      description: 'A page of deliveries.',
      schema: pageOf(AnyDeliveryResource),
      example: { ok: true, data: [{ ...delivery, customerServerId }], nextCursor: null },
    },
  },
  errors: ['validation_failed'],
};

export const getAnyDeliveryReference: RouteReference = {
  audience: 'operator',
  tag: 'Operators: deliveries',
  operationId: 'getAnyDelivery',
  summary: 'Read any delivery with its attempts',
  answers: {
    200: {
      description: 'The delivery.',
      schema: answerOf(AnyDeliveryWithAttempts),
      example: { ok: true, data: { ...delivery, customerServerId, attempts } },
    },
  },
  errors: ['not_found'],
};
