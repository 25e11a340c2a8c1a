/** What a look makes of a lane whose endpoint wants the latest only. */
import type { DeliveryState } from '@vendor-server/domain/deliveries/delivery-state.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { emptyDatabase, insertEndpoint, insertOrder, readStates } from '../testing/delivery-fixtures.ts';
import { findLanesWithTwoHeads, findStrandedLanes } from '../testing/lane-checks.ts';
import { createTestDatabase } from '../testing/test-database.ts';
import { promote } from './promote.ts';

let subject: Awaited<ReturnType<typeof createTestDatabase>>;

beforeAll(async () => {
  subject = await createTestDatabase();
});
afterAll(() => subject.drop());
beforeEach(() => emptyDatabase(subject.database.pool));

const pool = () => subject.database.pool;

/** A lane in these states, with what the SQL does to them; gives what the look leaves and how much it replaced. */
async function lookAt(states: readonly DeliveryState[], change = 'select $1::text', window = 16) {
  const endpoint = await insertEndpoint(pool(), { mode: 'latest_only', window });
  const { orderId, deliveryIds } = await insertOrder(pool(), endpoint, states);
  await pool().query(change, [orderId]);
  const { superseded, jobs } = await promote(subject.database, endpoint.endpointId, [orderId]);
  expect(await findStrandedLanes(pool())).toEqual([]);
  expect(await findLanesWithTwoHeads(pool())).toEqual([]);
  const versions = jobs.map(({ deliveryId }) => deliveryIds.indexOf(deliveryId) + 1);
  return { left: (await readStates(pool(), orderId)).join(' '), superseded, versions };
}

describe('a look', () => {
  test.each([
    ['of what is blocked behind an end only the newest goes on', 'delivered blocked blocked blocked', 2],
    ['an unclaimed head is replaced by what is blocked behind it', 'queued blocked', 1],
    ['so is one that waits for its retry', 'waiting blocked blocked', 2],
    ['with nothing newer everything stays', 'failed blocked', 0],
  ])('%s', async (_what, states, superseded) => {
    const seen = await lookAt(states.split(' ') as DeliveryState[]);
    const count = states.split(' ').length;
    const [first] = states.split(' ');
    const kept = ['delivered', 'failed'].includes(first ?? '') ? [first] : [];
    const replaced = Array(count - kept.length - 1).fill('superseded');
    expect(seen).toEqual({ left: [...kept, ...replaced, 'queued'].join(' '), superseded, versions: [count] });
  });

  test('leaves a head that is being sent, and what is newest behind it', async () => {
    const claim = `update deliveries set claim_token = 'token', claimed_until = now() + interval '1 min'
                    where order_id = $1 and state = 'queued'`;
    expect(await lookAt(['queued', 'blocked'], claim)).toEqual({
      left: 'queued blocked',
      superseded: 0,
      versions: [],
    });
  });

  test('replaces the head of an endpoint that is sent nothing, without sending anything', async () => {
    expect(await lookAt(['waiting', 'blocked'], undefined, 0)).toEqual({
      left: 'superseded waiting',
      superseded: 1,
      versions: [],
    });
  });

  test('goes by the mode at the change, not by that of now', async () => {
    const back = `update webhook_endpoints set mode = 'every_step'
                   where id in (select endpoint_id from deliveries where order_id = $1)`;
    expect((await lookAt(['waiting', 'blocked', 'blocked'], back)).left).toBe('superseded superseded queued');
    const every = `update deliveries set replaces_older = false where order_id = $1`;
    expect((await lookAt(['waiting', 'blocked', 'blocked'], every)).left).toBe('queued blocked blocked');
    const first = `update deliveries set replaces_older = (order_version = 2) where order_id = $1`;
    expect((await lookAt(['waiting', 'blocked', 'blocked'], first)).left).toBe('superseded queued blocked');
  });
});

describe('what somebody asked for again', () => {
  const reopen = (version: number, by: string) =>
    `update deliveries set opened_by = '${by}', opened_at = clock_timestamp()
      where order_id = $1 and order_version = ${version}`;

  test.each(['resend', 'replay'])('by %s after a newer change goes out, before or after that', async (by) => {
    expect((await lookAt(['waiting', 'blocked'], reopen(1, by))).left).toBe('queued blocked');
    expect((await lookAt(['delivered', 'blocked', 'delivered'], reopen(2, by))).left).toBe(
      'delivered queued delivered',
    );
  });

  test('replaces nothing itself: all of them go out, in their order', async () => {
    const all = `update deliveries set opened_by = 'replay', opened_at = clock_timestamp() where order_id = $1`;
    expect((await lookAt(['blocked', 'blocked', 'blocked'], all)).left).toBe('queued blocked blocked');
  });

  test('is replaced by a change that was made afterwards', async () => {
    const before = `update deliveries set opened_by = 'resend' where order_id = $1 and order_version = 1`;
    expect((await lookAt(['waiting', 'blocked'], before)).left).toBe('superseded queued');
  });
});
