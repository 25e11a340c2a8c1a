import { randomUUID } from 'node:crypto';
import { putBackUnclaimed } from '@vendor-server/platform/deliveries/unclaimed-sql.ts';
import {
  emptyDatabase,
  insertEndpoint,
  insertOrder,
  readAttempts,
  readDeliveries,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { inTransaction, interleavings, runInterleaved } from '@vendor-server/platform/testing/interleave.ts';
import { createStage } from '@vendor-server/platform/testing/party.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { endExpiredClaims, renewGenerations } from '../relay/relay-sql.ts';
import { answered } from '../testing/attempt-results.ts';
import { expireClaim } from '../testing/shift-time-sql.ts';
import { type ClaimAnswer, claimDeliveries, claimDelivery } from './claim-sql.ts';
import { addLateAnswer } from './lost-claim-sql.ts';
import { recordAttempt, recordAttempts } from './record-sql.ts';
import { settleRefusal } from './refusal-sql.ts';

const TIMEOUT_MS = 10_000;

let subject: Awaited<ReturnType<typeof createTestDatabase>>;

beforeAll(async () => {
  subject = await createTestDatabase();
});
afterAll(() => subject.drop());
// What another test claimed would expire under the eyes of a slow one.
beforeEach(() => emptyDatabase(subject.database.pool));

const pool = () => subject.database.pool;

async function createTwoActors() {
  const createActor = await createStage(subject.url);
  return [await createActor('one'), await createActor('other')] as const;
}

/** A delivery in the queue, with its job as of generation 1. */
async function insertQueued() {
  const endpoint = await insertEndpoint(pool());
  const { orderId, deliveryIds } = await insertOrder(pool(), endpoint, ['queued']);
  const deliveryId = deliveryIds[0] ?? '';
  return { ...endpoint, orderId, deliveryId, job: { deliveryId, generation: 1 } };
}

/** The same, claimed by a worker that was not heard of until its lease ran out. */
async function insertAbandoned() {
  const queued = await insertQueued();
  await claimDelivery(pool(), queued.job, 'dead', TIMEOUT_MS);
  await expireClaim(pool(), queued.deliveryId);
  return queued;
}

async function readDelivery(orderId: string) {
  const [row] = await readDeliveries(pool(), orderId);
  if (row === undefined) throw new Error('there is no such delivery');
  return row;
}

test('of two claims exactly one gets the delivery', async () => {
  const actors = await createTwoActors();
  for (const turns of interleavings([3, 3])) {
    const { job, deliveryId } = await insertQueued();
    const claims: unknown[] = [];
    const scripts = actors.map((actor) =>
      inTransaction(actor, async () => {
        claims.push(await claimDelivery(actor.client, job, randomUUID(), TIMEOUT_MS));
      }),
    );
    await runInterleaved(scripts, turns);
    expect(
      claims.filter((claim) => claim === null),
      `turns ${turns.join('')}`,
    ).toHaveLength(1);
    expect(await readAttempts(pool(), deliveryId)).toHaveLength(1);
  }
});

test('two batches over the same deliveries, in opposite orders: each delivery is claimed once', async () => {
  const actors = await createTwoActors();
  const splits = new Set<string>();
  for (const turns of interleavings([3, 3])) {
    const [first, last] = [await insertQueued(), await insertQueued()];
    const answers: ClaimAnswer[][] = [];
    const scripts = actors.map((actor, index) => {
      const requests = [first, last].map(({ job }) => ({ ...job, token: randomUUID() }));
      return inTransaction(actor, async () => {
        const order = index === 0 ? requests : requests.toReversed();
        answers.push(await claimDeliveries(actor.client, order, TIMEOUT_MS));
      });
    });
    await runInterleaved(scripts, turns);
    const claimed = answers.flat().filter((answer) => typeof answer === 'object');
    const ids = claimed.map(({ deliveryId }) => deliveryId);
    expect(ids.toSorted(), `turns ${turns.join('')}`).toEqual([first.deliveryId, last.deliveryId].toSorted());
    for (const answer of answers.flat()) if (typeof answer === 'string') splits.add(answer);
  }
  // Beside a batch that has not committed, and after one that has.
  expect(splits).toEqual(new Set(['held', 'refused']));
});

test('a batch against a closing of the endpoint of one: it is claimed or waits, the other is claimed', async () => {
  const [worker, api] = await createTwoActors();
  const seen = new Set<string>();
  for (const turns of interleavings([3, 4])) {
    const [closing, other] = [await insertQueued(), await insertQueued()];
    let answers: ClaimAnswer[] = [];
    const claim = inTransaction(worker, async () => {
      const requests = [closing, other].map(({ job }) => ({ ...job, token: randomUUID() }));
      answers = await claimDeliveries(worker.client, requests, TIMEOUT_MS);
    });
    const { endpointId } = closing;
    const close = {
      party: api,
      steps: [
        () => api.begin(),
        () => api.client.query(`update webhook_endpoints set state = 'paused' where id = $1`, [endpointId]),
        () => putBackUnclaimed(api.client, endpointId),
        () => api.commit(),
      ],
    };
    await runInterleaved([claim, close], turns);
    const [answer, otherAnswer] = answers;
    expect(otherAnswer, `turns ${turns.join('')}`).toMatchObject({ deliveryId: other.deliveryId });
    const { state } = await readDelivery(closing.orderId);
    seen.add(typeof answer === 'string' ? answer : 'claimed');
    if (typeof answer === 'object') {
      expect(state).toBe('queued');
      continue;
    }
    expect(state).toBe('waiting');
    expect(await claimDelivery(pool(), closing.job, 'alone', TIMEOUT_MS)).toBeNull();
    expect(await settleRefusal(pool(), closing.job)).toEqual({ kind: 'stale' });
  }
  expect(seen).toEqual(new Set(['claimed', 'held', 'refused']));
});

test('a claim against a relay that takes the job for lost: exactly one goes on', async () => {
  const [worker, relay] = await createTwoActors();
  const winners = new Set<string>();
  for (const turns of interleavings([3, 3])) {
    const { job, orderId, deliveryId } = await insertQueued();
    let claimed = false;
    let renewed = 0;
    const claim = inTransaction(worker, async () => {
      claimed = (await claimDelivery(worker.client, job, 'token', TIMEOUT_MS)) !== null;
    });
    const renew = inTransaction(relay, async () => {
      renewed = (await renewGenerations(relay.client, [job])).length;
    });
    await runInterleaved([claim, renew], turns);

    const row = await readDelivery(orderId);
    winners.add(claimed ? 'worker' : 'relay');
    if (claimed) {
      expect({ renewed, row }).toMatchObject({ renewed: 0, row: { generation: 1, claimToken: 'token' } });
      continue;
    }
    expect({ renewed, row }).toMatchObject({ renewed: 1, row: { generation: 2, claimToken: null } });
    expect(await readAttempts(pool(), deliveryId)).toEqual([]);
    expect(await settleRefusal(pool(), job)).toEqual({ kind: 'stale' });
    expect(await claimDelivery(pool(), { deliveryId, generation: 2 }, 'next', TIMEOUT_MS)).not.toBeNull();
  }
  expect(winners).toEqual(new Set(['worker', 'relay']));
});

test('a second job against a relay that ends a dead worker’s claim: the job never gets it', async () => {
  const [worker, relay] = await createTwoActors();
  for (const turns of interleavings([3, 3])) {
    const { job, orderId, deliveryId } = await insertAbandoned();
    let claimed: unknown;
    let ended: Awaited<ReturnType<typeof endExpiredClaims>> = [];
    const claim = inTransaction(worker, async () => {
      claimed = await claimDelivery(worker.client, job, 'second', TIMEOUT_MS);
    });
    const end = inTransaction(relay, async () => {
      ended = await endExpiredClaims(relay.client, [{ deliveryId, token: 'dead' }]);
    });
    await runInterleaved([claim, end], turns);

    expect(claimed).toBeNull();
    expect(ended).toMatchObject([{ state: 'queued', job: { deliveryId, generation: 2 } }]);
    expect(await readDelivery(orderId)).toMatchObject({ generation: 2, claimToken: null, state: 'queued' });
    expect(await settleRefusal(pool(), job)).toEqual({ kind: 'stale' });
    expect(await readAttempts(pool(), deliveryId)).toMatchObject([{ number: 1, outcome: 'interrupted' }]);
  }
});

test('two relays that end a claim end it once', async () => {
  const actors = await createTwoActors();
  for (const turns of interleavings([3, 3])) {
    const { orderId, deliveryId } = await insertAbandoned();
    let ended = 0;
    const scripts = actors.map((actor) =>
      inTransaction(actor, async () => {
        ended += (await endExpiredClaims(actor.client, [{ deliveryId, token: 'dead' }])).length;
      }),
    );
    await runInterleaved(scripts, turns);
    expect(ended).toBe(1);
    expect(await readDelivery(orderId)).toMatchObject({ generation: 2, interruptedCount: 1 });
  }
});

test('two relays that take a job for lost make one new job', async () => {
  const actors = await createTwoActors();
  for (const turns of interleavings([3, 3])) {
    const { job, orderId } = await insertQueued();
    const made: unknown[] = [];
    const scripts = actors.map((actor) =>
      inTransaction(actor, async () => {
        made.push(...(await renewGenerations(actor.client, [job])));
      }),
    );
    await runInterleaved(scripts, turns);
    expect(made).toMatchObject([{ orderId, generation: 2 }]);
    expect(await readDelivery(orderId)).toMatchObject({ generation: 2 });
  }
});

test.each([
  ['alone', recordAlone],
  ['with others', recordTogether],
])(
  'a record %s against the end of its lease: the answer counts, or the attempt was interrupted',
  async (_how, recordIt) => {
    const [worker, relay] = await createTwoActors();
    const winners = new Set<string>();
    for (const turns of interleavings([3, 3])) {
      const { orderId, deliveryId } = await insertAbandoned();
      const key = { deliveryId, attemptNumber: 1, token: 'dead' };
      let recorded = false;
      let ended = 0;
      const record = inTransaction(worker, async () => {
        recorded = (await recordIt(worker.client, key, answered(200), { kind: 'delivered' })) !== null;
      });
      const end = inTransaction(relay, async () => {
        ended = (await endExpiredClaims(relay.client, [{ deliveryId, token: 'dead' }])).length;
      });
      await runInterleaved([record, end], turns);

      winners.add(recorded ? 'worker' : 'relay');
      if (recorded) {
        expect(ended).toBe(0);
        expect(await readDelivery(orderId)).toMatchObject({ state: 'delivered', generation: 1 });
        expect(await readAttempts(pool(), deliveryId)).toMatchObject([{ outcome: 'acknowledged' }]);
        continue;
      }
      expect(ended).toBe(1);
      const untouched = { state: 'queued', generation: 2, budgetUsed: 0, lastOutcome: 'interrupted' };
      expect(await readDelivery(orderId)).toMatchObject(untouched);
      await addLateAnswer(pool(), key, answered(200));
      expect(await readDelivery(orderId)).toMatchObject(untouched);
      expect(await readAttempts(pool(), deliveryId)).toMatchObject([
        { outcome: 'interrupted', responseStatus: 200, error: expect.stringContaining('acknowledged') },
      ]);
    }
    expect(winners).toEqual(new Set(['worker', 'relay']));
  },
);

async function recordAlone(...record: Parameters<typeof recordAttempt>) {
  return (await recordAttempt(...record)).state;
}

/** What is left out of a statement that waits for nobody is written by one that does. */
async function recordTogether(...[executor, key, result, step]: Parameters<typeof recordAttempt>) {
  const { states } = await recordAttempts(executor, [{ key, result, step }]);
  return states[0] ?? recordAlone(executor, key, result, step);
}
