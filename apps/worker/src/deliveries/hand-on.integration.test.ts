/** A record hands the places on that it frees in the queue: to due heads first, then to its lanes' next. */
import {
  insertOrder,
  readDeliveries,
  readStates,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answered } from '../testing/attempt-results.ts';
import {
  type ClaimedAttempt,
  createRecordStage,
  DELIVERED,
  RETRY,
  type RecordStage,
} from '../testing/record-stage.ts';
import { type RecordedStep, recordAttempts } from './record-sql.ts';

let subject: Awaited<ReturnType<typeof createTestDatabase>>;
let stage: RecordStage;

beforeAll(async () => {
  subject = await createTestDatabase();
  stage = createRecordStage(subject.database.pool);
});
afterAll(() => subject.drop());

const pool = () => subject.database.pool;
const FAILED: RecordedStep = { kind: 'failed', reason: 'rejected' };
const LATER: RecordedStep = { kind: 'retry', delayMs: 60_000, holdIn: 'database' };

type Options = Parameters<RecordStage['insertManyOfOne']>[1];

/** Orders of one endpoint, the first delivery of each on its way. */
const insertClaimed = (lanes: readonly ['queued', ...'blocked'[]][], options?: Options) =>
  stage.insertManyOfOne(lanes, options);

/** Heads of other orders that wait, each due a minute before the next. */
async function insertHeads(of: ClaimedAttempt, count: number): Promise<string[]> {
  const { rows } = await pool().query<{ customerServerId: string }>(
    'select customer_server_id as "customerServerId" from webhook_endpoints where id = $1',
    [of.endpointId],
  );
  const endpoint = { endpointId: of.endpointId, customerServerId: rows[0]?.customerServerId ?? '' };
  const ids: string[] = [];
  for (let n = 0; n < count; n += 1) {
    const [id = ''] = (await insertOrder(pool(), endpoint, ['waiting'])).deliveryIds;
    await pool().query(`update deliveries set due_at = now() - make_interval(mins => $2) where id = $1`, [
      id,
      count - n,
    ]);
    ids.push(id);
  }
  return ids;
}

function record(claimed: readonly ClaimedAttempt[], ...steps: RecordedStep[]) {
  return recordAttempts(
    pool(),
    claimed.map(({ key }, index) => ({ key, result: answered(200), step: steps[index] ?? DELIVERED })),
  );
}

async function stateOf(id: string) {
  const { rows } = await pool().query<{ state: string; generation: number }>(
    'select state, generation from deliveries where id = $1',
    [id],
  );
  return rows[0];
}

describe('the next of a lane', () => {
  test('is queued when the one before it is delivered, with a job of its own', async () => {
    const claimed = await insertClaimed([['queued', 'blocked', 'blocked']]);
    const { jobs } = await record(claimed);
    const [, next] = await readDeliveries(pool(), claimed[0]!.orderId);
    expect(await readStates(pool(), claimed[0]!.orderId)).toEqual(['delivered', 'queued', 'blocked']);
    expect(jobs).toEqual([
      {
        deliveryId: next?.id,
        generation: 1,
        orderId: claimed[0]?.orderId,
        version: 2,
        status: 'assigned',
        endpointHost: '127.0.0.1:9',
      },
    ]);
    expect(next).toMatchObject({ generation: 1, claimToken: null });
    expect(next!.dueInMs).toBeLessThanOrEqual(0);
  });

  test('is left to the look, which knows what it says of the endpoint, when the one before it failed or is sent again', async () => {
    const [soon, later, failed] = await insertClaimed([
      ['queued', 'blocked'],
      ['queued', 'blocked'],
      ['queued', 'blocked'],
    ]);
    expect((await record([soon!, later!, failed!], RETRY, LATER, FAILED)).jobs).toEqual([]);
    expect(await readStates(pool(), soon!.orderId)).toEqual(['queued', 'blocked']);
    expect(await readStates(pool(), later!.orderId)).toEqual(['waiting', 'blocked']);
    expect(await readStates(pool(), failed!.orderId)).toEqual(['failed', 'blocked']);
  });

  test.each([
    ['is paused', `state = 'paused'`],
    ['is disabled', `state = 'disabled'`],
    ['is broken', `"window" = 0, next_probe_at = now(), broken_since = now()`],
  ])('waits where its endpoint %s', async (_what, closed) => {
    const claimed = await insertClaimed([['queued', 'blocked']]);
    await pool().query(`update webhook_endpoints set ${closed} where id = $1`, [claimed[0]?.endpointId]);
    expect((await record(claimed)).jobs).toEqual([]);
    expect(await readStates(pool(), claimed[0]!.orderId)).toEqual(['delivered', 'waiting']);
  });

  test('is left to whoever cancels it where its endpoint is deleted, and to the look where a change replaces it', async () => {
    const deleted = await insertClaimed([['queued', 'blocked']]);
    await pool().query('update webhook_endpoints set deleted_at = now() where id = $1', [
      deleted[0]?.endpointId,
    ]);
    const latest = await insertClaimed([['queued', 'blocked', 'blocked']], { mode: 'latest_only' });
    expect((await record([...deleted, ...latest])).jobs).toEqual([]);
    expect(await readStates(pool(), deleted[0]!.orderId)).toEqual(['delivered', 'blocked']);
    expect(await readStates(pool(), latest[0]!.orderId)).toEqual(['delivered', 'blocked', 'blocked']);
  });

  test('that somebody has locked is left to the look, and nothing overtakes it', async () => {
    const claimed = await insertClaimed([['queued', 'blocked', 'blocked']]);
    const [, next] = await readDeliveries(pool(), claimed[0]!.orderId);
    const holder = await pool().connect();
    try {
      await holder.query('begin');
      await holder.query('select from deliveries where id = $1 for update', [next?.id]);
      expect(await record(claimed)).toEqual({ states: ['delivered'], jobs: [] });
    } finally {
      await holder.query('rollback');
      holder.release();
    }
    expect(await readStates(pool(), claimed[0]!.orderId)).toEqual(['delivered', 'blocked', 'blocked']);
  });
});

