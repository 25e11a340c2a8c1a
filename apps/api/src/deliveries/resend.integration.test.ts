import type { DeliveryState } from '@vendor-server/domain/deliveries/delivery-state.ts';
import {
  type EndpointOptions,
  insertEndpoint,
  insertOrder,
  readStates,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import type { TSchema } from 'typebox';
import Value from 'typebox/value';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';
import { buildServiceOrder } from '../testing/sample-bodies.ts';
import { resendAnyReference, resendReference } from './reopen-reference.ts';

let api: TestApi;
let server: Awaited<ReturnType<TestApi['addCustomerServer']>>;

beforeAll(async () => {
  api = await createTestApi();
  server = await api.addCustomerServer();
});
afterAll(() => api.close());
beforeEach(() => {
  api.jobs.length = 0;
});

const pool = () => api.database.pool;

async function insert(states: readonly DeliveryState[], options: EndpointOptions = {}) {
  const endpoint = await insertEndpoint(pool(), { customerServerId: server.id, ...options });
  return { ...endpoint, ...(await insertOrder(pool(), endpoint, states)) };
}

type Audience = 'external' | 'admin';

async function resend(deliveryId: string | undefined, audience: Audience = 'external', headers = {}) {
  const answer = await api.app.inject({
    method: 'POST',
    url: `/api/${audience}/deliveries/${deliveryId}/resend`,
    headers: { ...(audience === 'admin' ? api.operator : server.headers), ...headers },
  });
  return { status: answer.statusCode, body: answer.json() };
}

const lines = () => api.logLines.map((line) => JSON.parse(line) as Record<string, unknown>);

describe('a resend', () => {
  test.each(['delivered', 'failed', 'superseded'] as const)(
    'of what is %s answers with the delivery in the queue',
    async (state) => {
      const { deliveryIds, orderId, endpointId } = await insert([state]);
      const { status, body } = await resend(deliveryIds[0], 'external', {
        'x-request-id': `resend-${state}`,
      });
      expect(status, JSON.stringify(body)).toBe(200);
      expect(Value.Check(resendReference.answers[200]?.schema as TSchema, body)).toBe(true);
      expect(body.data).toMatchObject({
        deliveryId: deliveryIds[0],
        orderId,
        endpointId,
        state: 'queued',
        openedBy: 'resend',
        finishedAt: null,
        attempts: [],
      });
      expect(api.jobs).toMatchObject([{ data: { deliveryId: deliveryIds[0], generation: 1 } }]);
      const read = await api.app.inject({
        url: `/api/external/deliveries/${deliveryIds[0]}`,
        headers: server.headers,
      });
      expect(read.json()).toEqual(body);
      expect(lines()).toContainEqual(
        expect.objectContaining({
          msg: 'Delivery opened again for a resend',
          requestId: `resend-${state}`,
          deliveryId: deliveryIds[0],
          orderId,
          endpointId,
        }),
      );
    },
  );

  test('by an operator is of any customer server’s, and put down to a name', async () => {
    const { deliveryIds } = await insert(['failed']);
    const { status, body } = await resend(deliveryIds[0], 'admin', { 'x-operator': 'night-shift' });
    expect(status).toBe(200);
    expect(Value.Check(resendAnyReference.answers[200]?.schema as TSchema, body)).toBe(true);
    expect(body.data).toMatchObject({ state: 'queued', customerServerId: server.id });
    expect(lines()).toContainEqual(
      expect.objectContaining({ deliveryId: deliveryIds[0], operator: 'night-shift' }),
    );
  });

  test('waits behind what is under way in its lane, and before what is blocked there', async () => {
    const { deliveryIds, orderId } = await insert(['delivered', 'queued', 'blocked']);
    const { body } = await resend(deliveryIds[0]);
    expect(body.data).toMatchObject({ state: 'blocked', blockedBy: deliveryIds[1], nextAttemptAt: null });
    expect(await readStates(pool(), orderId)).toEqual(['blocked', 'queued', 'blocked']);
  });

  test('waits at a paused endpoint', async () => {
    const { deliveryIds } = await insert(['delivered'], { state: 'paused' });
    expect((await resend(deliveryIds[0])).body.data).toMatchObject({ state: 'waiting' });
    expect(api.jobs).toEqual([]);
  });
});

describe('refused is', () => {
  test.each(['blocked', 'waiting', 'queued'] as const)('what is %s', async (state) => {
    const { deliveryIds, orderId } = await insert([state], { state: 'paused' });
    for (const audience of ['external', 'admin'] as const) {
      expect(await resend(deliveryIds[0], audience)).toMatchObject({
        status: 409,
        body: { ok: false, code: 'delivery_not_finished', error: 'The delivery is still under way.' },
      });
    }
    expect(await readStates(pool(), orderId)).toEqual([state]);
  });

  test('a second one at the same time', async () => {
    const { deliveryIds } = await insert(['failed']);
    const answers = await Promise.all([1, 2, 3].map(() => resend(deliveryIds[0])));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409, 409]);
    expect(api.jobs).toHaveLength(1);
  });

  test('what was cancelled, and whatever has lost its endpoint', async () => {
    const cancelled = await insert(['cancelled']);
    const deleted = await insert(['failed'], { deleted: true });
    for (const { deliveryIds } of [cancelled, deleted]) {
      expect(await resend(deliveryIds[0])).toMatchObject({ status: 409, body: { code: 'endpoint_deleted' } });
    }
  });

  test('what is about an order whose personal data was erased; open again, it keeps the data from erasure', async () => {
    await insertEndpoint(pool(), { customerServerId: server.id });
    const payload = buildServiceOrder();
    const url = '/api/external/orders';
    const created = await api.app.inject({ method: 'POST', url, headers: server.headers, payload });
    const { orderId } = created.json().data;
    const { rows } = await pool().query<{ id: string }>(
      `update deliveries set state = 'failed', job_due_at = null, finished_at = now()
        where order_id = $1 returning id`,
      [orderId],
    );
    const erase = () =>
      api.app.inject({
        method: 'DELETE',
        url: `/api/admin/orders/${orderId}/personal-data`,
        headers: api.operator,
      });
    expect((await resend(rows[0]?.id)).status).toBe(200);
    expect((await erase()).json()).toMatchObject({ code: 'delivery_not_finished' });
    await pool().query(
      `update deliveries set state = 'failed', job_due_at = null, finished_at = now() where order_id = $1`,
      [orderId],
    );
    expect((await erase()).statusCode).toBe(200);
    expect(await resend(rows[0]?.id)).toMatchObject({
      status: 409,
      body: { code: 'personal_data_erased' },
    });
  });

  test('another customer server’s, one that does not exist, and what is no id', async () => {
    const other = await api.addCustomerServer();
    const { deliveryIds, orderId } = await insert(['failed'], { customerServerId: other.id });
    for (const id of [deliveryIds[0], '0190aaaaaaaabbbbbbbbcccc', 'x']) {
      expect(await resend(id)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    }
    expect(await resend('0190aaaaaaaabbbbbbbbcccc', 'admin')).toMatchObject({ status: 404 });
    expect(await readStates(pool(), orderId)).toEqual(['failed']);
  });

  test('a caller without its credential', async () => {
    const { deliveryIds } = await insert(['failed']);
    const url = `/api/external/deliveries/${deliveryIds[0]}/resend`;
    expect((await api.app.inject({ method: 'POST', url })).statusCode).toBe(401);
    expect((await resend(deliveryIds[0], 'admin', { authorization: 'Bearer wrong' })).status).toBe(401);
  });
});
