/** Reports of several endpoints, settled together: every one counts once, on what the ones before it decided. */
import type { Database } from '@vendor-server/platform/database/create-database.ts';
import { type EndpointFixture, insertEndpoint } from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createKeyedBatches } from './create-keyed-batches.ts';
import { type AttemptReport, createReportSettler, type EndpointReports } from './settle-reports.ts';

const URL = 'http://127.0.0.1:9/hook';

let subject: Awaited<ReturnType<typeof createTestDatabase>>;

beforeAll(async () => {
  subject = await createTestDatabase();
});
afterAll(() => subject.drop());

const pool = () => subject.database.pool;

const addEndpoints = (count: number): Promise<EndpointFixture[]> =>
  Promise.all(Array.from({ length: count }, () => insertEndpoint(pool(), { url: URL })));

const read = (endpointId: string) =>
  subject.database.prisma.webhookEndpoint.findUniqueOrThrow({ where: { id: endpointId } });

/** Of attempts that began long ago: the window stays, the failures are counted. */
const failures = (count: number, orderId = 'order'): AttemptReport[] =>
  Array.from({ length: count }, () => ({
    url: URL,
    signal: 'failed',
    orderId,
    begunAt: new Date(0),
    isProbe: false,
    isFailure: true,
    askedWaitMs: 0,
    successes: null,
    reason: 'rejected 503',
    responseStatus: 503,
  }));

/** The database with its statements and transactions counted by name; `before` runs before each of them. */
function watch(before: (name: string) => Promise<void> = async () => undefined) {
  const calls: string[] = [];
  async function note(name: string): Promise<void> {
    await before(name);
    calls.push(name);
  }
  const watched = {
    async connect() {
      await note('transaction');
      return pool().connect();
    },
    async query(statement: pg.QueryConfig) {
      await note(statement.name ?? '');
      return pool().query(statement);
    },
  };
  const database: Pick<Database, 'pool'> = { pool: watched as unknown as pg.Pool };
  return { calls, database };
}

/** As the worker hands them over: those of one endpoint one batch after the other. */
function createWorker(database: Pick<Database, 'pool'>) {
  const settler = createReportSettler(database, () => 0.5);
  return createKeyedBatches<AttemptReport>(async (endpointId, reports) => {
    await settler.settle({ endpointId, reports });
  });
}

test('those of ten endpoints that fail together take two statements', async () => {
  const endpoints = await addEndpoints(10);
  const { calls, database } = watch();
  const worker = createWorker(database);
  await Promise.all(
    endpoints.flatMap(({ endpointId }) => failures(16).map((report) => worker.hand(endpointId, report))),
  );
  expect(calls).toEqual(['read-endpoint-records', 'write-endpoint-records']);
  for (const { endpointId } of endpoints) {
    expect(await read(endpointId)).toMatchObject({ consecutiveFailures: 16, failingOrderIds: ['order'] });
  }
});

test('none is lost, whichever workers tell them at once of which endpoints', async () => {
  const told = fc.array(
    fc.record({ worker: fc.nat(3), endpoint: fc.nat(4), count: fc.integer({ min: 1, max: 4 }) }),
    {
      minLength: 10,
      maxLength: 40,
    },
  );
  await fc.assert(
    fc.asyncProperty(told, async (batches) => {
      const endpoints = await addEndpoints(5);
      const workers = Array.from({ length: 4 }, () => createWorker(subject.database));
      const expected = Array<number>(5).fill(0);
      await Promise.all(
        batches.flatMap(({ worker, endpoint, count }) => {
          expected[endpoint] = (expected[endpoint] ?? 0) + count;
          return failures(count).map(async (report) => {
            await workers[worker]?.hand(endpoints[endpoint]?.endpointId ?? '', report);
          });
        }),
      );
      const rows = await Promise.all(endpoints.map(({ endpointId }) => read(endpointId)));
      expect(rows.map(({ consecutiveFailures }) => consecutiveFailures)).toEqual(expected);
    }),
    { numRuns: 10 },
  );
});

test('what somebody changes between reading and writing is decided again on what they left', async () => {
  const [changed, other] = await addEndpoints(2);
  const batch: EndpointReports[] = [changed, other].map((endpoint) => ({
    endpointId: endpoint?.endpointId ?? '',
    reports: failures(2),
  }));
  let isFirst = true;
  const { calls, database } = watch(async (name) => {
    if (name !== 'write-endpoint-records' || !isFirst) return;
    isFirst = false;
    await pool().query(
      `update webhook_endpoints set state = 'paused', consecutive_failures = 7 where id = $1`,
      [changed?.endpointId],
    );
  });
  const settler = createReportSettler(database, () => 0.5);
  const settled = await Promise.all(batch.map((one) => settler.settle(one)));
  expect(settled).toMatchObject([
    {
      before: { state: 'paused', consecutiveFailures: 7 },
      after: { state: 'paused', consecutiveFailures: 9 },
    },
    { before: { consecutiveFailures: 0 }, after: { consecutiveFailures: 2 } },
  ]);
  expect(calls).toEqual(['read-endpoint-records', 'write-endpoint-records', 'transaction']);
  expect(await read(changed?.endpointId ?? '')).toMatchObject({ state: 'paused', consecutiveFailures: 9 });
  expect(await read(other?.endpointId ?? '')).toMatchObject({ state: 'active', consecutiveFailures: 2 });
});

test('an endpoint that somebody holds keeps none of the others, and is settled when it is let go', async () => {
  const endpoints = await addEndpoints(3);
  const [held] = endpoints;
  const worker = createWorker(subject.database);
  const holder = await pool().connect();
  await holder.query('begin');
  await holder.query('select 1 from webhook_endpoints where id = $1 for update', [held?.endpointId]);
  const hand = ({ endpointId }: EndpointFixture) =>
    Promise.all(failures(2).map((report) => worker.hand(endpointId, report)));
  const [waiting, ...others] = endpoints.map(hand);
  await Promise.all(others);
  // Again, while it waits.
  await Promise.all(endpoints.slice(1).map(hand));
  expect(await read(held?.endpointId ?? '')).toMatchObject({ consecutiveFailures: 0 });
  await holder.query('commit');
  holder.release();
  await waiting;
  const rows = await Promise.all(endpoints.map(({ endpointId }) => read(endpointId)));
  expect(rows.map(({ consecutiveFailures }) => consecutiveFailures)).toEqual([2, 4, 4]);
});

test('of a deleted endpoint nothing is settled, and of the others all', async () => {
  const [deleted, other] = await addEndpoints(2);
  await pool().query('update webhook_endpoints set deleted_at = now() where id = $1', [deleted?.endpointId]);
  const settler = createReportSettler(subject.database, () => 0.5);
  const settle = (endpointId = '') => settler.settle({ endpointId, reports: failures(1) });
  const settled = await Promise.all([settle(deleted?.endpointId), settle(other?.endpointId)]);
  expect(settled).toMatchObject([null, { after: { consecutiveFailures: 1 } }]);
});
