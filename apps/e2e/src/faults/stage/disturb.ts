/**
 * What goes on besides the changes, all the time: endpoints are paused, resumed and deleted, break and come back,
 * deliveries are sent again, windows are what they are said to be. None of it is a fault.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { AskedHold, Got } from '../../history/history.ts';
import type { Random } from '../../history/testing/create-random.ts';
import type { Receiver } from '../../receiver/create-receiver.ts';
import { clockNow } from '../../receiver/received-request.ts';
import type { TestVendor } from '../../system/add-vendor.ts';
import type { System } from '../../system/create-system.ts';
import type { StageEndpoint } from './add-endpoints.ts';
import type { Teller } from './create-teller.ts';
import type { Mood, ReceiverScripts } from './receiver-scripts.ts';

export interface Disturbed {
  readonly system: System;
  readonly receiver: Receiver;
  readonly scripts: ReceiverScripts;
  readonly endpoints: readonly StageEndpoint[];
  readonly vendor: TestVendor;
  readonly teller: Teller;
  readonly random: Random;
  readonly signal: AbortSignal;
  readonly pauseMs: number;
}

const PRESENCE_MS = 20_000;
/** Some orders are never accepted at an endpoint that fails now and then: a lane whose head keeps failing. */
const UNLUCKY = /0$/;
const BAD_MOODS: readonly Mood[] = ['unavailable', 'hanging', 'resetting', 'cutting'];
/** Of the last webhooks that came. */
const RECENT = 300;
const REPLAYED_MS = 500;
const RESUME_TRIES = 50;
const RESUME_PAUSE_MS = 100;

export async function disturb(disturbed: Disturbed): Promise<void> {
  const { random, signal, scripts, pauseMs } = disturbed;
  for (const { path } of failing(disturbed)) scripts.refuseOrders(path, (orderId) => UNLUCKY.test(orderId));
  const toDelete = disturbed.endpoints.filter(({ path }) => path.startsWith('/deleted-'));
  const tries = [createMoods(random), createPauses(), resend, resend, resend, replay, setWindows];
  let onlineAt = performance.now();
  while (!signal.aborted) {
    await delay(random.next() * 2 * pauseMs);
    // Calls may fail, because the API may be away: then something else is tried.
    await random
      .pick(tries)(disturbed)
      .catch(() => undefined);
    if (random.chance(0.05)) await removeOne(disturbed, toDelete).catch(() => undefined);
    if (performance.now() - onlineAt > PRESENCE_MS) {
      await disturbed.vendor.call('PUT', '/api/vendor/presence', { body: { online: true } }).then(
        () => {
          onlineAt = performance.now();
        },
        () => undefined,
      );
    }
  }
}

/** Everything is as it should be again: nothing is paused, and everything is accepted. */
export async function calm(disturbed: Pick<Disturbed, 'endpoints' | 'scripts' | 'teller'>): Promise<void> {
  disturbed.scripts.relent();
  for (const endpoint of pausing(disturbed.endpoints)) {
    for (let tries = 1; (await hold(disturbed.teller, endpoint, 'resume')).kind !== 'accepted'; tries += 1) {
      if (tries === RESUME_TRIES) throw new Error(`${endpoint.path} could not be resumed.`);
      await delay(RESUME_PAUSE_MS);
    }
  }
}

const failing = ({ endpoints }: Disturbed) => endpoints.filter(({ isGood }) => !isGood);
const pausing = (endpoints: readonly StageEndpoint[]) => endpoints.filter(({ path }) => path === '/paused');

/**
 * Each bad mood in turn, from any of them on, and a good one between two. An endpoint hangs until it is broken; what is
 * broken is sent little, so the last mood, in which nothing of it would be seen otherwise, waits for a webhook.
 */
