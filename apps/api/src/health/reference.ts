import Type from 'typebox';
import type { RouteReference } from '../reference/route-reference.ts';

const UpOrDown = Type.Enum(['up', 'down']);

const Readiness = Type.Object({
  status: UpOrDown,
  checks: Type.Object({ database: UpOrDown, queue: UpOrDown }),
});

export const livezReference: RouteReference = {
  audience: 'anyone',
  tag: 'Health',
  operationId: 'getLiveness',
  summary: 'Is the process alive?',
  description: 'When it is not answered, restart the process.',
  answers: {
    200: {
      description: 'It is.',
      schema: Type.Object({ status: Type.Literal('up') }),
      example: { status: 'up' },
    },
  },
};

export const readyzReference: RouteReference = {
  audience: 'anyone',
  tag: 'Health',
  operationId: 'getReadiness',
  summary: 'Can the process do its work?',
  description:
    'Without its database the API cannot. Without the queue it still takes changes, which are delivered later.',
  answers: {
    200: {
      description: 'It can.',
      schema: Readiness,
      example: { status: 'up', checks: { database: 'up', queue: 'up' } },
    },
    503: {
      description: 'It cannot: send it no requests.',
      schema: Readiness,
      example: { status: 'down', checks: { database: 'down', queue: 'up' } },
    },
  },
};
