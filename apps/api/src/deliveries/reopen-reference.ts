/** What the API reference says of resending and replaying. */
import type { RouteReference } from '../reference/route-reference.ts';
import { answerOf } from '../schemas/answer-schemas.ts';
import { getAnyDeliveryReference, getDeliveryReference } from './reference.ts';
import { AnyReplayResource, ReplayResource, ReplayStarted } from './replay-schemas.ts';

const RESEND_DESCRIPTION =
  'Opens a delivery again that is `delivered`, `failed` or `superseded`: same `webhook-id`, same body, a new retry ' +
  'budget; attempt numbers go on. It takes its place in the order of its lane: behind what is under way about the ' +
  'same order, and at a paused endpoint it waits. A receiver may so get an older `version` after a newer one, and ' +
  'ignores it.';

const REPLAY_DESCRIPTION =
  'Opens every delivery again whose change lies in the span and that is in one of `states`, oldest change first. It ' +
  'goes on by itself, also over restarts of this service, and takes at most half of an endpoint’s window, so that ' +
  'new changes go out as promptly as ever. Left out are deliveries that are open already, whose endpoint was ' +
  'deleted, or whose order’s personal data was erased. A span that reaches beyond now ends now.';

const PROGRESS_DESCRIPTION =
  '`matched` minus `reopened` were left out. `delivered` and `failed` say how those that were opened again have ' +
  'ended since; one that is sent again by something else later is not counted twice.';

const STARTED = { ok: true, data: { replayId: '018c3470aa00b1c2d3e4f507' } };
const REPLAY = {
  replayId: '018c3470aa00b1c2d3e4f507',
  state: 'running',
  since: '2023-12-04T10:00:00.000Z',
  until: '2023-12-04T12:00:00.000Z',
  endpointId: null,
  states: ['failed'],
  matched: 120,
  reopened: 118,
  delivered: 104,
  failed: 6,
  createdAt: '2023-12-04T12:05:00.000Z',
  finishedAt: null,
};

const CUSTOMER_SERVER_ID = '018c3430aa00a1b2c3d4e5f6';
const SPAN = {
  since: '2023-12-04T10:00:00.000Z',
  until: '2023-12-04T11:00:00.000Z',
  endpointId: '018c3430aa00b1c2d3e4f506',
  states: ['delivered', 'failed', 'superseded'],
};

const STARTED_ANSWER = {
  202: { description: 'The replay goes on by itself.', schema: answerOf(ReplayStarted), example: STARTED },
};
const REPLAY_ANSWER = {
  200: {
    description: 'How far it has come.',
    schema: answerOf(ReplayResource),
    example: { ok: true, data: REPLAY },
  },
};

const OWN = { audience: 'customer_server', tag: 'Deliveries' } as const;
const OPERATORS = { audience: 'operator', tag: 'Operators: deliveries' } as const;
const RESEND_ERRORS = [
  'not_found',
  'delivery_not_finished',
  'endpoint_deleted',
  'personal_data_erased',
] as const;
const REPLAY_ERRORS = ['not_found', 'endpoint_deleted', 'rate_limited'] as const;

export const resendReference: RouteReference = {
  ...OWN,
  operationId: 'resendDelivery',
  summary: 'Send a delivery again',
  description: RESEND_DESCRIPTION,
  answers: getDeliveryReference.answers,
  errors: RESEND_ERRORS,
};

export const startReplayReference: RouteReference = {
  ...OWN,
  operationId: 'startReplay',
  summary: 'Send a span of deliveries again',
  description: REPLAY_DESCRIPTION,
  answers: STARTED_ANSWER,
  errors: REPLAY_ERRORS,
  bodyExamples: {
    'what failed since then': { since: REPLAY.since },
    'everything of an hour to one endpoint': SPAN,
  },
};

export const getReplayReference: RouteReference = {
  ...OWN,
  operationId: 'getReplay',
  summary: 'Read how far a replay has come',
  description: PROGRESS_DESCRIPTION,
  answers: REPLAY_ANSWER,
  errors: ['not_found'],
};

export const resendAnyReference: RouteReference = {
  ...OPERATORS,
  operationId: 'resendAnyDelivery',
  summary: 'Send any delivery again',
  description: RESEND_DESCRIPTION,
  answers: getAnyDeliveryReference.answers,
  errors: RESEND_ERRORS,
};

export const startAnyReplayReference: RouteReference = {
  ...OPERATORS,
  operationId: 'startReplayForCustomerServer',
  summary: 'Send a span of a customer server’s deliveries again',
  description: `${REPLAY_DESCRIPTION} A replay is one customer server’s.`,
  answers: STARTED_ANSWER,
  errors: REPLAY_ERRORS,
  bodyExamples: {
    'what failed since then': { customerServerId: CUSTOMER_SERVER_ID, since: REPLAY.since },
  },
};

export const getAnyReplayReference: RouteReference = {
  ...OPERATORS,
  operationId: 'getAnyReplay',
  summary: 'Read how far any replay has come',
  description: PROGRESS_DESCRIPTION,
  answers: {
    200: {
      ...REPLAY_ANSWER[200],
      schema: answerOf(AnyReplayResource),
      example: { ok: true, data: { ...REPLAY, customerServerId: CUSTOMER_SERVER_ID } },
    },
  },
  errors: ['not_found'],
};
