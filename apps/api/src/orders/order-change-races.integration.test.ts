/** Changes that meet: of each other, and of a delivery of their lane that is opened again. */
import { decideTransition } from '@vendor-server/domain/orders/decide-transition.ts';
import type { TransitionRequest } from '@vendor-server/domain/orders/transition-request.ts';
import { createId } from '@vendor-server/platform/ids/create-id.ts';
import {
  insertEndpoint,
  insertOrder,
  readStates,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { interleavings, runInterleaved, type Script } from '@vendor-server/platform/testing/interleave.ts';
import { findLanesWithTwoHeads, findOvertakenLanes } from '@vendor-server/platform/testing/lane-checks.ts';
import { createStage, type Party } from '@vendor-server/platform/testing/party.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';
import { changeOrderStatus } from './change-order-status.ts';
import { writeOrderChange } from './order-change-sql.ts';
import { type FoundOrder, findAnyOrder } from './order-row-sql.ts';

let api: TestApi;

beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api.close());

const pool = () => api.database.pool;

const CANCEL: TransitionRequest = {
  action: 'cancel',
  to: 'cancelled',
  actor: { type: 'admin', id: 'operator' },
};
const REOFFER: TransitionRequest = {
  action: 'partner_report',
  to: 'pending',
  actor: { type: 'partner', id: null },
  vendorId: createId(),
};

/** A change as its statements; gives what it wrote, null when it lost, undefined when it was refused. */
function buildChangeScript(party: Party, orderId: string, request: TransitionRequest) {
  const transitionId = createId();
  let found: FoundOrder | null = null;
  let written: Awaited<ReturnType<typeof writeOrderChange>> | undefined;
  const script: Script = {
    party,
    steps: [
      async () => {
        found = await findAnyOrder(party.client, orderId);
      },
      () => party.begin(),
      async () => {
        if (found === null) throw new Error('there is no such order');
        const decision = decideTransition(found.order, request, found.now);
        if (decision.kind !== 'changed') return;
        const { next, from, reason } = decision;
        const record = { transitionId, from, reason, body: '{}', requestId: null, traceparent: null };
        written = await writeOrderChange(party.client, next, record);
      },
      () => party.commit(),
    ],
  };
  return { script, transitionId, readResult: () => written };
}

async function readVersions(orderId: string): Promise<{ id: string; version: number }[]> {
  const { rows } = await pool().query<{ id: string; version: number }>(
    'select id, version from order_transitions where order_id = $1 order by version',
    [orderId],
  );
  return rows;
}

test('two changes at once, in every order of their statements: versions follow each other, a loser writes nothing', async () => {
  const createParty = await createStage(api.databaseUrl);
  const [one, other] = [await createParty('one'), await createParty('other')];
  let losses = 0;
  for (const turns of interleavings([4, 4])) {
    const { orderId } = await insertOrder(pool(), await insertEndpoint(pool()), ['delivered', 'delivered']);
    const changes = [buildChangeScript(one, orderId, REOFFER), buildChangeScript(other, orderId, CANCEL)];
    await runInterleaved(
      changes.map(({ script }) => script),
      turns,
    );
    const winners = changes.filter(({ readResult }) => (readResult() ?? null) !== null);
    const message = `turns ${turns.join('')}`;
    const versions = await readVersions(orderId);
    expect(
      versions.map(({ version }) => version),
      message,
    ).toEqual(Array.from({ length: 2 + winners.length }, (_, index) => index + 1));
    expect(
      versions.slice(2).map(({ id }) => id),
      message,
    ).toEqual(expect.arrayContaining(winners.map(({ transitionId }) => transitionId)));
    expect(winners.length, message).toBeGreaterThanOrEqual(1);
    expect(await readStates(pool(), orderId), message).toEqual(
      ['delivered', 'delivered', 'queued', 'blocked'].slice(0, 2 + winners.length),
    );
    if (changes.some(({ readResult }) => readResult() === null)) losses += 1;
  }
  // In all 70 but the two in which one reads after the other has committed.
  expect(losses).toBe(68);
});

/** Until some statement on the database of the app waits for another's lock. */
async function waitUntilBlocked(): Promise<void> {
  await expect
    .poll(async () => {
      const { rows } = await pool().query<{ count: number }>(
        `select count(*) as count from pg_stat_activity
          where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0`,
      );
      return rows[0]?.count;
    })
    .toBe(1);
}

function change(orderId: string, request: TransitionRequest) {
  return changeOrderStatus(api.deps, {
    find: () => findAnyOrder(api.deps.database.pool, orderId),
    request: () => request,
    requestId: 'request-1',
    traceparent: null,
  });
}

