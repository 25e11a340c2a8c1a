/**
 * The short form of `npm run test:hostile`: what a few bad customers' servers must not do to everybody else. Counts and
 * causes only; what anything costs in time is measured there.
 */
import type { DeliveryState } from '@vendor-server/domain/deliveries/delivery-state.ts';
import { LARGEST_WINDOW } from '@vendor-server/domain/endpoints/decide-window.ts';
import { testRedisUrl } from '@vendor-server/platform/testing/test-redis.ts';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createHostileStage, type HostileStage } from './create-hostile-stage.ts';
import { measureAttack } from './measure-attack.ts';
import { measureRound } from './measure-round.ts';
import { addHanging, addWithoutNameServer, readWindow } from './scenarios.ts';
import type { Watched } from './watch-system.ts';

const HEALTHY = 10;
const PER_SECOND = 10;
const BACKLOG = 1_000;
const ATTACKERS = 20;
/** For a window to close: halved once a second, from 16. */
const PATIENCE = { timeout: 40_000, interval: 50 };
const MOST_RSS_BYTES = 300 * 1024 * 1024;

let stage: HostileStage;

beforeAll(async () => {
  stage = await createHostileStage({ redisUrl: testRedisUrl(), healthy: HEALTHY });
});
afterAll(() => stage.stop());

/**
 * Nobody is ever above its window. (Changes that commit in the same instant may put a few more in the queue than there
 * is room for, but not here: while an endpoint has due heads waiting, a change of its is `waiting`, too.) So the queue
 * holds what the windows hold, however long the backlogs are.
 */
function expectBounded({ endpoints, mostJobs }: Watched, backlog: number): void {
  expect(endpoints.filter(({ mostAboveWindow }) => mostAboveWindow > 0)).toEqual([]);
  const windows = endpoints.reduce((sum, { highestWindow }) => sum + highestWindow, HEALTHY * LARGEST_WINDOW);
  expect(mostJobs).toBeLessThanOrEqual(windows);
  expect(windows).toBeLessThan(backlog);
}

test('the healthy get everything while others hang or cannot be found, and the queue stays small', async () => {
  const hanging = await addHanging(stage, { backlog: BACKLOG, count: 2 });
  const lost = await addWithoutNameServer(stage, BACKLOG, 1);
  const endpointIds = [...hanging.endpointIds, ...lost.endpointIds];
  const { missing, watched } = await measureRound(stage, {
    perSecond: PER_SECOND,
    seconds: 6,
    bad: [...hanging.customerServers, ...lost.customerServers],
    badEndpointIds: endpointIds,
  });
  expect(missing).toBe(0);
  // They were tried, and still are: what the healthy got they got beside them.
  expect(hanging.receiver.unanswered).toBeGreaterThan(0);
  expect(hanging.receiver.openConnections).toBeGreaterThan(0);
  expect(stage.nameServer.unanswered).toBeGreaterThan(0);
  expect(await countDeliveries(endpointIds, 'delivered')).toBe(0);
  expectBounded(watched, endpointIds.length * BACKLOG);
});

test('one that hangs for long is sent no more than a probe at a time, and keeps its place', async () => {
  const { pool } = stage.system.database;
  const { endpointIds } = await addHanging(stage, { backlog: BACKLOG, count: 1, timeoutMs: 500 });
  const [endpointId] = endpointIds;
  await vi.waitFor(async () => {
    expect(await readWindow(pool, endpointId!)).toBe(0);
    expect(await countDeliveries(endpointIds, 'queued')).toBeLessThanOrEqual(1);
  }, PATIENCE);
  expect(await countDeliveries(endpointIds, 'delivered')).toBe(0);
  const { missing, watched } = await measureRound(stage, {
    perSecond: PER_SECOND,
    seconds: 2,
    badEndpointIds: endpointIds,
  });
  expect(missing).toBe(0);
  expect(watched.endpoints).toMatchObject([{ lowestWindow: 0 }]);
  expect(watched.endpoints[0]?.mostQueued).toBeLessThanOrEqual(1);
});

test('a worker that is attacked keeps its memory, and serves the healthy', async () => {
  const { round, peakRssBytes, connections } = await measureAttack(stage, {
    perSecond: PER_SECOND,
    seconds: 6,
    attackers: ATTACKERS,
    backlog: BACKLOG,
  });
  expect(round.missing).toBe(0);
  expect(connections.most).toBeGreaterThan(100);
  expect(peakRssBytes).toBeLessThan(MOST_RSS_BYTES);
  expectBounded(round.watched, ATTACKERS * BACKLOG);
});

async function countDeliveries(endpointIds: readonly string[], state: DeliveryState): Promise<number> {
  const { rows } = await stage.system.database.pool.query<{ count: number }>(
    `select count(*) from deliveries where endpoint_id = any ($1) and state = $2`,
    [endpointIds, state],
  );
  return rows[0]?.count ?? 0;
}
