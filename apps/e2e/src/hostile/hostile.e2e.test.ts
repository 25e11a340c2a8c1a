/**
 * The short form of `npm run test:hostile`: what a few bad customers' servers must not do to everybody else. Counts and
 * causes only; what anything costs in time is measured there.
 */
import type { DeliveryState } from '@vendor-server/domain/deliveries/delivery-state.ts';
import { testRedisUrl } from '@vendor-server/platform/testing/test-redis.ts';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { changeEndpoint } from '../system/add-customer-server.ts';
import { createHostileStage, type HostileStage } from './create-hostile-stage.ts';
import { measureAttack } from './measure-attack.ts';
import { measureRound, type Round } from './measure-round.ts';
import { addHanging, addWithoutNameServer, readWindow } from './scenarios.ts';

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
 * holds what the healthy are sent and what the windows of the others hold, however long the backlogs are; at most as much
 * again is left of windows that have shrunk, until it runs and finds itself void.
 */
function expectBounded({ sent, watched: { endpoints, mostJobs } }: Round, backlog: number): void {
  expect(endpoints.filter(({ mostAboveWindow }) => mostAboveWindow > 0)).toEqual([]);
  const most = endpoints.reduce((sum, { highestWindow }) => sum + 2 * highestWindow, sent);
  expect(mostJobs).toBeLessThanOrEqual(most);
  expect(most).toBeLessThan(backlog);
}

test('the healthy get everything while others hang or cannot be found, and the queue stays small', async () => {
  const hanging = await addHanging(stage, { backlog: BACKLOG, count: 2 });
  const lost = await addWithoutNameServer(stage, BACKLOG, 1);
  const endpointIds = [...hanging.endpointIds, ...lost.endpointIds];
  const round = await measureRound(stage, {
    perSecond: PER_SECOND,
    seconds: 6,
    bad: [...hanging.customerServers, ...lost.customerServers],
    badEndpointIds: endpointIds,
  });
  expect(round.missing).toBe(0);
  // They were tried, and still are: what the healthy got they got beside them.
  expect(hanging.receiver.unanswered).toBeGreaterThan(0);
  expect(hanging.receiver.openConnections).toBeGreaterThan(0);
  expect(stage.nameServer.unanswered).toBeGreaterThan(0);
  expect(await countDeliveries(endpointIds, 'delivered')).toBe(0);
  expectBounded(round, endpointIds.length * BACKLOG);
});

test('one that hangs for long is sent no more than a probe at a time, and keeps its place', async () => {
  const { pool } = stage.system.database;
  const hanging = await addHanging(stage, { backlog: BACKLOG, count: 1, timeoutMs: 500 });
  const { customerServers, endpointIds } = hanging;
  const [endpointId] = endpointIds;
  await vi.waitFor(async () => {
    expect(await readWindow(pool, endpointId!)).toBe(0);
    expect(await countDeliveries(endpointIds, 'queued')).toBeLessThanOrEqual(1);
  }, PATIENCE);
  expect(await countDeliveries(endpointIds, 'delivered')).toBe(0);
  // From now on a probe hangs for longer than the round takes: one is under way all the time.
  await changeEndpoint(stage.system, customerServers[0]!, { timeoutMs: 10_000 });
  await vi.waitFor(async () => {
    await pool.query('update webhook_endpoints set next_probe_at = clock_timestamp() where id = $1', [
      endpointId,
    ]);
    expect(await countDeliveries(endpointIds, 'queued')).toBeGreaterThan(0);
  }, PATIENCE);
  const { missing, watched } = await measureRound(stage, {
    perSecond: PER_SECOND,
    seconds: 2,
    badEndpointIds: endpointIds,
  });
  expect(missing).toBe(0);
  expect(watched.endpoints).toMatchObject([{ lowestWindow: 0, mostQueued: 1 }]);
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
  expectBounded(round, ATTACKERS * BACKLOG);
});

async function countDeliveries(endpointIds: readonly string[], state: DeliveryState): Promise<number> {
  const { rows } = await stage.system.database.pool.query<{ count: number }>(
    `select count(*) from deliveries where endpoint_id = any ($1) and state = $2`,
    [endpointIds, state],
  );
  return rows[0]?.count ?? 0;
}
