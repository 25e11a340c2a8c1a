import type { DeliveryState } from '@vendor-server/domain/deliveries/delivery-state.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createId } from '../ids/create-id.ts';
import {
  type EndpointOptions,
  emptyDatabase,
  insertEndpoint,
  insertOrder,
  readStates,
} from '../testing/delivery-fixtures.ts';
import { findStrandedLanes } from '../testing/lane-checks.ts';
import { createTestDatabase } from '../testing/test-database.ts';
import { promote } from './promote.ts';
import { reopenForResend } from './reopen.ts';
import { lockOrders, type ReopenableState, reopenDeliveries } from './reopen-sql.ts';

let subject: Awaited<ReturnType<typeof createTestDatabase>>;

beforeAll(async () => {
  subject = await createTestDatabase();
});
afterAll(() => subject.drop());
beforeEach(() => emptyDatabase(subject.database.pool));

const pool = () => subject.database.pool;

async function insertLane(states: readonly DeliveryState[], options: EndpointOptions = {}) {
  const endpoint = await insertEndpoint(pool(), options);
  const order = await insertOrder(pool(), endpoint, states);
  const idOf = (version: number) => order.deliveryIds[version - 1] ?? '';
  return {
    ...endpoint,
    orderId: order.orderId,
    idOf,
    reopen: (version: number) =>
      reopenForResend(subject.database, { deliveryId: idOf(version), orderId: order.orderId }),
    look: async () => (await promote(subject.database, endpoint.endpointId, [order.orderId])).jobs,
    states: () => readStates(pool(), order.orderId),
  };
}

interface OpeningRow {
  state: string;
  openedBy: string;
  openedAgo: number;
  replayId: string | null;
  countsForReplay: boolean;
  attemptCount: number;
  budgetUsed: number;
  interruptedCount: number;
  isProbe: boolean;
  useOtherSecret: boolean;
  generation: number;
  finishedAt: Date | null;
  dueAgo: number;
}

async function readOpening(deliveryId: string): Promise<OpeningRow> {
  const { rows } = await pool().query<OpeningRow>(
    `select state, opened_by as "openedBy", replay_id as "replayId", counts_for_replay as "countsForReplay",
            attempt_count as "attemptCount", budget_used as "budgetUsed", is_probe as "isProbe",
            interrupted_count as "interruptedCount", use_other_secret as "useOtherSecret", generation,
            finished_at as "finishedAt", extract(epoch from clock_timestamp() - due_at)::float8 as "dueAgo",
            extract(epoch from clock_timestamp() - opened_at)::float8 as "openedAgo"
       from deliveries where id = $1`,
    [deliveryId],
  );
  const [row] = rows;
  if (row === undefined) throw new Error('there is no such delivery');
  return row;
}

/** As if it had come to its end by a worker's attempts, an hour ago. */
async function wearOut(deliveryId: string): Promise<void> {
  await pool().query(
    `update deliveries set attempt_count = 4, budget_used = 4, interrupted_count = 2, generation = 7,
                           is_probe = true, use_other_secret = true, due_at = due_at - interval '1 hour',
                           opened_at = opened_at - interval '1 hour'
      where id = $1`,
    [deliveryId],
  );
}

describe('a finished delivery', () => {
  test.each(['delivered', 'failed', 'superseded'] as const)(
    'that is %s waits again, due now, with everything of its first round gone but its count',
    async (state) => {
      const lane = await insertLane([state]);
      await wearOut(lane.idOf(1));
      expect(await lane.reopen(1)).toEqual({
        deliveryId: lane.idOf(1),
        endpointId: lane.endpointId,
        orderId: lane.orderId,
        state: 'waiting',
        refusal: null,
      });
      const row = await readOpening(lane.idOf(1));
      expect(row).toMatchObject({
        state: 'waiting',
        openedBy: 'resend',
        replayId: null,
        countsForReplay: false,
        attemptCount: 4,
        budgetUsed: 0,
        interruptedCount: 0,
        isProbe: false,
        useOtherSecret: false,
        generation: 7,
        finishedAt: null,
      });
      expect(row.dueAgo).toBeGreaterThanOrEqual(0);
      expect(Math.max(row.dueAgo, row.openedAgo)).toBeLessThan(600);
      expect(await lane.look()).toMatchObject([{ deliveryId: lane.idOf(1), generation: 8 }]);
      expect(await lane.states()).toEqual(['queued']);
    },
  );

  test.each(['waiting', 'queued'] as const)('is blocked behind a head that is %s', async (head) => {
    const lane = await insertLane(['delivered', head], { window: head === 'waiting' ? 0 : 16 });
    expect(await lane.reopen(1)).toMatchObject({ state: 'blocked' });
    expect(await lane.states()).toEqual(['blocked', head]);
  });

  test('is blocked with a lane that was left without a head, and goes before what is blocked there', async () => {
    const lane = await insertLane(['failed', 'delivered', 'blocked']);
    expect(await lane.reopen(1)).toMatchObject({ state: 'blocked' });
    await lane.look();
    expect(await lane.states()).toEqual(['queued', 'delivered', 'blocked']);
  });

  test('waits at an endpoint that is paused', async () => {
    const lane = await insertLane(['delivered'], { state: 'paused' });
    expect(await lane.reopen(1)).toMatchObject({ state: 'waiting' });
    expect(await lane.look()).toEqual([]);
    expect(await lane.states()).toEqual(['waiting']);
  });

  test('may be opened again and again', async () => {
    const lane = await insertLane(['failed', 'failed', 'failed']);
    for (const version of [3, 1, 2]) await lane.reopen(version);
    expect(await lane.states()).toEqual(['blocked', 'blocked', 'waiting']);
    await lane.look();
    expect(await lane.states()).toEqual(['blocked', 'blocked', 'queued']);
    expect(await findStrandedLanes(pool())).toEqual([]);
  });
});

