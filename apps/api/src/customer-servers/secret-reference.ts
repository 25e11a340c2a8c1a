/** What the API reference says of the routes that rotate a customer server's secret. */
import type { RouteReference } from '../reference/route-reference.ts';
import { CompletedRotationAnswer, RotatedSecretAnswer } from './schemas.ts';

export const ROTATE_CUSTOMER_SERVER_SECRET: RouteReference = {
  audience: 'operator',
  tag: 'Operators: customer servers',
  operationId: 'rotateCustomerServerSecret',
  summary: "Replace a customer server's secret",
  description: `Gives the customer server a new secret, which is shown in this answer only. Until \`overlapUntil\` both
secrets are accepted. Webhooks go on carrying the old one until the rotation is completed or the overlap is over;
a receiver that answers 401 or 403 meanwhile is asked once more at once with the other secret, and webhooks stay
with the one that it accepted.

Two secrets are held at most: a rotation during an overlap refuses the older of the two at once. Complete one
rotation before you begin the next.`,
  bodyExamples: { 'two days': { overlapHours: 48 } },
  answers: {
    200: {
      description: 'The new secret. `overlapUntil` is null when the old one is refused at once.',
      schema: RotatedSecretAnswer,
      example: {
        ok: true,
        data: {
          customerServerId: '0198f3c2a1b04d5e6f708192',
          name: 'Example Shop',
          secret: 'example-secret-that-is-shown-only-once-0001',
          overlapUntil: '2026-01-02T12:00:00.000Z',
        },
      },
    },
  },
  errors: ['validation_failed', 'not_found'],
};

export const COMPLETE_CUSTOMER_SERVER_SECRET_ROTATION: RouteReference = {
  audience: 'operator',
  tag: 'Operators: customer servers',
  operationId: 'completeCustomerServerSecretRotation',
  summary: 'End the overlap of two secrets now',
  description: `From now on webhooks carry the new secret and the old one is refused. Without a rotation under way nothing
changes and the answer is the same.`,
  answers: {
    200: {
      description: 'The customer server has one secret.',
      schema: CompletedRotationAnswer,
      example: {
        ok: true,
        data: { customerServerId: '0198f3c2a1b04d5e6f708192', name: 'Example Shop', overlapUntil: null },
      },
    },
  },
  errors: ['not_found'],
};
