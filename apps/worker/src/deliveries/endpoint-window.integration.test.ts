/** The window in the endpoint's row, as attempts change it: one after the other, and many at once. */
import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-result.ts';
import { describeOutcome } from '@vendor-server/domain/deliveries/describe-outcome.ts';
import { readEndpointSignal } from '@vendor-server/domain/endpoints/endpoint-signal.ts';
import {
  type EndpointOptions,
  emptyDatabase,
  insertOrder,
  readDeliveries,
  readStates,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { answered, TIMED_OUT } from '../testing/attempt-results.ts';
import { type AttemptStage, createAttemptStage } from '../testing/attempt-stage.ts';
import { restWindow } from '../testing/shift-time-sql.ts';
import { type AttemptEnd, attemptDelivery } from './attempt-delivery.ts';
import { createEndpointHealthNotes } from './note-endpoint-health.ts';
import { type AttemptReport, createReportSettler } from './settle-reports.ts';

let testDatabase: Awaited<ReturnType<typeof createTestDatabase>>;
let stage: AttemptStage;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
});
afterAll(() => testDatabase.drop());
beforeEach(async () => {
  await emptyDatabase(testDatabase.database.pool);
  stage = createAttemptStage(testDatabase.database);
});

const pool = () => testDatabase.database.pool;

/** An endpoint whose window has rested. */
async function addEndpoint(options: EndpointOptions = {}) {
  const endpoint = await stage.insertEndpoint(options);
  const { endpointId } = endpoint;
  await restWindow(pool(), endpointId);
  const insert = (...states: Parameters<typeof insertOrder>[2]) => insertOrder(pool(), endpoint, states);

  /** An order in the queue whose attempt has begun; its answer comes when the test says so. */
  async function begin(deps = stage.deps) {
    const { orderId, deliveryIds } = await insert('queued');
    const begun = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<AttemptResult>();
    stage.answer(() => {
      begun.resolve();
      return answer.promise;
    });
    const end = attemptDelivery(deps, { deliveryId: deliveryIds[0] ?? '', generation: 1 });
    await begun.promise;
    return {
      orderId,
      async finish(result: AttemptResult): Promise<AttemptEnd> {
        answer.resolve(result);
        return end;
      },
    };
  }

  /** Attempts of an order each, under way at once and with the same end. */
  async function attemptAtOnce(results: readonly AttemptResult[], deps = [stage.deps]) {
    const begun = [];
    for (const [index] of results.entries()) begun.push(await begin(deps[index % deps.length]));
    await Promise.all(begun.map(({ finish }, index) => finish(results[index] ?? TIMED_OUT)));
    return begun.map(({ orderId }) => orderId);
  }

  return {
    ...endpoint,
    insert,
    begin,
    attemptAtOnce,
    attempt: async (...results: AttemptResult[]) => {
      for (const result of results) await (await begin()).finish(result);
    },
    rest: () => restWindow(pool(), endpointId),
    read: () => testDatabase.database.prisma.webhookEndpoint.findUniqueOrThrow({ where: { id: endpointId } }),
  };
}

/** So many workers, each with a memory of its own. */
function createWorkers(count: number) {
  return Array.from({ length: count }, () => ({
    ...stage.deps,
    endpointHealth: createEndpointHealthNotes({
      database: testDatabase.database,
      logger: stage.deps.logger,
    }),
  }));
}

const repeat = (count: number, result: AttemptResult) => Array.from({ length: count }, () => result);
const stateLines = () => stage.logLines.filter(({ msg }) => msg === 'Webhook endpoint state changed');

