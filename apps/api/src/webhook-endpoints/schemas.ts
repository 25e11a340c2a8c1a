import { ENDPOINT_HEALTH_STATES } from '@vendor-server/domain/endpoints/endpoint-health.ts';
import {
  ENDPOINT_MODES,
  ENDPOINT_STATES,
  RETRY_DELAY_BOUNDS,
  TIMEOUT_BOUNDS,
} from '@vendor-server/domain/endpoints/webhook-endpoint.ts';
import Type, { type Static, type TSchema } from 'typebox';
import { PageQuery } from '../plugins/paging.ts';
import { Id, Status, Timestamp } from '../schemas/common-schemas.ts';

function orNull<Schema extends TSchema>(schema: Schema) {
  return Type.Union([schema, Type.Null()]);
}

export const EndpointParams = Type.Object({ endpointId: Id });

const Url = Type.String({ minLength: 1, maxLength: 2048 });
const Mode = Type.Enum([...ENDPOINT_MODES]);
const Statuses = Type.Array(Status, {
  minItems: 1,
  uniqueItems: true,
  rule: 'must be null, or a list of at least one status with none twice',
});
const RetryDelaysMs = Type.Array(
  Type.Integer({ minimum: RETRY_DELAY_BOUNDS.minMs, maximum: RETRY_DELAY_BOUNDS.maxMs }),
  { maxItems: RETRY_DELAY_BOUNDS.maxCount },
);
const TimeoutMs = Type.Integer({ minimum: TIMEOUT_BOUNDS.minMs, maximum: TIMEOUT_BOUNDS.maxMs });

/** Null means the default: all statuses, the settings' delays and time-out. */
const Preferences = {
  statuses: Type.Optional(orNull(Statuses)),
  mode: Type.Optional(Mode),
  retryDelaysMs: Type.Optional(orNull(RetryDelaysMs)),
  timeoutMs: Type.Optional(orNull(TimeoutMs)),
  sendSharedSecret: Type.Optional(Type.Boolean()),
};

export const EndpointCreateBody = Type.Object({ url: Url, ...Preferences });
export type EndpointCreateBody = Static<typeof EndpointCreateBody>;

/** What is absent stays as it is. */
export const EndpointPatchBody = Type.Object({ url: Type.Optional(Url), ...Preferences });
export type EndpointPatchBody = Static<typeof EndpointPatchBody>;

export const SigningSecretRotationBody = Type.Object({
  overlapHours: Type.Optional(Type.Integer({ minimum: 0, maximum: 168 })),
});

export const AllEndpointsQuery = Type.Object(
  {
    ...PageQuery,
    state: Type.Optional(Type.Enum([...ENDPOINT_HEALTH_STATES])),
    customerServerId: Type.Optional(Id),
  },
  { additionalProperties: false },
);

const EndpointHealthResource = Type.Object(
  {
    state: Type.Enum([...ENDPOINT_HEALTH_STATES]),
    reason: orNull(Type.String({ description: 'Why it is not healthy, and since when.' })),
    until: orNull(Type.String({ format: 'date-time', description: 'When a broken endpoint is tried next.' })),
    warning: orNull(Type.String({ description: 'What to do something about.' })),
    window: Type.Integer({
      minimum: 0,
      maximum: 64,
      description: 'How many of its deliveries may be on their way at once; 0 while it is broken.',
    }),
    consecutiveFailures: Type.Integer({ minimum: 0 }),
    lastSuccessAt: orNull(Type.String({ format: 'date-time', description: 'To the minute.' })),
    oldestPendingAt: orNull(Timestamp),
    pending: Type.Integer({ minimum: 0, description: 'Deliveries that have not ended, counted up to 1000.' }),
    pendingCapped: Type.Boolean({ description: 'There are more than `pending` says.' }),
  },
  { additionalProperties: false },
);

const ENDPOINT_PROPERTIES = {
  endpointId: Id,
  url: Type.String(),
  statuses: orNull(Type.Array(Status, { minItems: 1, description: 'Null means all.' })),
  mode: Mode,
  retryDelaysMs: orNull(Type.Array(Type.Integer(), { description: "Null means the service's." })),
  timeoutMs: Type.Integer({ description: 'The effective one, in milliseconds.' }),
  sendSharedSecret: Type.Boolean(),
  state: Type.Enum([...ENDPOINT_STATES]),
  health: EndpointHealthResource,
  createdAt: Timestamp,
  updatedAt: Timestamp,
};

export const EndpointResource = Type.Object(ENDPOINT_PROPERTIES, { additionalProperties: false });

/** As it is shown once, at creation. */
export const CreatedEndpointResource = Type.Object(
  { ...ENDPOINT_PROPERTIES, signingSecret: Type.String({ pattern: '^whsec_' }) },
  { additionalProperties: false },
);

export const RotatedSigningSecretResource = Type.Object(
  {
    endpointId: Id,
    signingSecret: Type.String({ pattern: '^whsec_' }),
    overlapUntil: orNull(Timestamp),
  },
  { additionalProperties: false },
);

export const DeletedEndpointResource = Type.Object(
  { endpointId: Id, deletedAt: Timestamp },
  { additionalProperties: false },
);

export const OperatorEndpointResource = Type.Object(
  {
    customerServerId: Id,
    customerServerName: Type.String(),
    ...ENDPOINT_PROPERTIES,
    stateChangedAt: Timestamp,
    failingSince: orNull(Timestamp),
    lastFailureAt: orNull(Timestamp),
    lastFailureReason: orNull(Type.String()),
  },
  { additionalProperties: false },
);
