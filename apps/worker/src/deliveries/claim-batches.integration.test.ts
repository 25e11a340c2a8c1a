/** Many claims and refusals to a statement: what claim-sql.ts and refusal-sql.ts argue, tried. */
import { randomUUID } from 'node:crypto';
import { createWatchedExecutor } from '@vendor-server/platform/database/create-watched-executor.ts';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { withTransaction } from '@vendor-server/platform/database/sql-executor.ts';
import { createId } from '@vendor-server/platform/ids/create-id.ts';
import {
  type EndpointOptions,
  emptyDatabase,
  insertOrder,
  readAttempts,
  readDeliveries,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { toPatientExecutor } from '@vendor-server/platform/testing/to-patient-executor.ts';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type AttemptStage, createAttemptStage } from '../testing/attempt-stage.ts';
import { expireClaim } from '../testing/shift-time-sql.ts';
import { attemptDelivery } from './attempt-delivery.ts';
import { claimDeliveries, claimDelivery } from './claim-sql.ts';
import { createClaims } from './create-claims.ts';
import { settleRefusals } from './refusal-sql.ts';

const TIMEOUT_MS = 10_000;

let subject: Awaited<ReturnType<typeof createTestDatabase>>;
let stage: AttemptStage;

beforeAll(async () => {
  subject = await createTestDatabase();
});
afterAll(() => subject.drop());
beforeEach(async () => {
  await emptyDatabase(subject.database.pool);
  stage = createAttemptStage(subject.database);
});

const pool = () => subject.database.pool;

/** So many orders of one endpoint, each with a job as of generation 1. */
async function insertQueued(count: number, options: EndpointOptions = {}) {
  const endpoint = await stage.insertEndpoint(options);
  const orders = await Promise.all(
    Array.from({ length: count }, () => insertOrder(pool(), endpoint, ['queued'])),
  );
  const deliveryIds = orders.map((order) => order.deliveryIds[0] ?? '');
  return {
    ...endpoint,
    orderIds: orders.map(({ orderId }) => orderId),
    deliveryIds,
    jobs: deliveryIds.map((deliveryId) => ({ deliveryId, generation: 1 })),
  };
}

const toRequest = (job: { deliveryId: string; generation: number }) => ({ ...job, token: randomUUID() });
const close = (endpointId: string) =>
  pool().query(`update webhook_endpoints set state = 'paused' where id = $1`, [endpointId]);

/** Runs `during` while somebody else has this delivery's row. */
async function whileHeld(deliveryId: string, during: () => Promise<void>): Promise<void> {
  await withTransaction(pool(), async (holder) => {
    await holder.query('select 1 from deliveries where id = $1 for no key update', [deliveryId]);
    await during();
  });
}

/** What a worker sends, by the names of its statements. */
function createCountingExecutor() {
  const names: (string | undefined)[] = [];
  const executor = createWatchedExecutor(pool());
  const counting: SqlExecutor = {
    query<Row extends pg.QueryResultRow>(statement: string | pg.QueryConfig<unknown[]>) {
      if (typeof statement === 'string') return executor.query<Row>(statement);
      names.push(statement.name);
      return executor.query<Row>(statement);
    },
  };
  return { executor: counting, names };
}