describe('a blip', () => {
  test('of sixteen time-outs, told by four workers at once, halves the window once', async () => {
    const { attemptAtOnce, read } = await addEndpoint();
    await attemptAtOnce(repeat(16, TIMED_OUT), createWorkers(4));
    expect(await read()).toMatchObject({ window: 8, consecutiveFailures: 16, brokenSince: null });
    expect(stateLines()).toMatchObject([{ from: 'healthy', to: 'struggling' }]);
  });

  test('of sixteen 503s halves it once, too', async () => {
    const { attemptAtOnce, read } = await addEndpoint();
    await attemptAtOnce(repeat(16, answered(503)), createWorkers(4));
    expect(await read()).toMatchObject({ window: 8, failingAnswers: 16 });
    expect((await read()).failingOrderIds).toHaveLength(3);
  });

  test('within a second after a change is left alone', async () => {
    const { attempt, attemptAtOnce, read } = await addEndpoint();
    await attempt(TIMED_OUT);
    await attemptAtOnce(repeat(4, TIMED_OUT));
    expect(await read()).toMatchObject({ window: 8, consecutiveFailures: 5 });
  });

  test('is over with the first success: also one that was claimed before it', async () => {
    const { begin, attempt, read } = await addEndpoint();
    await attempt(answered(200));
    const early = await begin();
    await attempt(...repeat(4, answered(500)));
    expect(await read()).toMatchObject({ failingAnswers: 4, consecutiveFailures: 4 });
    await early.finish(answered(200));
    expect(await read()).toMatchObject({ failingAnswers: 0, failingOrderIds: [], failingSince: null });
    await attempt(answered(500));
    expect(await read()).toMatchObject({ window: 16, failingAnswers: 1 });
  });
});

test('one bad order on a healthy endpoint throttles nothing', async () => {
  const { insert, attempt, read } = await addEndpoint();
  const bad = await insert('queued');
  for (let n = 0; n < 12; n += 1) {
    stage.answer(answered(500));
    await pool().query(
      `update deliveries set state = 'queued', job_due_at = now(), due_at = now(), finished_at = null,
                             budget_used = 0 where id = $1`,
      [bad.deliveryIds[0]],
    );
    await attemptDelivery(stage.deps, { deliveryId: bad.deliveryIds[0] ?? '', generation: 1 });
    // A long run of its own in the beginning, and then one between the others' successes.
    if (n >= 6) await attempt(answered(200));
  }
  const { window } = await read();
  expect(window).toBeGreaterThanOrEqual(16);
});

describe('successes', () => {
  test('fill the window, which doubles, and what waited for room goes on', async () => {
    const { attempt, insert, read } = await addEndpoint({ window: 2 });
    const waiting = [];
    for (let n = 0; n < 5; n += 1) waiting.push(await insert('waiting'));
    await attempt(answered(200));
    expect(await read()).toMatchObject({ window: 2 });
    await attempt(answered(200));
    expect(await read()).toMatchObject({ window: 4 });
    const states = await Promise.all(waiting.map(({ orderId }) => readStates(pool(), orderId)));
    expect(states.flat()).toEqual(['queued', 'queued', 'queued', 'queued', 'waiting']);
  });

  test('are written when it grows and no more, and at 64 not at all', async () => {
    const { endpointId, attempt, read } = await addEndpoint({ window: 32 });
    const xmin = async () => {
      const { rows } = await pool().query<{ xmin: string }>(
        'select xmin::text from webhook_endpoints where id = $1',
        [endpointId],
      );
      return rows[0]?.xmin;
    };
    await attempt(answered(200));
    const first = await xmin();
    await attempt(...repeat(30, answered(200)));
    expect(await xmin()).toBe(first);
    await attempt(answered(200));
    expect(await read()).toMatchObject({ window: 64 });
    const grown = await xmin();
    expect(grown).not.toBe(first);
    await attempt(...repeat(70, answered(200)));
    expect(await xmin()).toBe(grown);
  });

  test('of several workers are counted by each; a window grows once for those of one', async () => {
    const { attemptAtOnce, read } = await addEndpoint({ window: 4 });
    const workers = createWorkers(2);
    await attemptAtOnce(repeat(6, answered(200)), workers);
    expect(await read()).toMatchObject({ window: 4 });
    // The fourth of each, at once: the second finds a window that is not the one it counted for.
    await attemptAtOnce(repeat(2, answered(200)), workers);
    expect(await read()).toMatchObject({ window: 8 });
  });
});

