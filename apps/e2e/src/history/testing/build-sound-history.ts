/** Histories in which everything went as promised, in all the ways it may: for tests of the checker. */
import { signWebhook } from '@vendor-server/domain/webhooks/sign-webhook.ts';
import type {
  ApiAnswer,
  AttemptRow,
  ChangeRow,
  DeliveryRow,
  EndpointRow,
  FaultSpan,
  History,
  SeenRequest,
} from '../history.ts';
import { createRandom, type Random } from './create-random.ts';

export type MutableHistory = { -readonly [Part in keyof History]: History[Part][number][] };

const STATUSES = ['pending', 'accepted', 'in_progress', 'payment_requested', 'completed'];
const TIMEOUT_MS = 500;
const RETRIES = 2;
/** Between two things that happen to one delivery: room for a test to put something in between. */
const STEP_MS = 20;
const ORDERS = 4;
const CUSTOMER_SERVER_ID = 'c'.repeat(24);

/** The run's one fault, long enough for every attempt to fall into it. */
const KILL: FaultSpan = {
  kind: 'kill',
  begunAt: 0,
  endedAt: Number.MAX_SAFE_INTEGER,
  allowsDuplicates: true,
  delaysRecords: false,
};

export function buildSoundHistory(seed: number): MutableHistory {
  const random = createRandom(seed);
  const begunAt = Date.now() - 60_000;
  const endpoints = [
    buildEndpoint(random, '/good'),
    buildEndpoint(random, '/shaky'),
    buildEndpoint(random, '/latest', { wantsLatestOnly: true }),
    buildEndpoint(random, '/some', { statuses: ['pending', 'completed'] }),
    // Long after everything was promised, so that it must have been told of it all.
    buildEndpoint(random, '/deleted', { deletedAt: begunAt + 30_000 }),
  ];
  const history: MutableHistory = {
    requests: [],
    answers: [],
    changes: [],
    deliveries: [],
    attempts: [],
    endpoints,
    scripts: endpoints.map(({ endpointId, path }) => ({ endpointId, isGood: path === '/good' })),
    faults: [KILL],
    liveJobs: [],
  };
  // Some runs kill nobody.
  const isCalm = random.chance(0.3);
  for (let order = 0; order < ORDERS; order += 1) {
    const changes = addChanges(history, random, begunAt);
    for (const endpoint of endpoints) {
      const wanted = changes.filter(({ status }) => endpoint.statuses?.includes(status) ?? true);
      addLane({ history, random, endpoint, isCalm }, wanted, begunAt + random.below(1_000));
    }
  }
  return history;
}

function buildEndpoint(random: Random, path: string, changes: Partial<EndpointRow> = {}): EndpointRow {
  return {
    endpointId: random.id(),
    customerServerId: CUSTOMER_SERVER_ID,
    path,
    signingSecret: `whsec_${Buffer.from(random.id()).toString('base64')}`,
    wantsLatestOnly: false,
    statuses: null,
    timeoutMs: TIMEOUT_MS,
    retries: RETRIES,
    deletedAt: null,
    ...changes,
  };
}

function addChanges(history: MutableHistory, random: Random, begunAt: number): ChangeRow[] {
  const orderId = random.id();
  return STATUSES.slice(0, 2 + random.below(STATUSES.length - 1)).map((status, index) => {
    const version = index + 1;
    const body = JSON.stringify({ orderId, version, status, who: 'naïve ✓' });
    const change = { orderId, customerServerId: CUSTOMER_SERVER_ID, version, status, body };
    history.changes.push(change);
    const got: ApiAnswer['got'] = { kind: 'acknowledged', orderId, version, status };
    const asked = { kind: 'change', orderId: version === 1 ? null : orderId, to: status } as const;
    const call = { begunAt: begunAt + version, endedAt: begunAt + version + 1, asked };
    if (random.chance(0.2)) history.answers.push({ ...call, got: { kind: 'unknown' } });
    // Of some nothing is known but that they were asked for.
    else history.answers.push({ ...call, got });
    return change;
  });
}

function addLane(
  run: Pick<Told, 'history' | 'random' | 'endpoint' | 'isCalm'>,
  changes: readonly ChangeRow[],
  begunAt: number,
): void {
  const { history, random, endpoint } = run;
  let time = begunAt;
  for (const [at, change] of changes.entries()) {
    const { orderId, version } = change;
    const isLast = at === changes.length - 1;
    const { wantsLatestOnly } = endpoint;
    const delivery: DeliveryRow = {
      deliveryId: random.id(),
      orderId,
      version,
      endpointId: endpoint.endpointId,
      state: 'delivered',
      generation: 1,
      attemptCount: 0,
      isClaimed: false,
      openedBy: 'change',
      openedAt: begunAt,
      replacesOlder: wantsLatestOnly,
      finishedAt: 0,
    };
    const told = { ...run, change, deliveryId: delivery.deliveryId };
    if (wantsLatestOnly && !isLast && random.chance(0.5)) {
      history.deliveries.push({ ...delivery, state: 'superseded', finishedAt: time });
    } else if (endpoint.deletedAt !== null && isLast && random.chance(0.5)) {
      history.deliveries.push({ ...delivery, state: 'cancelled', finishedAt: endpoint.deletedAt });
    } else {
      const first = send(told, time, 1, 'first');
      const isReopened = first.state === 'failed' ? random.chance(0.5) : random.chance(0.1);
      const openedAt = first.time + STEP_MS;
      const ended = isReopened
        ? { ...send({ ...told, accepts: true }, openedAt, first.count + 1, 'resend'), openedAt }
        : { ...first, openedAt: begunAt };
      if (isReopened) history.answers.push(buildResend(delivery.deliveryId, openedAt));
      time = ended.time;
      history.deliveries.push({
        ...delivery,
        state: ended.state,
        attemptCount: ended.count,
        openedBy: isReopened ? 'resend' : 'change',
        openedAt: ended.openedAt,
        finishedAt: time,
      });
    }
    time += STEP_MS;
  }
}

function buildResend(deliveryId: string, at: number): ApiAnswer {
  const asked = { kind: 'resend', deliveryId } as const;
  return { begunAt: at, endedAt: at + 1, asked, got: { kind: 'accepted' } };
}

interface Told {
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
function send(told: Told, begunAt: number, number: number, trigger: string) {
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