describe('claims in one statement', () => {
  test('give each request its own delivery, and say which are refused, in their order', async () => {
    const open = await insertQueued(3);
    const other = await insertQueued(1, { timeoutMs: 500, retryDelaysMs: [100] });
    const closed = await insertQueued(1, { state: 'paused' });
    const [first, second, third] = open.jobs;
    const requests = [
      third!,
      { deliveryId: createId(), generation: 1 },
      first!,
      closed.jobs[0]!,
      other.jobs[0]!,
      { ...second!, generation: 2 },
    ].map(toRequest);
    const answers = await claimDeliveries(pool(), requests, TIMEOUT_MS);
    const claimed = (index: number, timeoutMs: number, retryDelaysMs: number[] | null) => ({
      deliveryId: requests[index]?.deliveryId,
      attemptNumber: 1,
      timeoutMs,
      retryDelaysMs,
    });
    expect(answers).toMatchObject([
      claimed(0, TIMEOUT_MS, null),
      'refused',
      claimed(2, TIMEOUT_MS, null),
      'refused',
      claimed(4, 500, [100]),
      'refused',
    ]);
    for (const index of [0, 2, 4]) {
      const { deliveryId = '', token } = requests[index] ?? {};
      const { rows } = await pool().query(
        `select d.claim_token as "onDelivery", a.claim_token as "onAttempt", d.customer_server_id as "customerServerId"
           from deliveries d join delivery_attempts a on a.delivery_id = d.id where d.id = $1`,
        [deliveryId],
      );
      const { customerServerId } = index === 4 ? other : open;
      expect(rows).toEqual([{ onDelivery: token, onAttempt: token, customerServerId }]);
    }
  });

  test('of one delivery, by the same job twice and one of another generation: one gets it', async () => {
    const { jobs, deliveryIds } = await insertQueued(2);
    const requests = [jobs[0]!, { ...jobs[0]!, generation: 2 }, jobs[1]!, jobs[0]!].map(toRequest);
    const answers = await claimDeliveries(pool(), requests, TIMEOUT_MS);
    expect(answers[1]).toBe('refused');
    expect(answers[2]).toMatchObject({ deliveryId: deliveryIds[1] });
    const got = [0, 3].filter((index) => typeof answers[index] === 'object');
    expect(got).toHaveLength(1);
    expect([answers[0], answers[3]]).toContain('held');
    const { rows } = await pool().query('select claim_token as token from deliveries where id = $1', [
      deliveryIds[0],
    ]);
    expect(rows).toEqual([{ token: requests[got[0] ?? -1]?.token }]);
    expect(await readAttempts(pool(), deliveryIds[0] ?? '')).toHaveLength(1);
  });

  test('wait for nobody; what somebody has in hand is claimed when they let it go', async () => {
    const { jobs, deliveryIds } = await insertQueued(3);
    const claims = createClaims(toPatientExecutor(pool()), TIMEOUT_MS);
    let left: Promise<unknown> = Promise.resolve();
    await whileHeld(deliveryIds[1] ?? '', async () => {
      const [first, held, last] = jobs.map((job) => claims.claim(toRequest(job)));
      left = held ?? left;
      expect(await first).toMatchObject({ deliveryId: deliveryIds[0] });
      expect(await last).toMatchObject({ deliveryId: deliveryIds[2] });
      // The next ones are not held up either.
      const more = await insertQueued(1);
      expect(await claims.claim(toRequest(more.jobs[0]!))).not.toBeNull();
    });
    expect(await left).toMatchObject({ deliveryId: deliveryIds[1], attemptNumber: 1 });
  });

  test('of which one was ended by whoever had it: nothing is claimed, and its job is stale', async () => {
    const { jobs, deliveryIds, orderIds } = await insertQueued(2);
    const claims = createClaims(toPatientExecutor(pool()), TIMEOUT_MS);
    let held: Promise<unknown> = Promise.resolve();
    await withTransaction(pool(), async (holder) => {
      await holder.query(
        `update deliveries set state = 'superseded', job_due_at = null, finished_at = now() where id = $1`,
        [deliveryIds[0]],
      );
      held = claims.claim(toRequest(jobs[0]!));
      expect(await claims.claim(toRequest(jobs[1]!))).not.toBeNull();
    });
    expect(await held).toBeNull();
    expect(await claims.settleRefusal(jobs[0]!)).toEqual({ kind: 'stale' });
    expect(await readDeliveries(pool(), orderIds[0] ?? '')).toMatchObject([{ attemptCount: 0 }]);
  });

  test('fail together; and what was claimed without an answer is ended by the relay, each', async () => {
    const { jobs, orderIds, deliveryIds } = await insertQueued(3);
    const losing: SqlExecutor = {
      async query(statement: pg.QueryConfig<unknown[]> | string) {
        await (typeof statement === 'string' ? pool().query(statement) : pool().query(statement));
        throw new Error('Connection terminated unexpectedly');
      },
    };
    const deps = { ...stage.deps, claims: createClaims(toPatientExecutor(losing), TIMEOUT_MS) };
    const ends = await Promise.allSettled(jobs.map((job) => attemptDelivery(deps, job)));
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(await attemptDelivery(stage.deps, jobs[0]!)).toMatchObject({ kind: 'not_yet' });
    expect(stage.sent).toEqual([]);

    for (const deliveryId of deliveryIds) await expireClaim(pool(), deliveryId);
    expect(await stage.relayTick()).toMatchObject({ endedClaims: 3 });
    for (let n = 0; n < 3; n += 1) {
      expect(await attemptDelivery(stage.deps, stage.queue.take())).toMatchObject({ kind: 'done' });
    }
    for (const orderId of orderIds) {
      expect(await readDeliveries(pool(), orderId)).toMatchObject([{ state: 'delivered', attemptCount: 2 }]);
    }
  });
});

test('jobs that run again are claimed a few at a time, so that others get in between', async () => {
  const { jobs } = await insertQueued(41);
  const sizes: number[] = [];
  const executor: SqlExecutor = {
    query<Row extends pg.QueryResultRow>(statement: string | pg.QueryConfig<unknown[]>) {
      if (typeof statement === 'string') return pool().query<Row>(statement);
      const [deliveryIds] = statement.values as [readonly string[]];
      sizes.push(deliveryIds.length);
      return pool().query<Row>(statement);
    },
  };
  const claims = createClaims(toPatientExecutor(executor), TIMEOUT_MS);
  const claimed = await Promise.all(
    jobs.map((job, index) => claims.claim(toRequest(job), { isRepeat: index < 40 })),
  );
  expect(claimed.filter((each) => each !== null)).toHaveLength(41);
  expect(sizes.reduce((sum, size) => sum + size)).toBe(41);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(17);
});

