import type { RouteReference } from '../reference/route-reference.ts';
import { answerOf } from '../schemas/answer-schemas.ts';
import { AnyTimeline, Timeline } from './schemas.ts';

const endpoint = { endpointId: '018c3430aa00b1c2d3e4f506', url: 'https://customer.example/order-updates' };

const changes = [
  {
    version: 1,
    from: null,
    to: 'pending',
    actor: { type: 'customer_server', id: '018c3430aa00a1b2c3d4e5f6' },
    reason: null,
    at: '2023-12-04T10:00:00.000Z',
    deliveries: [{ ...endpoint, state: 'delivered', prunedAt: '2024-01-03T10:00:00.000Z' }],
  },
  {
    version: 2,
    from: 'pending',
    to: 'accepted',
    actor: { type: 'vendor', id: '018c34000000c0ffee000001' },
    reason: null,
    at: '2024-02-04T10:30:00.000Z',
    deliveries: [
      {
        deliveryId: '018d73a1f4a09b2c3d4e5f60',
        ...endpoint,
        state: 'queued',
        attemptCount: 1,
        attempts: [
          {
            attemptNumber: 1,
            trigger: 'first',
            at: '2024-02-04T10:30:00.020Z',
            durationMs: 40,
            outcome: 'rejected',
            reason: 'service_unavailable',
            responseStatus: 503,
            error: 'rejected: The endpoint answered 503.',
          },
        ],
        lastError: 'rejected: The endpoint answered 503.',
        nextAttemptAt: '2024-02-04T10:30:01.060Z',
        blockedBy: null,
      },
    ],
  },
  {
    version: 3,
    from: 'accepted',
    to: 'cancelled',
    actor: { type: 'admin' },
    reason: 'The vendor is ill.',
    at: '2024-02-04T10:30:00.500Z',
    deliveries: [
      {
        deliveryId: '018d73a1f6949b2c3d4e5f61',
        ...endpoint,
        state: 'blocked',
        attemptCount: 0,
        attempts: [],
        lastError: null,
        nextAttemptAt: null,
        blockedBy: '018d73a1f4a09b2c3d4e5f60',
      },
    ],
  },
];

const SUMMARY = "Read an order's timeline";
const DESCRIPTION =
  'Every status change, oldest first, with which endpoint was told, when, after how many tries, and what it is ' +
  'waiting for. Of a delivery that is older than what is kept, only its end and when it was removed are shown.';

export const timelineReference: RouteReference = {
  audience: 'customer_server',
  tag: 'Orders',
  operationId: 'getOrderTimeline',
  summary: SUMMARY,
  description: DESCRIPTION,
  answers: {
    200: {
      description: 'The timeline.',
      schema: answerOf(Timeline),
      example: { ok: true, data: changes },
    },
  },
  errors: ['not_found'],
};

export const anyTimelineReference: RouteReference = {
  audience: 'operator',
  tag: 'Operators: orders',
  operationId: 'getAnyOrderTimeline',
  summary: SUMMARY,
  description: DESCRIPTION,
  answers: {
    200: {
      description: 'The timeline.',
      schema: answerOf(AnyTimeline),
      example: { ok: true, data: changes },
    },
  },
  errors: ['not_found'],
};