describe('a place in the queue', () => {
  test('goes to the head that has been due for longest, and a lane’s next waits behind all that are', async () => {
    const claimed = await insertClaimed([['queued', 'blocked'], ['queued']], { window: 2 });
    const [oldest = '', second = '', third = ''] = await insertHeads(claimed[0]!, 3);
    const { jobs } = await record(claimed);
    expect(jobs.map(({ deliveryId }) => deliveryId)).toEqual([oldest, second]);
    expect(await stateOf(second)).toEqual({ state: 'queued', generation: 1 });
    expect(await stateOf(third)).toEqual({ state: 'waiting', generation: 0 });
    expect(await readStates(pool(), claimed[0]!.orderId)).toEqual(['delivered', 'waiting']);
  });

  test('goes to a lane’s next when no head is due', async () => {
    const claimed = await insertClaimed([['queued', 'blocked'], ['queued']], { window: 2 });
    const [head = ''] = await insertHeads(claimed[0]!, 1);
    await pool().query(`update deliveries set due_at = now() + interval '1 min' where id = $1`, [head]);
    await record(claimed);
    expect(await readStates(pool(), claimed[0]!.orderId)).toEqual(['delivered', 'queued']);
    expect(await stateOf(head)).toMatchObject({ state: 'waiting' });
  });

  test('that a failure leaves is handed on by nobody: the look knows what it says of the endpoint', async () => {
    for (const step of [LATER, FAILED, { kind: 'wait_on' } as const]) {
      const [claimed] = await insertClaimed([['queued']], { window: 1 });
      await insertHeads(claimed!, 1);
      expect((await record([claimed!], step)).jobs).toEqual([]);
    }
  });

  test('that a window has lost is nobody’s any more', async () => {
    const claimed = await insertClaimed([['queued'], ['queued'], ['queued', 'blocked'], ['queued']], {
      window: 2,
    });
    const [head = ''] = await insertHeads(claimed[0]!, 1);
    // Of four in the queue, two places are left: two that end leave none.
    expect((await record(claimed.slice(0, 2))).jobs).toEqual([]);
    expect((await record(claimed.slice(2, 3))).jobs).toMatchObject([{ deliveryId: head }]);
    expect(await readStates(pool(), claimed[2]!.orderId)).toEqual(['delivered', 'waiting']);
  });

  test('is the only one that is handed on: more room is for the look', async () => {
    const claimed = await insertClaimed([['queued']], { window: 16 });
    const heads = await insertHeads(claimed[0]!, 3);
    expect((await record(claimed)).jobs.map(({ deliveryId }) => deliveryId)).toEqual(heads.slice(0, 1));
  });

  test('is its endpoint’s: others get none of it', async () => {
    const one = await insertClaimed([['queued'], ['queued']], { window: 2 });
    const other = await insertClaimed([['queued', 'blocked']], { window: 1 });
    const heads = await insertHeads(other[0]!, 2);
    const { jobs } = await record([...one, ...other]);
    expect(jobs.map(({ deliveryId }) => deliveryId)).toEqual(heads.slice(0, 1));
    expect(await readStates(pool(), other[0]!.orderId)).toEqual(['delivered', 'waiting']);
  });
});

test('what is not recorded hands nothing on', async () => {
  const [claimed] = await insertClaimed([['queued', 'blocked']]);
  const stolen = { ...claimed!, key: { ...claimed!.key, token: 'another' } };
  expect(await record([stolen])).toEqual({ states: [null], jobs: [] });
  expect(await readStates(pool(), claimed!.orderId)).toEqual(['queued', 'blocked']);
});