function createMoods(random: Random) {
  let turn = random.below(BAD_MOODS.length);
  return async (disturbed: Disturbed): Promise<void> => {
    const { scripts } = disturbed;
    const { path } = random.pick(failing(disturbed));
    const mood = scripts.moodOf(path);
    if (mood === 'cutting' && !scripts.hasMet(path)) return;
    if (mood === 'hanging' && !(await isBroken(disturbed, path))) return;
    if (mood !== 'accepting') return scripts.setMood(path, 'accepting');
    turn = (turn + 1) % BAD_MOODS.length;
    scripts.setMood(path, BAD_MOODS[turn] ?? 'unavailable');
  };
}

async function isBroken({ system, endpoints }: Disturbed, path: string): Promise<boolean> {
  const ids = endpoints.filter((each) => each.path === path).map(({ endpointId }) => endpointId);
  const { rowCount } = await system.database.pool.query(
    'select 1 from webhook_endpoints where id = any ($1::char(24)[]) and "window" = 0',
    [ids],
  );
  return rowCount !== 0;
}

/** A pause and a resumption in turn, each asked for until it is done. */
function createPauses() {
  let next: 'pause' | 'resume' = 'pause';
  return async ({ endpoints, random, teller }: Disturbed): Promise<void> => {
    const got = await hold(teller, random.pick(pausing(endpoints)), next);
    if (got.kind === 'accepted') next = next === 'pause' ? 'resume' : 'pause';
  };
}

async function hold(
  teller: Teller,
  { customerServer, endpointId }: StageEndpoint,
  kind: AskedHold['kind'],
): Promise<Got> {
  const path = `/api/external/webhook-endpoints/${endpointId}`;
  return teller.ask({ kind, endpointId }, () =>
    kind === 'delete' ? customerServer.call('DELETE', path) : customerServer.call('POST', `${path}/${kind}`),
  );
}

async function resend({ random, receiver, endpoints, teller }: Disturbed): Promise<void> {
  const { requests } = receiver;
  const request = requests[Math.max(0, requests.length - 1 - random.below(RECENT))];
  const deliveryId = request?.header('webhook-id');
  const endpoint = endpoints.find(({ path }) => path === request?.path);
  if (deliveryId === undefined || endpoint === undefined) return;
  const path = `/api/external/deliveries/${deliveryId}/resend`;
  await teller.ask({ kind: 'resend', deliveryId }, () => endpoint.customerServer.call('POST', path));
}

async function replay({ random, endpoints, teller }: Disturbed): Promise<void> {
  const { endpointId, customerServer } = random.pick(endpoints);
  const until = clockNow() - random.below(10_000);
  const body = {
    endpointId,
    since: new Date(until - REPLAYED_MS).toISOString(),
    until: new Date(until).toISOString(),
    states: [random.pick(['failed', 'delivered', 'superseded'])],
  };
  const path = '/api/external/deliveries/replay';
  await teller.ask({ kind: 'replay', endpointId }, () => customerServer.call('POST', path, { body }));
}

/**
 * As somebody who gives an endpoint less or more to do at once; a broken one opens by itself alone, and one that is
 * about to break is left to it.
 */
async function setWindows({ system, endpoints, scripts }: Disturbed): Promise<void> {
  const taking = endpoints.filter(({ path }) => scripts.moodOf(path) === 'accepting');
  const ids = taking.map(({ endpointId }) => endpointId);
  const windows = taking.map(({ window }) => window);
  await system.database.pool.query(
    `update webhook_endpoints e set "window" = w."window", window_changed_at = clock_timestamp()
       from unnest($1::char(24)[], $2::int[]) as w(id, "window")
      where e.id = w.id and e."window" > 0`,
    [ids, windows],
  );
}

async function removeOne({ teller }: Disturbed, left: StageEndpoint[]): Promise<void> {
  const [first] = left;
  if (first === undefined) return;
  const got = await hold(teller, first, 'delete');
  // Gone, by this call or by one whose answer was lost.
  if (got.kind === 'accepted' || (got.kind === 'refused' && got.status === 404)) left.shift();
}
