import { ENDPOINT_HEALTH_STATES } from '@vendor-server/domain/endpoints/endpoint-health.ts';
import {
  ENDPOINT_MODES,
  ENDPOINT_STATES,
  RETRY_DELAY_BOUNDS,
  TIMEOUT_BOUNDS,
} from '@vendor-server/domain/endpoints/webhook-endpoint.ts';
import Type, { type Static } from 'typebox';
import { PageQuery } from '../plugins/paging.ts';
import { nullable, timeField } from '../schemas/answer-schemas.ts';
import { Id, Status } from '../schemas/common-schemas.ts';

export const EndpointParams = Type.Object({ endpointId: Id });

const Url = Type.String({ minLength: 1, maxLength: 2048 });
const Mode = Type.Enum([...ENDPOINT_MODES], {
  description:
    '`every_step`: each change is sent. `latest_only`: a newer change replaces those of its order that were not sent ' +
    'yet; they end as `superseded`. Holds from the next change.',
});
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
  statuses: Type.Optional(nullable(Statuses)),
  mode: Type.Optional(Mode),
  retryDelaysMs: Type.Optional(nullable(RetryDelaysMs)),
  timeoutMs: Type.Optional(nullable(TimeoutMs)),
  sendSharedSecret: Type.Optional(Type.Boolean()),
};

export const EndpointCreateBody = Type.Object({ url: Url, ...Preferences });
export type EndpointCreateBody = Static<typeof EndpointCreateBody>;

/** What is absent stays as it is. */
export const EndpointPatchBody = Type.Object({ url: Type.Optional(Url), ...Preferences });
export type EndpointPatchBody = Static<typeof EndpointPatchBody>;

export const SigningSecretRotationBody = Type.Object({
  overlapHours: Type.Optional(Type.Number({ minimum: 0, maximum: 168 })),
});

export const EndpointQuery = Type.Object(PageQuery, { additionalProperties: false });

export const AllEndpointsQuery = Type.Object(
  {
    ...PageQuery,
    state: Type.Optional(Type.Enum([...ENDPOINT_HEALTH_STATES])),
    customerServerId: Type.Optional(Id),
  },
  { additionalProperties: false },
);

const HealthState = Type.Enum([...ENDPOINT_HEALTH_STATES], {
  description:
    'Whether it takes its webhooks. `healthy`: it does. `struggling`: its last three attempts or more failed; it is ' +
    'sent webhooks still. `broken`: it does not answer; what is due waits, and one delivery at a time asks whether it ' +
    'is back. `paused` and `disabled`: nothing is sent until somebody opens it.',
});

const EndpointHealthResource = Type.Object(
  {
    state: HealthState,
    reason: nullable(
      Type.String({
        description:
          'Why it is not healthy: since when it fails and how, or who paused it, or why it was disabled.',
      }),
    ),
    until: nullable(
      timeField('When a broken endpoint is tried next. Null: it is open, or closed until somebody opens it.'),
    ),
    warning: nullable(
      Type.String({
        description:
          'What to do something about: that changes wait, and when the oldest is given up; when it is disabled.',
      }),
    ),
    window: Type.Integer({
      minimum: 0,
      maximum: 64,
      description: 'How many of its deliveries may be on their way at once; 0 while it is broken.',
    }),
    consecutiveFailures: Type.Integer({
      minimum: 0,
      description:
        'Attempts that failed since the last one that was accepted with 2xx, over all of its orders.',
    }),
    lastSuccessAt: nullable(
      timeField('When it last accepted a webhook, to the minute. Null: it has accepted none so far.'),
    ),
    oldestPendingAt: nullable(
      timeField('When the oldest of the changes was made that `pending` counts. Null: there is none.'),
    ),
    pending: Type.Integer({ minimum: 0, description: 'Deliveries that have not ended, counted up to 1000.' }),
    pendingCapped: Type.Boolean({ description: 'There are more than `pending` says.' }),
  },
  { title: 'EndpointHealth', additionalProperties: false },
);

/** What there is to say of an endpoint wherever it is shown. */
export const ENDPOINT_PROPERTIES = {
  endpointId: Id,
  url: Type.String({ description: 'Where webhooks are sent.' }),
  statuses: nullable(Type.Array(Status, { minItems: 1, description: 'Null means all.' })),
  mode: Mode,
  retryDelaysMs: nullable(Type.Array(Type.Integer(), { description: "Null means the service's." })),
  timeoutMs: Type.Integer({ description: 'The effective one, in milliseconds.' }),
  sendSharedSecret: Type.Boolean({
    description: 'Whether webhooks carry `x-vendor-server-secret`, besides their signature.',
  }),
  state: Type.Enum([...ENDPOINT_STATES], {
    description:
      'What somebody wants: `active`, or `paused` until it is resumed. Or `disabled`: it was found to be gone, or failed ' +
      'for days, and is sent nothing until somebody enables it. Whether it works is in `health`.',
  }),
  health: EndpointHealthResource,
  createdAt: timeField('When it was added.'),
  updatedAt: timeField('When it was last changed, paused or opened.'),
};

export const EndpointResource = Type.Object(ENDPOINT_PROPERTIES, {
  title: 'WebhookEndpoint',
  additionalProperties: false,
});

const SigningSecret = Type.String({
  pattern: '^whsec_',
  description: 'The key of `webhook-signature`. It is not shown again.',
});

/** As it is shown once, at creation. */
export const CreatedEndpointResource = Type.Object(
  { ...ENDPOINT_PROPERTIES, signingSecret: SigningSecret },
  { title: 'WebhookEndpointWithSigningSecret', additionalProperties: false },
);

export const RotatedSigningSecretResource = Type.Object(
  {
    endpointId: Id,
    signingSecret: SigningSecret,
    overlapUntil: nullable(timeField('Until then the old secret signs, too. Null: it does not.')),
  },
  { title: 'RotatedSigningSecret', additionalProperties: false },
);

export const DeletedEndpointResource = Type.Object(
  { endpointId: Id, deletedAt: timeField('When that was.') },
  { title: 'DeletedWebhookEndpoint', additionalProperties: false },
);

export const OperatorEndpointResource = Type.Object(
  {
    customerServerId: Id,
    customerServerName: Type.String({ description: 'Whose it is.' }),
    ...ENDPOINT_PROPERTIES,
    stateChangedAt: timeField('When it was last paused, disabled or opened.'),
    failingSince: nullable(timeField('The first failure since the last success. Null: there is none.')),
    lastFailureAt: nullable(timeField('Kept when it works again.')),
    lastFailureReason: nullable(
      Type.String({
        description:
          'How the last failed attempt ended, e.g. `rejected 503` or `timed_out no_answer`: its outcome, and the status ' +
          'or the reason code of *Every answer*. Null: none has failed.',
      }),
    ),
  },
  { title: 'WebhookEndpointForOperators', additionalProperties: false },
);