test('one that PostgreSQL refuses keeps none of its batch from being claimed, or settled', async () => {
  const { jobs, endpointId } = await insertQueued(3);
  const [first, second, third] = jobs;
  const claims = createClaims(toPatientExecutor(pool()), TIMEOUT_MS);
  // Of a queue that somebody else wrote to.
  const wrong = { deliveryId: createId(), generation: 2 ** 40 };
  const claimed = await Promise.allSettled(
    [wrong, first!, second!].map((job) => claims.claim(toRequest(job))),
  );
  expect(claimed.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
  expect(await readAttempts(pool(), first?.deliveryId ?? '')).toHaveLength(1);
  await close(endpointId);
  const settled = await Promise.allSettled([wrong, third!].map((job) => claims.settleRefusal(job)));
  expect(settled).toMatchObject([{ status: 'rejected' }, { value: { kind: 'endpoint_closed' } }]);
});

describe('refusals in one statement', () => {
  test('are settled each for its own reason, in their order', async () => {
    const closed = await insertQueued(2, { window: 0 });
    const deleted = await insertQueued(1, { deleted: true });
    const busy = await insertQueued(1);
    await claimDelivery(pool(), busy.jobs[0]!, 'token', TIMEOUT_MS);
    const jobs = [
      closed.jobs[1]!,
      { deliveryId: createId(), generation: 1 },
      busy.jobs[0]!,
      deleted.jobs[0]!,
      closed.jobs[0]!,
    ];
    const [inClosed, inDeleted] = [closed, deleted].map(({ endpointId }) => endpointId);
    expect(await settleRefusals(pool(), jobs)).toEqual([
      { kind: 'endpoint_closed', endpointId: inClosed, orderId: closed.orderIds[1], isDeleted: false },
      { kind: 'stale' },
      { kind: 'not_yet', retryInMs: expect.any(Number) },
      { kind: 'endpoint_closed', endpointId: inDeleted, orderId: deleted.orderIds[0], isDeleted: true },
      { kind: 'endpoint_closed', endpointId: inClosed, orderId: closed.orderIds[0], isDeleted: false },
    ]);
    const states = async ({ orderIds }: { orderIds: string[] }) =>
      (await Promise.all(orderIds.map((id) => readDeliveries(pool(), id)))).flat().map(({ state }) => state);
    expect(await states(closed)).toEqual(['waiting', 'waiting']);
    expect(await states(deleted)).toEqual(['cancelled']);
    expect(await states(busy)).toEqual(['queued']);
  });

  test('of the same delivery, and of one that somebody has in hand, are settled once', async () => {
    const { jobs, deliveryIds } = await insertQueued(2, { deleted: true });
    const claims = createClaims(toPatientExecutor(pool()), TIMEOUT_MS);
    let held: Promise<unknown> = Promise.resolve();
    await whileHeld(deliveryIds[1] ?? '', async () => {
      const twice = [claims.settleRefusal(jobs[0]!), claims.settleRefusal(jobs[0]!)];
      held = claims.settleRefusal(jobs[1]!);
      const kinds = (await Promise.all(twice)).map(({ kind }) => kind);
      expect(kinds.toSorted()).toEqual(['endpoint_closed', 'stale']);
    });
    expect(await held).toMatchObject({ kind: 'endpoint_closed', isDeleted: true });
  });
});

test('fifty jobs handed over together take three claims at most, and refused ones three more statements', async () => {
  const { executor, names } = createCountingExecutor();
  const deps = { ...stage.deps, claims: createClaims(toPatientExecutor(executor), TIMEOUT_MS) };
  const [open, closed] = [await insertQueued(50), await insertQueued(50)];
  const ends = await Promise.all(open.jobs.map((job) => attemptDelivery(deps, job)));
  expect(ends.filter(({ kind }) => kind === 'done')).toHaveLength(50);
  expect(names.length).toBeLessThanOrEqual(3);
  expect(new Set(names)).toEqual(new Set(['claim-deliveries']));

  names.length = 0;
  await close(closed.endpointId);
  const refused = await Promise.all(closed.jobs.map((job) => attemptDelivery(deps, job)));
  expect(refused.filter(({ kind }) => kind === 'skipped')).toHaveLength(50);
  expect(names.filter((name) => name === 'claim-deliveries').length).toBeLessThanOrEqual(3);
  expect(names.filter((name) => name === 'settle-refusals').length).toBeLessThanOrEqual(3);
  expect(new Set(names)).toEqual(new Set(['claim-deliveries', 'settle-refusals']));
});
