import { ATTEMPT_OUTCOMES } from '@vendor-server/domain/deliveries/attempt-outcome.ts';
import { ATTEMPT_REASON_CODES } from '@vendor-server/domain/deliveries/attempt-reasons.ts';
import { DELIVERY_STATES } from '@vendor-server/domain/deliveries/delivery-state.ts';
import Type from 'typebox';
import { nullable, timeField } from '../schemas/answer-schemas.ts';
import { Id, idField, Status } from '../schemas/common-schemas.ts';
import { ATTEMPT_TRIGGERS, MAX_ATTEMPTS_SHOWN } from './attempts-sql.ts';

export const DeliveryParams = Type.Object({ deliveryId: Id });

export const DeliveryStateField = Type.Enum([...DELIVERY_STATES], {
  description:
    'What it waits for: `blocked` (an earlier delivery of the same order to the same endpoint), `waiting` (its ' +
    'time, or room at its endpoint), `queued` (the queue, or an answer). Or how it ended: `delivered`, `failed`, ' +
    '`superseded` (a newer change replaced it), `cancelled` (the endpoint was deleted).',
});

export const NextAttemptAt = nullable(
  timeField(
    'When the next attempt is due. In the past: it is under way or about to be, or the endpoint has no room, is ' +
      'paused, disabled or broken. Null when the delivery has ended or is `blocked`.',
  ),
);

export const BlockedBy = nullable(
  idField('Id of the delivery that has to end first. Null unless `blocked`.'),
);

export const LastError = nullable(
  Type.String({
    description:
      'Why it ended last, as a code: `retries_exhausted`, `held_too_long`, `endpoint_deleted`, `superseded`, or the ' +
      "outcome that is not retried. While it is retried, the last attempt's `error`. Null after a success.",
  }),
);

const delivery = {
  deliveryId: idField('Also the `webhook-id` of every attempt.'),
  orderId: Id,
  version: Type.Integer({ minimum: 1, description: "The order's, after the change." }),
  status: Status,
  endpointId: Id,
  url: Type.String({ description: "The endpoint's present URL." }),
  state: DeliveryStateField,
  changedAt: timeField('When the order changed.'),
  openedBy: Type.Enum(['change', 'resend', 'replay'], { description: 'What asked for it last.' }),
  openedAt: timeField('When that was.'),
  replayId: nullable(Id),
  attemptCount: Type.Integer({ minimum: 0, description: 'Attempts ever made.' }),
  nextAttemptAt: NextAttemptAt,
  blockedBy: BlockedBy,
  lastOutcome: nullable(Type.Enum([...ATTEMPT_OUTCOMES])),
  lastResponseStatus: nullable(Type.Integer()),
  lastError: LastError,
  finishedAt: nullable(timeField('When it ended.')),
};

const attempt = {
  attemptNumber: Type.Integer({ minimum: 1 }),
  trigger: Type.Enum([...ATTEMPT_TRIGGERS], {
    description:
      'Why it was made: the `first`, a `retry`, a `resend` or `replay`, a `probe` of a broken endpoint, a ' +
      '`rotation` (sent again with the other shared secret), a `resume` after an interrupted attempt.',
  }),
  at: timeField('When it began.'),
  durationMs: nullable(Type.Integer({ minimum: 0 })),
  outcome: nullable(Type.Enum([...ATTEMPT_OUTCOMES], { description: 'Null while under way.' })),
  reason: nullable(
    Type.Enum([...ATTEMPT_REASON_CODES], {
      description:
        'How exactly it ended: a row of the table *Every answer*. Null while under way, and for attempts that are ' +
        'older than this field.',
    }),
  ),
  responseStatus: nullable(Type.Integer()),
  error: nullable(Type.String({ description: 'What went wrong: a code, a colon, and a sentence.' })),
};

/** An attempt in a timeline. */
export const AttemptSummary = Type.Object(attempt, {
  title: 'DeliveryAttemptSummary',
  additionalProperties: false,
});

export const AttemptResource = Type.Object(
  {
    ...attempt,
    endedAt: nullable(timeField('When it ended. Null while under way.')),
    responseExcerpt: nullable(
      Type.String({
        description: "The first 1 KiB of the answer's body, without the secrets that it repeats.",
      }),
    ),
  },
  { title: 'DeliveryAttempt', additionalProperties: false },
);

const attempts = Type.Array(AttemptResource, {
  maxItems: MAX_ATTEMPTS_SHOWN,
  description: `Oldest first; of more than ${MAX_ATTEMPTS_SHOWN}, the newest ones.`,
});
const customerServerId = Id;

export const DeliveryResource = Type.Object(delivery, { title: 'Delivery', additionalProperties: false });
export const AnyDeliveryResource = Type.Object(
  { ...delivery, customerServerId },
  { title: 'DeliveryOfAnyCustomerServer', additionalProperties: false },
);
export const DeliveryWithAttempts = Type.Object(
  { ...delivery, attempts },
  { title: 'DeliveryWithAttempts', additionalProperties: false },
);
export const AnyDeliveryWithAttempts = Type.Object(
  { ...delivery, customerServerId, attempts },
  { title: 'DeliveryOfAnyCustomerServerWithAttempts', additionalProperties: false },
);
