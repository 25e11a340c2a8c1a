/** Which deliveries a change makes, and what each of them waits for, whether it is written alone or together with others. */
import { URL_UNSET_REASON } from '@vendor-server/platform/customer-servers/apply-default-webhook-url.ts';
import {
  type EndpointFixture,
  type EndpointOptions,
  insertEndpoint,
  insertOrder,
  readDeliveries,
  readStates,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { findLanesWithTwoHeads } from '@vendor-server/platform/testing/lane-checks.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decideCancellation } from '../testing/decide-cancellation.ts';
import { type OrderWrite, writeOrderChanges } from './changes-together-sql.ts';
import { type RecordedChange, writeOrderChange } from './order-change-sql.ts';

let subject: Awaited<ReturnType<typeof createTestDatabase>>;

beforeAll(async () => {
  subject = await createTestDatabase();
});
afterAll(() => subject.drop());

const pool = () => subject.database.pool;

const writeAlone = ({ order, record }: OrderWrite) => writeOrderChange(pool(), order, record);
/** As the API does: what is left out is written alone. */
const writeTogether = async (each: OrderWrite) =>
  (await writeOrderChanges(pool(), [each]))[0] ?? writeAlone(each);
let write: typeof writeAlone;

/** Cancels the order. */
async function change(orderId: string): Promise<RecordedChange> {
  const recorded = await write(await decideCancellation(pool(), orderId));
  if (recorded === null) throw new Error('the change lost');
  return recorded;
}

async function changeAt(
  endpoint: EndpointFixture,
  states: Parameters<typeof insertOrder>[2] = ['delivered'],
) {
  const { orderId } = await insertOrder(pool(), endpoint, states);
  const { deliveries } = await change(orderId);
  expect(deliveries).toHaveLength(1);
  return deliveries[0];
}

async function putInQueue(endpoint: EndpointFixture, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) await insertOrder(pool(), endpoint, ['queued']);
}