describe('what is refused and left as it is', () => {
  test.each(['blocked', 'waiting', 'queued'] as const)('a delivery that is %s', async (state) => {
    const lane = await insertLane([state]);
    expect(await lane.reopen(1)).toMatchObject({ state: null, refusal: 'delivery_not_finished' });
    expect(await lane.states()).toEqual([state]);
  });

  test('one that was cancelled with its endpoint', async () => {
    const lane = await insertLane(['cancelled']);
    expect(await lane.reopen(1)).toMatchObject({ state: null, refusal: 'endpoint_deleted' });
    expect(await lane.states()).toEqual(['cancelled']);
  });

  test('one whose endpoint was deleted', async () => {
    const lane = await insertLane(['delivered'], { deleted: true });
    expect(await lane.reopen(1)).toMatchObject({ state: null, refusal: 'endpoint_deleted' });
    expect(await lane.states()).toEqual(['delivered']);
  });

  test('one whose order’s personal data was erased', async () => {
    const lane = await insertLane(['failed']);
    await pool().query('update orders set personal_data_erased_at = now() where id = $1', [lane.orderId]);
    expect(await lane.reopen(1)).toMatchObject({ state: null, refusal: 'personal_data_erased' });
    expect(await lane.states()).toEqual(['failed']);
  });

  test('one whose erasure had begun before, which is waited for', async () => {
    const lane = await insertLane(['failed']);
    const erasing = await pool().connect();
    try {
      await erasing.query('begin');
      await erasing.query('update orders set personal_data_erased_at = now() where id = $1', [lane.orderId]);
      const reopening = lane.reopen(1);
      await vi.waitFor(async () => {
        const { rowCount } = await pool().query(
          `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
        );
        expect(rowCount).toBe(1);
      });
      await erasing.query('commit');
      expect(await reopening).toMatchObject({ state: null, refusal: 'personal_data_erased' });
    } finally {
      await erasing.query('rollback');
      erasing.release();
    }
    expect(await lane.states()).toEqual(['failed']);
  });

  test('one that is gone', async () => {
    const { orderId } = await insertLane(['delivered']);
    expect(await reopenForResend(subject.database, { deliveryId: createId(), orderId })).toBeNull();
  });
});

describe('by a replay', () => {
  async function insertReplay(customerServerId: string, states: readonly ReopenableState[]) {
    const id = createId();
    await pool().query(
      `insert into replays (id, customer_server_id, since, until, states)
       values ($1, $2, now() - interval '1 day', now(), $3)`,
      [id, customerServerId, states],
    );
    return { by: 'replay', replayId: id, states } as const;
  }

  async function readCounts(replayId: string) {
    const { rows } = await pool().query<{ delivered: number; failed: number }>(
      'select delivered, failed from replays where id = $1',
      [replayId],
    );
    return rows[0];
  }

  test('a lane’s deliveries are opened together, the lowest version first', async () => {
    const lane = await insertLane(['failed', 'delivered', 'failed', 'failed']);
    const replay = await insertReplay(lane.customerServerId, ['failed']);
    const ids = [4, 3, 2, 1].map(lane.idOf);
    const reopened = await reopenDeliveries(pool(), ids, replay);
    expect(reopened.map(({ deliveryId }) => deliveryId).toSorted()).toEqual(
      [1, 3, 4].map(lane.idOf).toSorted(),
    );
    expect(await lane.states()).toEqual(['waiting', 'delivered', 'blocked', 'blocked']);
    expect(await readOpening(lane.idOf(3))).toMatchObject({
      openedBy: 'replay',
      replayId: replay.replayId,
      countsForReplay: true,
    });
  });

  test('an end that was not counted yet is counted when a resend opens the delivery again', async () => {
    const lane = await insertLane(['failed', 'failed', 'failed']);
    const replay = await insertReplay(lane.customerServerId, ['failed']);
    await reopenDeliveries(pool(), [1, 2, 3].map(lane.idOf), replay);
    const end = (version: number, state: string) =>
      pool().query(`update deliveries set state = $2, finished_at = now() where id = $1`, [
        lane.idOf(version),
        state,
      ]);
    await end(1, 'delivered');
    await end(2, 'failed');
    for (const version of [1, 2, 3]) await lane.reopen(version);
    expect(await readCounts(replay.replayId)).toEqual({ delivered: 1, failed: 1 });
    expect(await readOpening(lane.idOf(1))).toMatchObject({ openedBy: 'resend', countsForReplay: false });
    expect(await readOpening(lane.idOf(3))).toMatchObject({ openedBy: 'replay', countsForReplay: true });
    // The resend's own end is not the replay's.
    await end(1, 'failed');
    await lane.reopen(1);
    expect(await readCounts(replay.replayId)).toEqual({ delivered: 1, failed: 1 });
  });
});

test('orders are locked by id, and those that are busy can be left out', async () => {
  const lanes = [await insertLane([]), await insertLane([]), await insertLane([])];
  const ids = lanes.map(({ orderId }) => orderId);
  const [holder, other] = [await pool().connect(), await pool().connect()];
  try {
    await holder.query('begin');
    expect(await lockOrders(holder, ids.slice(1, 2), 'wait')).toEqual(ids.slice(1, 2));
    await other.query('begin');
    expect(await lockOrders(other, ids.toReversed(), 'skip')).toEqual([ids[0], ids[2]]);
  } finally {
    await holder.query('rollback');
    await other.query('rollback');
    holder.release();
    other.release();
  }
});
