import { FINAL_DELIVERY_STATES } from '@vendor-server/domain/deliveries/delivery-state.ts';
import { ACTOR_TYPES } from '@vendor-server/domain/orders/actor.ts';
import Type from 'typebox';
import {
  AttemptSummary,
  BlockedBy,
  DeliveryStateField,
  LastError,
  NextAttemptAt,
} from '../deliveries/schemas.ts';
import { nullable, timeField } from '../schemas/answer-schemas.ts';
import { Id, idField, Status } from '../schemas/common-schemas.ts';
import { MAX_ATTEMPTS_IN_TIMELINE, MAX_CHANGES_IN_TIMELINE } from './timeline-sql.ts';

const url = Type.String({ description: "The endpoint's present URL." });

const ToldDelivery = Type.Object(
  {
    deliveryId: idField('Also the `webhook-id` of every attempt.'),
    endpointId: Id,
    url,
    state: DeliveryStateField,
    attemptCount: Type.Integer({ minimum: 0, description: 'Attempts ever made.' }),
    attempts: Type.Array(AttemptSummary, {
      maxItems: MAX_ATTEMPTS_IN_TIMELINE,
      description: `Oldest first; of more than ${MAX_ATTEMPTS_IN_TIMELINE}, the newest ones.`,
    }),
    lastError: LastError,
    nextAttemptAt: NextAttemptAt,
    blockedBy: BlockedBy,
  },
  { title: 'TimelineDelivery', additionalProperties: false },
);

const PrunedDelivery = Type.Object(
  {
    endpointId: Id,
    url,
    state: Type.Enum([...FINAL_DELIVERY_STATES]),
    prunedAt: timeField('When its attempts were removed, because they were older than what is kept.'),
  },
  { title: 'TimelinePrunedDelivery', additionalProperties: false },
);

function timelineOf(actorId: string) {
  const change = Type.Object(
    {
      version: Type.Integer({ minimum: 1 }),
      from: nullable(Status),
      to: Status,
      actor: Type.Object(
        {
          type: Type.Enum([...ACTOR_TYPES]),
          id: Type.Optional(Type.String({ description: actorId })),
        },
        { additionalProperties: false },
      ),
      reason: nullable(Type.String()),
      at: timeField('When the order changed.'),
      deliveries: Type.Array(Type.Union([ToldDelivery, PrunedDelivery]), {
        description: 'One for each endpoint that was to be told.',
      }),
    },
    { additionalProperties: false },
  );
  return Type.Array(change, {
    maxItems: MAX_CHANGES_IN_TIMELINE,
    description: `Oldest first; of more than ${MAX_CHANGES_IN_TIMELINE} changes, the newest ones.`,
  });
}

export const Timeline = timelineOf(
  "The customer server's or the vendor's. Partners have none, and operators' names are not shown.",
);
export const AnyTimeline = timelineOf(
  "The customer server's, the vendor's, or the operator's name when one was given. Partners have none.",
);