describe.each([
  ['alone', writeAlone],
  ['together', writeTogether],
] as const)('written %s', (_form, writeInForm) => {
  beforeAll(() => {
    write = writeInForm;
  });

  describe('a new delivery', () => {
    test('is queued at an active endpoint with room', async () => {
      const endpoint = await insertEndpoint(pool(), { url: 'https://customer.example/updates' });
      await putInQueue(endpoint, 15);
      expect(await changeAt(endpoint)).toEqual({
        deliveryId: expect.stringMatching(/^[0-9a-f]{24}$/),
        endpointId: endpoint.endpointId,
        state: 'queued',
        generation: 1,
        url: 'https://customer.example/updates',
      });
    });

    test('waits at one whose window is full', async () => {
      const endpoint = await insertEndpoint(pool());
      await putInQueue(endpoint, 16);
      expect(await changeAt(endpoint)).toMatchObject({ state: 'waiting', generation: 0 });
    });

    test.each([{ state: 'paused' }, { state: 'disabled' }, { window: 0 }] satisfies EndpointOptions[])(
      'waits at one that takes nothing: %j',
      async (how) => {
        expect(await changeAt(await insertEndpoint(pool(), how))).toMatchObject({ state: 'waiting' });
      },
    );

    test('waits behind those of other orders that are due, and not behind those that are not', async () => {
      const endpoint = await insertEndpoint(pool());
      const { orderId } = await insertOrder(pool(), endpoint, ['waiting']);
      await pool().query(`update deliveries set due_at = now() + interval '1 minute' where order_id = $1`, [
        orderId,
      ]);
      expect(await changeAt(endpoint)).toMatchObject({ state: 'queued' });
      await pool().query('update deliveries set due_at = now() where order_id = $1', [orderId]);
      expect(await changeAt(endpoint)).toMatchObject({ state: 'waiting' });
    });

    test.each([[['queued']], [['waiting']], [['failed', 'blocked']], [['waiting', 'blocked']]] as const)(
      'is blocked behind what is open of its own order: %j',
      async (states) => {
        expect(await changeAt(await insertEndpoint(pool()), states)).toMatchObject({
          state: 'blocked',
          generation: 0,
        });
      },
    );

    test.each(['delivered', 'failed', 'superseded', 'cancelled'] as const)(
      'is not blocked by what is %s',
      async (state) => {
        expect(await changeAt(await insertEndpoint(pool()), [state])).toMatchObject({ state: 'queued' });
      },
    );

    test('is made for every endpoint that is told of the status, whatever its state', async () => {
      const first = await insertEndpoint(pool());
      const { customerServerId } = first;
      const paused = await insertEndpoint(pool(), { customerServerId, state: 'paused' });
      const wanting = await insertEndpoint(pool(), { customerServerId });
      const other = await insertEndpoint(pool(), { customerServerId });
      await insertEndpoint(pool(), { customerServerId, deleted: true });
      await insertEndpoint(pool());
      const tellOf = (endpointId: string, statuses: string[]) =>
        pool().query('update webhook_endpoints set all_statuses = false, statuses = $2 where id = $1', [
          endpointId,
          statuses,
        ]);
      await tellOf(wanting.endpointId, ['completed', 'cancelled']);
      await tellOf(other.endpointId, ['completed']);

      const { orderId } = await insertOrder(pool(), first, ['delivered']);
      const { deliveries, hasEndpoint } = await change(orderId);
      expect(hasEndpoint).toBe(true);
      expect(new Map(deliveries.map(({ endpointId, state }) => [endpointId, state]))).toEqual(
        new Map([
          [first.endpointId, 'queued'],
          [paused.endpointId, 'waiting'],
          [wanting.endpointId, 'queued'],
        ]),
      );
      expect(await readDeliveries(pool(), orderId)).toHaveLength(4);
    });

    test.each([
      ['an endpoint that is told of other statuses', { deleted: false }, true],
      ['no endpoint but a deleted one', { deleted: true }, false],
    ])('is not made where there is %s', async (_what, options, hasEndpoint) => {
      const endpoint = await insertEndpoint(pool(), options);
      await pool().query('update webhook_endpoints set all_statuses = false where id = $1', [
        endpoint.endpointId,
      ]);
      const { orderId } = await insertOrder(pool(), endpoint, []);
      expect(await change(orderId)).toEqual({ deliveries: [], hasEndpoint, superseded: 0 });
    });

    test.each([
      ['CUSTOMER_WEBHOOK_URL is unset', URL_UNSET_REASON, false],
      ['somebody asked for it', 'maintenance', true],
      ['nobody knows why', null, true],
    ])('waits at an endpoint that is paused because %s', async (_why, reason, hasEndpoint) => {
      const endpoint = await insertEndpoint(pool(), { state: 'paused' });
      await pool().query('update webhook_endpoints set state_reason = $2 where id = $1', [
        endpoint.endpointId,
        reason,
      ]);
      const { orderId } = await insertOrder(pool(), endpoint, []);
      expect(await change(orderId)).toMatchObject({ deliveries: [{ state: 'waiting' }], hasEndpoint });
    });
  });

  describe('at an endpoint that wants the latest only, a change', () => {
    const latestOnly = (options: EndpointOptions = {}) =>
      insertEndpoint(pool(), { ...options, mode: 'latest_only' });

    async function changeLane(endpoint: EndpointFixture, states: Parameters<typeof insertOrder>[2]) {
      const { orderId, deliveryIds } = await insertOrder(pool(), endpoint, states);
      const { superseded } = await change(orderId);
      return { orderId, deliveryIds, superseded, states: await readStates(pool(), orderId) };
    }

    test.each([
      [['delivered'], 'delivered queued', 0],
      [['queued'], 'superseded queued', 1],
      // It sees in the snapshot what it replaces, due before it; the look after commit does not.
      [['waiting'], 'superseded waiting', 1],
      [['queued', 'blocked', 'blocked'], 'superseded superseded superseded queued', 3],
      // Its head has ended, and nobody has looked yet.
      [['failed', 'blocked'], 'failed superseded queued', 1],
    ] as const)('replaces what is open of its lane: %j', async (states, after, superseded) => {
      const changed = await changeLane(await latestOnly(), states);
      expect(changed.states.join(' ')).toBe(after);
      expect(changed.superseded).toBe(superseded);
      expect(await findLanesWithTwoHeads(pool())).toEqual([]);
    });

    test('leaves what is replaced as something that has ended', async () => {
      const { deliveryIds } = await changeLane(await latestOnly(), ['queued', 'blocked']);
      const { rows } = await pool().query(
        `select state, finished_at is not null as finished, job_due_at, last_error, is_probe, generation
         from deliveries where id = any ($1) order by id`,
        [deliveryIds],
      );
      const ended = { state: 'superseded', finished: true, job_due_at: null, is_probe: false };
      expect(rows).toEqual([
        { ...ended, last_error: 'superseded', generation: 1 },
        { ...ended, last_error: 'superseded', generation: 0 },
      ]);
    });

    test('is blocked behind what is being sent, and replaces the others', async () => {
      const endpoint = await latestOnly();
      const { orderId, deliveryIds } = await insertOrder(pool(), endpoint, ['queued', 'blocked']);
      await pool().query(
        `update deliveries set claim_token = 'token', claimed_until = now() + interval '1 min' where id = $1`,
        [deliveryIds[0]],
      );
      expect(await change(orderId)).toMatchObject({ superseded: 1, deliveries: [{ state: 'blocked' }] });
      expect(await readStates(pool(), orderId)).toEqual(['queued', 'superseded', 'blocked']);
    });

    test.each([
      ['in the place of what it replaces', 'where others wait', {}, -3_600_000],
      ['from now on', 'where nothing is sent', { state: 'paused' }, 0],
      ['from now on', 'where nothing is sent but probes', { window: 0 }, 0],
    ] as const)('waits %s %s', async (_how, _where, options, dueInMs) => {
      const endpoint = await latestOnly(options);
      await insertOrder(pool(), endpoint, ['waiting']);
      const { orderId, deliveryIds } = await insertOrder(pool(), endpoint, ['waiting', 'blocked']);
      await pool().query(`update deliveries set due_at = now() - interval '1 hour' where id = $1`, [
        deliveryIds[0],
      ]);
      await change(orderId);
      const deliveries = await readDeliveries(pool(), orderId);
      expect(deliveries.map(({ state }) => state)).toEqual(['superseded', 'superseded', 'waiting']);
      expect(Math.abs(deliveries.at(-1)!.dueInMs - dueInMs)).toBeLessThan(60_000);
    });

    test('does not wait for the retry that it replaces', async () => {
      const { orderId, deliveryIds } = await insertOrder(pool(), await latestOnly(), ['waiting']);
      await pool().query(`update deliveries set due_at = now() + interval '1 hour' where id = $1`, [
        deliveryIds[0],
      ]);
      expect(await change(orderId)).toMatchObject({ deliveries: [{ state: 'queued' }] });
      expect((await readDeliveries(pool(), orderId)).at(-1)?.dueInMs).toBeLessThanOrEqual(0);
    });

    test('replaces what is open of its own lane alone', async () => {
      const endpoint = await latestOnly();
      const everyStep = await insertEndpoint(pool(), { customerServerId: endpoint.customerServerId });
      const { orderId } = await insertOrder(pool(), endpoint, ['queued']);
      const other = await insertOrder(pool(), endpoint, ['queued', 'blocked']);
      // The other endpoint was told of the first change, too.
      await pool().query(
        `insert into deliveries (id, customer_server_id, transition_id, order_id, order_version, endpoint_id,
                               changed_at, state)
       select new_id(), customer_server_id, transition_id, order_id, 1, $2, changed_at, 'waiting'
         from deliveries where order_id = $1`,
        [orderId, everyStep.endpointId],
      );
      expect(await change(orderId)).toMatchObject({ superseded: 1 });
      const { rows } = await pool().query<{ latest: string[]; every: string[] }>(
        `select array_agg(state order by order_version) filter (where endpoint_id = $2) as latest,
              array_agg(state order by order_version) filter (where endpoint_id = $3) as every
         from deliveries where order_id = $1`,
        [orderId, endpoint.endpointId, everyStep.endpointId],
      );
      expect(rows).toEqual([{ latest: ['superseded', 'queued'], every: ['waiting', 'blocked'] }]);
      expect(await readStates(pool(), other.orderId)).toEqual(['queued', 'blocked']);
    });

    test('that it is not told of replaces nothing', async () => {
      const endpoint = await latestOnly();
      await pool().query('update webhook_endpoints set all_statuses = false where id = $1', [
        endpoint.endpointId,
      ]);
      expect(await changeLane(endpoint, ['waiting'])).toMatchObject({ states: ['waiting'], superseded: 0 });
    });

    test('goes by the mode as it is now: what was made before the mode was changed is replaced, too', async () => {
      const endpoint = await insertEndpoint(pool());
      const { orderId } = await insertOrder(pool(), endpoint, ['queued', 'blocked']);
      await pool().query(`update webhook_endpoints set mode = 'latest_only' where id = $1`, [
        endpoint.endpointId,
      ]);
      await change(orderId);
      expect(await readStates(pool(), orderId)).toEqual(['superseded', 'superseded', 'queued']);
    });
  });
});