describe('a window that closes', () => {
  test('puts back what nobody sends yet, once, whoever tells of it', async () => {
    const { attemptAtOnce, insert, read } = await addEndpoint({ window: 1 });
    const queued = [await insert('queued', 'blocked'), await insert('queued')];
    const orderIds = await attemptAtOnce(repeat(8, TIMED_OUT), createWorkers(4));
    const row = await read();
    expect(row).toMatchObject({ window: 0, consecutiveFailures: 8, probeCooldownMs: 1_000 });
    const waitMs = (row.nextProbeAt?.getTime() ?? 0) - (row.brokenSince?.getTime() ?? 0);
    expect(waitMs).toBeGreaterThanOrEqual(800);
    expect(waitMs).toBeLessThanOrEqual(1_200);
    expect(stateLines().filter(({ to }) => to === 'broken')).toMatchObject([
      { reason: 'timed_out no_answer', until: row.nextProbeAt?.toISOString() },
    ]);
    for (const { orderId } of queued) expect((await readStates(pool(), orderId))[0]).toBe('waiting');
    for (const orderId of orderIds) expect(await readStates(pool(), orderId)).toEqual(['waiting']);

    // Their jobs find nothing to do, and send nothing.
    const sent = stage.sent.length;
    const job = { deliveryId: queued[0]?.deliveryIds[0] ?? '', generation: 1 };
    expect(await attemptDelivery(stage.deps, job)).toEqual({ kind: 'skipped' });
    expect(stage.sent).toHaveLength(sent);
  });

  test('lets what is under way end: a retry waits in the database, and its job is over', async () => {
    const { begin, attempt, read } = await addEndpoint({ window: 1 });
    const underWay = await begin();
    await attempt(TIMED_OUT);
    expect(await read()).toMatchObject({ window: 0 });
    expect(await underWay.finish(answered(503))).toMatchObject({ kind: 'done' });
    const [delivery] = await readDeliveries(pool(), underWay.orderId);
    expect(delivery).toMatchObject({ state: 'waiting', budgetUsed: 1 });
    expect(delivery?.dueInMs).toBeGreaterThan(500);
    expect(await read()).toMatchObject({ window: 0, consecutiveFailures: 2 });
  });

  test('opens again when what was under way succeeds', async () => {
    const { begin, attempt, insert, read } = await addEndpoint({ window: 1 });
    const [early, late] = [await begin(), await begin()];
    const waiting = await insert('waiting');
    await attempt(TIMED_OUT);
    expect(await early.finish(answered(200))).toMatchObject({ kind: 'done' });
    expect(await read()).toMatchObject({ window: 1, brokenSince: null, nextProbeAt: null });
    // It began before the window changed: it says nothing of the endpoint as it is now.
    await late.finish(TIMED_OUT);
    expect(await read()).toMatchObject({ window: 1 });
    expect(stateLines()).toMatchObject([
      { from: 'healthy', to: 'broken' },
      { from: 'broken', to: 'healthy' },
    ]);
    expect(await readStates(pool(), waiting.orderId)).toEqual(['waiting']);
  });

  test('is not left closed when a success comes at the same moment, whichever is told first', async () => {
    const seen = new Set<number>();
    for (let n = 0; n < 8; n += 1) {
      const { begin, read } = await addEndpoint({ window: 1 });
      const [one, other] = createWorkers(2);
      const [success, failure] = [await begin(one), await begin(other)];
      const ends = [() => success.finish(answered(200)), () => failure.finish(TIMED_OUT)];
      await Promise.all((n % 2 === 0 ? ends : ends.toReversed()).map((end) => end()));
      seen.add((await read()).window);
    }
    // Closed and opened; or grown, and then left alone for a second.
    expect([...seen].filter((window) => window !== 1 && window !== 2)).toEqual([]);
  });

  test('and opened by what is told together is as new as one that was opened later', async () => {
    const { database } = testDatabase;
    const { endpointId, read } = await addEndpoint({ window: 1 });
    const { url } = await read();
    const report = (result: AttemptResult, begunAt: Date): AttemptReport => ({
      url,
      signal: readEndpointSignal(result.reason),
      orderId: 'order',
      begunAt,
      isProbe: false,
      askedWaitMs: 0,
      successes: null,
      reason: describeOutcome(result),
      responseStatus: result.responseStatus,
      isFailure: true,
    });
    const begunAt = new Date();
    const reports = [report(TIMED_OUT, begunAt), report(answered(200), begunAt)];
    const settled = await createReportSettler(database, () => 0.5).settle({ endpointId, reports });
    expect(await read()).toMatchObject({ window: 1, windowChangedAt: settled?.after.windowChangedAt });
  });

  test('is as it was for a worker that starts afresh', async () => {
    const { attempt, read } = await addEndpoint({ window: 1 });
    await attempt(TIMED_OUT);
    const before = await read();
    const another = createAttemptStage(testDatabase.database);
    expect(await another.relayTick()).toMatchObject({ probes: 0 });
    expect(await read()).toEqual(before);
  });
});
