import { REOPENABLE_STATES } from '@vendor-server/platform/deliveries/reopen-sql.ts';
import Type, { type Static } from 'typebox';
import { nullable, timeField } from '../schemas/answer-schemas.ts';
import { Id, optional, Timestamp } from '../schemas/common-schemas.ts';

const States = Type.Array(Type.Enum([...REOPENABLE_STATES]), {
  minItems: 1,
  maxItems: REOPENABLE_STATES.length,
});

const body = {
  since: Timestamp,
  until: optional(Timestamp),
  endpointId: optional(Id),
  states: optional(States),
};

export const ReplayBody = Type.Object(body);
export type ReplayBody = Static<typeof ReplayBody>;

/** The operators' say whose deliveries they mean. */
export const AnyReplayBody = Type.Object({ customerServerId: Id, ...body });

export const ReplayParams = Type.Object({ replayId: Id });

export const ReplayStarted = Type.Object(
  { replayId: Id },
  { title: 'StartedReplay', additionalProperties: false },
);

const count = (description: string) => Type.Integer({ minimum: 0, description });

const replay = {
  replayId: Id,
  state: Type.Enum(['running', 'reopened', 'completed'], {
    description:
      '`running`: it opens deliveries again; `reopened`: it has opened all of them; `completed`: all of them ended.',
  }),
  since: timeField('Start of the span, included.'),
  until: timeField('End of the span, not included.'),
  endpointId: nullable(Id),
  states: Type.Array(Type.Enum([...REOPENABLE_STATES])),
  matched: count('Deliveries found so far in the span and in one of the states.'),
  reopened: count('Those of them that were opened again.'),
  delivered: count('Those of them that were delivered since.'),
  failed: count('Those of them that failed again.'),
  createdAt: timeField('When it was asked for.'),
  finishedAt: nullable(timeField('When it was completed.')),
};

export const ReplayResource = Type.Object(replay, { title: 'Replay', additionalProperties: false });
export const AnyReplayResource = Type.Object(
  { ...replay, customerServerId: Id },
  { title: 'ReplayOfAnyCustomerServer', additionalProperties: false },
);
