/** Histories in which everything went as promised, in all the ways it may: for tests of the checker. */
import type { ApiAnswer, ChangeRow, DeliveryRow, EndpointRow, FaultSpan } from '../history.ts';
import { addHold, HOLDS } from './add-holds.ts';
import { createRandom, type Random } from './create-random.ts';
import type { MutableHistory } from './mutable-history.ts';
import { RETRIES, STEP_MS, send, TIMEOUT_MS, type Told } from './send-attempts.ts';

const STATUSES = ['pending', 'accepted', 'in_progress', 'payment_requested', 'completed'];
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
  for (const endpoint of endpoints) {
    const { endpointId, deletedAt } = endpoint;
    random.pick(HOLDS)(history, endpoint, begunAt);
    if (deletedAt !== null) addHold(history, { kind: 'delete', endpointId }, deletedAt);
  }
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

type Run = Pick<Told, 'history' | 'random' | 'endpoint' | 'isCalm'>;

/** A delivery of a lane, and what it takes to send it again. */
interface Laid {
  readonly told: Told;
  readonly row: DeliveryRow;
}

function addLane(run: Run, changes: readonly ChangeRow[], begunAt: number): void {
  const { history, random, endpoint } = run;
  const laid: Laid[] = [];
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
      replayId: null,
      replacesOlder: wantsLatestOnly,
      finishedAt: time,
    };
    const told = { ...run, change, deliveryId: delivery.deliveryId };
    if (wantsLatestOnly && !isLast && random.chance(0.5)) {
      laid.push({ told, row: { ...delivery, state: 'superseded' } });
    } else if (endpoint.deletedAt !== null && isLast && random.chance(0.5)) {
      laid.push({ told, row: { ...delivery, state: 'cancelled', finishedAt: endpoint.deletedAt } });
    } else {
      const { state, count, time: finishedAt } = send(told, time, 1, 'first');
      const first = { told, row: { ...delivery, state, attemptCount: count, finishedAt } };
      const isResent = random.chance(state === 'failed' ? 0.5 : 0.1);
      const ended = isResent ? resend(first, finishedAt) : first;
      laid.push(ended);
      time = ended.row.finishedAt ?? finishedAt;
    }
    time += STEP_MS;
  }
  const isReplayed = endpoint.deletedAt === null && !endpoint.wantsLatestOnly && random.chance(0.3);
  const ended = isReplayed ? replay(run, laid, time) : laid;
  history.deliveries.push(...ended.map(({ row }) => row));
}

function resend(laid: Laid, at: number): Laid {
  const { history, deliveryId } = laid.told;
  const openedAt = at + STEP_MS;
  const asked = { kind: 'resend', deliveryId } as const;
  history.answers.push({ begunAt: openedAt, endedAt: openedAt + 1, asked, got: { kind: 'accepted' } });
  const told = { ...laid.told, accepts: true };
  return sendAgain({ ...laid, told }, { openedBy: 'resend', openedAt, replayId: null }, openedAt);
}

/** Opens all of a lane again, sends them by version, and then perhaps the first of them once more. */
function replay({ history, random, endpoint }: Run, lane: readonly Laid[], at: number): Laid[] {
  const openedAt = at + STEP_MS;
  const replayId = random.id();
  const asked = { kind: 'replay', endpointId: endpoint.endpointId } as const;
  history.answers.push({ begunAt: at, endedAt: at + 1, asked, got: { kind: 'accepted' } });
  let time = openedAt;
  const ended = lane.map((laid) => {
    // In one statement, whose rows come in any order.
    const opened = { openedBy: 'replay', openedAt: openedAt - laid.row.version / 1_000, replayId } as const;
    const again = sendAgain(laid, opened, time);
    time = again.row.finishedAt ?? time;
    return again;
  });
  const [first, ...others] = ended;
  if (first === undefined || random.chance(0.5)) return ended;
  return [resend(first, time - STEP_MS), ...others];
}

/** @param time when it is its turn */
function sendAgain(
  { told, row }: Laid,
  opened: Pick<DeliveryRow, 'openedAt' | 'replayId'> & { readonly openedBy: 'resend' | 'replay' },
  time: number,
): Laid {
  const { state, count, time: finishedAt } = send(told, time, row.attemptCount + 1, opened.openedBy);
  return { told, row: { ...row, ...opened, state, attemptCount: count, finishedAt } };
}
