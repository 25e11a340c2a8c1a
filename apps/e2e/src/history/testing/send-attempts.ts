/** Attempts of a delivery, and what its receiver saw of them, in all the ways they may go. */
import { signWebhook } from '@vendor-server/domain/webhooks/sign-webhook.ts';
import type { AttemptRow, ChangeRow, EndpointRow, SeenRequest } from '../history.ts';
import type { Random } from './create-random.ts';
import type { MutableHistory } from './mutable-history.ts';

export const TIMEOUT_MS = 500;
export const RETRIES = 2;
/** Between two things that happen to one delivery: room for a test to put something in between. */
export const STEP_MS = 20;

export interface Told {
  readonly history: MutableHistory;
  readonly random: Random;
  readonly endpoint: EndpointRow;
  readonly change: ChangeRow;
  readonly deliveryId: string;
  /** Nobody dies. */
  readonly isCalm: boolean;
  /** Every attempt is accepted at once. */
  readonly accepts?: boolean;
}

/** Attempts of one budget, from `number` on. */
export function send(told: Told, begunAt: number, number: number, trigger: string) {
  let time = begunAt;
  let count = number - 1;
  let nextTrigger = trigger;
  for (let failures = 0; failures <= RETRIES; ) {
    count += 1;
    const fate = pickFate(told);
    time = attempt(told, time, count, nextTrigger, fate);
    if (fate === 'acknowledged') return { state: 'delivered' as const, time, count };
    if (fate === 'refused') return { state: 'failed' as const, time, count };
    failures += fate.startsWith('died') ? 0 : 1;
    nextTrigger = fate.startsWith('died') ? 'resume' : 'retry';
  }
  return { state: 'failed' as const, time, count };
}

type Fate = keyof typeof FATES;

/** What becomes of an attempt: as it is recorded, and what the receiver did; undefined where it saw nothing. */
const FATES = {
  acknowledged: { outcome: 'acknowledged', status: 200, saw: 'answered' },
  unavailable: { outcome: 'rejected', status: 503, saw: 'answered' },
  refused: { outcome: 'rejected', status: 400, saw: 'answered' },
  reset: { outcome: 'connection_failed', status: null, saw: 'silent' },
  cut: { outcome: 'connection_failed', status: 200, saw: 'cut' },
  late: { outcome: 'timed_out', status: 200, saw: 'late' },
  died_before: { outcome: 'interrupted', status: null, saw: 'nothing' },
  died_after: { outcome: 'interrupted', status: 200, saw: 'answered' },
} as const;

function pickFate({ random, endpoint, isCalm, accepts = false }: Told): Fate {
  if (!accepts && !isCalm && random.chance(0.1)) return random.pick(['died_before', 'died_after']);
  const isShaky = endpoint.path === '/shaky' && !accepts;
  if (isShaky && random.chance(0.6)) return random.pick(['unavailable', 'refused', 'reset', 'cut', 'late']);
  return 'acknowledged';
}

/** @returns when it had ended */
function attempt(told: Told, time: number, number: number, trigger: string, fate: Fate): number {
  const { outcome, status, saw } = FATES[fate];
  const begunAt = time + STEP_MS;
  const writtenAt = begunAt + (saw === 'late' ? TIMEOUT_MS + 1 : 1);
  const endedAt = writtenAt + STEP_MS;
  const row: AttemptRow = {
    deliveryId: told.deliveryId,
    number,
    trigger,
    startedAt: time,
    endedAt,
    outcome,
    responseStatus: saw === 'answered' && outcome !== 'interrupted' ? status : null,
  };
  told.history.attempts.push(row);
  if (saw !== 'nothing') {
    const answer = saw === 'silent' || status === null ? null : { status, writtenAt, isCut: saw === 'cut' };
    told.history.requests.push({ ...buildRequest(told, row, begunAt), answer });
  }
  return endedAt + STEP_MS;
}

/** A signed webhook, as it comes. */
export function buildRequest(
  { endpoint, change }: Pick<Told, 'endpoint' | 'change'>,
  { deliveryId, number, startedAt }: AttemptRow,
  begunAt: number,
): SeenRequest {
  const { signingSecret, path } = endpoint;
  const signedAt = Math.floor(startedAt / 1_000);
  const signature = signWebhook([signingSecret], deliveryId, signedAt, change.body);
  return {
    path,
    begunAt,
    body: Buffer.from(change.body),
    headers: {
      'x-webhook-order-id': change.orderId,
      'x-webhook-version': String(change.version),
      'x-webhook-attempt': String(number),
      'x-webhook-timestamp': new Date(startedAt).toISOString(),
      'webhook-id': deliveryId,
      'webhook-timestamp': String(signedAt),
      'webhook-signature': signature,
    },
    answer: null,
  };
}