describe('a change that loses its race decides again on what it finds', () => {
  async function race(first: TransitionRequest, second: TransitionRequest) {
    const createParty = await createStage(api.databaseUrl);
    const party = await createParty('first');
    const { orderId } = await insertOrder(pool(), await insertEndpoint(pool()), ['delivered', 'delivered']);
    const [read, begin, write, commit] = buildChangeScript(party, orderId, first).script.steps;
    await read?.();
    await begin?.();
    await write?.();
    const loser = change(orderId, second).catch((error: unknown) => error);
    await waitUntilBlocked();
    await commit?.();
    return { orderId, end: await loser };
  }

  test('and is written as the next version', async () => {
    const { orderId, end } = await race(REOFFER, CANCEL);
    expect(end).toMatchObject({
      changed: true,
      order: { version: 4, status: 'cancelled' },
      deliveriesRecorded: 1,
    });
    expect(await readStates(pool(), orderId)).toEqual(['delivered', 'delivered', 'queued', 'blocked']);
    const { rows } = await pool().query<{ from_status: string; previousStatus: string }>(
      `select from_status, body::json ->> 'previousStatus' as "previousStatus" from order_transitions
        where order_id = $1 and version = 4`,
      [orderId],
    );
    expect(rows).toEqual([{ from_status: 'pending', previousStatus: 'pending' }]);
  });

  test('or is refused', async () => {
    const { orderId, end } = await race(CANCEL, REOFFER);
    expect(end).toMatchObject({ code: 'order_transition_not_allowed' });
    expect(await readVersions(orderId)).toHaveLength(3);
  });
});

test('a change looks at its lanes after its commit: what nobody moved goes on', async () => {
  const { orderId, deliveryIds } = await insertOrder(pool(), await insertEndpoint(pool()), [
    'delivered',
    'blocked',
  ]);
  await change(orderId, CANCEL);
  expect(await readStates(pool(), orderId)).toEqual(['delivered', 'queued', 'blocked']);
  expect(api.jobs.map(({ data }) => data.deliveryId)).toContain(deliveryIds[1]);
});

/** What opens a delivery again: its lane's order row is locked, whose version does not change. */
async function reopenFirst(party: Party, orderId: string): Promise<void> {
  await party.client.query('select 1 from orders where id = $1 for update', [orderId]);
  await party.client.query(
    `update deliveries set state = 'waiting', finished_at = null where order_id = $1 and order_version = 1`,
    [orderId],
  );
}

describe('a change whose lane got a head after it began to look', () => {
  test('is refused by the lane’s index, and decides again: its delivery stays behind that head', async () => {
    const createParty = await createStage(api.databaseUrl);
    const reopener = await createParty('reopener');
    const endpoint = await insertEndpoint(pool(), { state: 'paused' });
    const { orderId } = await insertOrder(pool(), endpoint, ['delivered']);
    await reopener.begin();
    await reopenFirst(reopener, orderId);
    const changed = change(orderId, CANCEL);
    await waitUntilBlocked();
    await reopener.commit();
    expect(await changed).toMatchObject({ changed: true, order: { version: 2 } });
    expect(await readStates(pool(), orderId)).toEqual(['waiting', 'blocked']);
    expect(await findLanesWithTwoHeads(pool())).toEqual([]);
  });

  test('would be a second head without that index, and the checks say so', async () => {
    const { url, database, drop } = await createTestDatabase();
    // After the parties have left: what is registered first runs last.
    onTestFinished(drop);
    await database.pool.query('drop index deliveries_lane_head_key');
    const endpoint = await insertEndpoint(database.pool, { state: 'paused' });
    const { orderId } = await insertOrder(database.pool, endpoint, ['delivered']);
    const createParty = await createStage(url);
    const [reopener, changer] = [await createParty('reopener'), await createParty('changer')];
    const changing = buildChangeScript(changer, orderId, CANCEL);
    await runInterleaved(
      [
        {
          party: reopener,
          steps: [() => reopener.begin(), () => reopenFirst(reopener, orderId), () => reopener.commit()],
        },
        changing.script,
      ],
      // The change reads, the delivery is opened again, the change writes (and waits), the opening commits.
      [1, 0, 0, 1, 1, 0, 1],
    );
    expect(changing.readResult()).toMatchObject({ deliveries: [{ state: 'waiting' }] });
    expect(await readStates(database.pool, orderId)).toEqual(['waiting', 'waiting']);
    expect(await findLanesWithTwoHeads(database.pool)).toEqual([{ orderId, versions: [1, 2] }]);
    expect(await findOvertakenLanes(database.pool)).toEqual([{ orderId, versions: [1, 2] }]);
  });
});
