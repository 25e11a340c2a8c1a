/** Pausing, resuming, enabling and deleting: what becomes of the endpoint, its deliveries and its jobs. */
import { applyDefaultWebhookUrl } from '@vendor-server/platform/customer-servers/apply-default-webhook-url.ts';
import {
  insertOrder,
  readDeliveries,
  readStates,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { findStrandedLanes } from '@vendor-server/platform/testing/lane-checks.ts';
import { parseExposition } from '@vendor-server/platform/testing/parse-exposition.ts';
import Schema from 'typebox/schema';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answerOf } from '../schemas/answer-schemas.ts';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';
import { createEndpointCalls, type EndpointCalls, URL_1, URL_2 } from '../testing/endpoint-calls.ts';
import { buildFullOrder } from '../testing/sample-bodies.ts';
import { DeletedEndpointResource, EndpointResource } from './schemas.ts';

let api: TestApi;
let calls: EndpointCalls;

beforeAll(async () => {
  api = await createTestApi();
  calls = createEndpointCalls(api);
});
afterAll(() => api.close());

const pool = () => api.database.pool;

async function addEndpoint(stored: Partial<{ state: string; stateReason: string; window: number }> = {}) {
  const { server, ...added } = await calls.addEndpoint();
  await api.database.prisma.webhookEndpoint.update({ where: { id: added.endpointId }, data: stored });
  const insert = (...states: Parameters<typeof insertOrder>[2][number][]) =>
    insertOrder(pool(), { customerServerId: server.id, endpointId: added.endpointId }, states);
  return { ...added, server, insert };
}

const linesAbout = (endpointId: string) =>
  api.logLines
    .map((line): Record<string, unknown> => JSON.parse(line))
    .filter((line) => line['endpointId'] === endpointId && line['msg'] === 'Webhook endpoint state changed');

const claim = (deliveryId: string | undefined) =>
  pool().query(
    `update deliveries set claim_token = 'token', claimed_until = now() + interval '1 minute' where id = $1`,
    [deliveryId],
  );

const jobsOf = (deliveryIds: readonly string[]) =>
  api.jobs.filter(({ data }) => deliveryIds.includes(data.deliveryId)).map(({ data }) => data);

describe('pausing', () => {
  test('puts back what nobody sends yet, and says whose doing it was', async () => {
    const { endpointId, server, call, insert } = await addEndpoint();
    const queued = await insert('queued', 'blocked');
    const claimed = await insert('queued');
    await claim(claimed.deliveryIds[0]);
    const { status, body } = await call('POST', '/pause');
    expect(status).toBe(200);
    expect(Schema.Check(answerOf(EndpointResource), body)).toBe(true);
    expect(body.data).toMatchObject({
      state: 'paused',
      health: {
        state: 'paused',
        reason: 'Paused by its customer server.',
        warning: expect.stringMatching(
          /^Changes wait for it: they are sent when it is resumed\. The oldest is given up at \S+Z\.$/,
        ),
        pending: 3,
      },
    });
    expect(await readStates(pool(), queued.orderId)).toEqual(['waiting', 'blocked']);
    expect(await readStates(pool(), claimed.orderId)).toEqual(['queued']);
    expect(linesAbout(endpointId)).toMatchObject([
      {
        level: 'info',
        customerServerId: server.id,
        from: 'active',
        to: 'paused',
        reason: 'Paused by its customer server.',
        actor: { type: 'customer_server', id: server.id },
        requestId: expect.any(String),
      },
    ]);
  });

  test('keeps the time of a retry that its job held', async () => {
    const { call, insert } = await addEndpoint();
    const { orderId, deliveryIds } = await insert('queued');
    await pool().query(
      `update deliveries set due_at = now() + interval '8 seconds' where id = $1`,
      deliveryIds.slice(),
    );
    await call('POST', '/pause');
    const [delivery] = await readDeliveries(pool(), orderId);
    expect(delivery?.state).toBe('waiting');
    expect(delivery?.dueInMs).toBeGreaterThan(5_000);
  });

  test('again changes nothing', async () => {
    const { endpointId, call } = await addEndpoint();
    const first = await call('POST', '/pause');
    const stored = await calls.readStored(endpointId);
    expect(await call('POST', '/pause')).toEqual(first);
    expect(await calls.readStored(endpointId)).toEqual(stored);
    expect(linesAbout(endpointId)).toHaveLength(1);
  });

  test('holds what changes afterwards', async () => {
    const { call, server } = await addEndpoint();
    await call('POST', '/pause');
    const created = await calls.ask('POST', '/api/external/orders', buildFullOrder(), server.headers);
    const { orderId } = created.body.data;
    expect(await readStates(pool(), orderId)).toEqual(['waiting']);
    await call('POST', '/resume');
    expect(await readStates(pool(), orderId)).toEqual(['queued']);
  });
});

describe('resuming', () => {
  test('sends what is due as far as there is room, oldest first, under new generations', async () => {
    const { endpointId, call, insert } = await addEndpoint({ window: 2 });
    const queued = await insert('queued', 'blocked');
    await call('POST', '/pause');
    const waiting = [await insert('waiting'), await insert('waiting')];
    const { status, body } = await call('POST', '/resume');
    expect(status).toBe(200);
    expect(body.data).toMatchObject({
      state: 'active',
      health: { state: 'healthy', reason: null, warning: null, pending: 4 },
    });
    expect(await readStates(pool(), queued.orderId)).toEqual(['queued', 'blocked']);
    expect(await Promise.all(waiting.map(({ orderId }) => readStates(pool(), orderId)))).toEqual([
      ['queued'],
      ['waiting'],
    ]);
    expect(
      jobsOf([...queued.deliveryIds, ...waiting.flatMap(({ deliveryIds }) => deliveryIds)]),
    ).toMatchObject([
      { deliveryId: queued.deliveryIds[0], generation: 2 },
      { deliveryId: waiting[0]?.deliveryIds[0], generation: 1 },
    ]);
    expect(linesAbout(endpointId).at(-1)).toMatchObject({ from: 'paused', to: 'active', reason: null });
    expect(await findStrandedLanes(pool())).toEqual([]);
  });

  test('an active endpoint changes nothing', async () => {
    const { endpointId, call } = await addEndpoint();
    const stored = await calls.readStored(endpointId);
    expect((await call('POST', '/resume')).status).toBe(200);
    expect((await call('POST', '/enable')).status).toBe(200);
    expect(await calls.readStored(endpointId)).toEqual(stored);
    expect(linesAbout(endpointId)).toEqual([]);
  });
});

describe('enabling', () => {
  test('begins with one delivery, and with nothing held against the endpoint', async () => {
    const { endpointId, call, insert } = await addEndpoint({ state: 'disabled', stateReason: 'Gone.' });
    const held = `gone_order_ids = '{a,b,c}', next_probe_at = now(), consecutive_failures = 40, failing_since = now()`;
    await pool().query(`update webhook_endpoints set ${held} where id = $1`, [endpointId]);
    const orders = [await insert('waiting'), await insert('waiting')];
    expect((await call('GET')).body.data).toMatchObject({
      state: 'disabled',
      health: { state: 'disabled', reason: 'Gone.' },
    });
    const { body } = await call('POST', '/enable');
    expect(body.data).toMatchObject({ state: 'active', health: { state: 'healthy', window: 1 } });
    expect(await Promise.all(orders.map(({ orderId }) => readStates(pool(), orderId)))).toEqual([
      ['queued'],
      ['waiting'],
    ]);
    expect(await calls.readStored(endpointId)).toMatchObject({
      stateReason: null,
      goneOrderIds: [],
      nextProbeAt: null,
      consecutiveFailures: 0,
      failingSince: null,
    });
  });

  test.each([
    ['paused', 'enable', 'endpoint_paused'],
    ['disabled', 'pause', 'endpoint_disabled'],
    ['disabled', 'resume', 'endpoint_disabled'],
  ])('what is %s is refused to %s', async (state, action, code) => {
    const { endpointId, call } = await addEndpoint({ state });
    const stored = await calls.readStored(endpointId);
    expect(await call('POST', `/${action}`)).toMatchObject({ status: 409, body: { ok: false, code } });
    expect(await calls.readStored(endpointId)).toEqual(stored);
    expect(linesAbout(endpointId)).toEqual([]);
  });
});

describe('an endpoint whose setting is gone', () => {
  async function addDefaultEndpoint() {
    const server = await api.addCustomerServer(URL_1);
    const [endpoint] = (await calls.ask('GET', '', undefined, server.headers)).body.data;
    const { endpointId } = endpoint;
    await apply(URL_1);
    await apply(null);
    async function apply(url: string | null) {
      await api.database.prisma.$transaction(async (transaction) => {
        const stored = await transaction.customerServer.findUniqueOrThrow({ where: { id: server.id } });
        await applyDefaultWebhookUrl(transaction, api.deps.secretBox, stored, url);
      });
    }
    const call = (method: 'GET' | 'POST' | 'DELETE', path = '') =>
      calls.ask(method, `/${endpointId}${path}`, undefined, server.headers);
    return { endpointId, server, apply, call };
  }

  test('says so, and goes on when the setting is back', async () => {
    const { apply, call } = await addDefaultEndpoint();
    expect((await call('GET')).body.data.health).toMatchObject({
      state: 'paused',
      reason: 'CUSTOMER_WEBHOOK_URL is not set any more',
    });
    await apply(URL_2);
    expect((await call('GET')).body.data).toMatchObject({ state: 'active', url: URL_2 });
  });

  test('stays paused when somebody paused it meanwhile', async () => {
    const { apply, call, endpointId } = await addDefaultEndpoint();
    const { stateChangedAt } = await calls.readStored(endpointId);
    await call('POST', '/pause');
    const stateReason = 'Paused by its customer server.';
    expect(await calls.readStored(endpointId)).toMatchObject({ stateReason, stateChangedAt });
    await apply(URL_2);
    expect((await call('GET')).body.data).toMatchObject({ state: 'paused', url: URL_2 });
  });

  test('goes on when somebody resumes it', async () => {
    const { apply, call } = await addDefaultEndpoint();
    expect((await call('POST', '/resume')).body.data).toMatchObject({ state: 'active', url: URL_1 });
    await apply(null);
    expect((await call('GET')).body.data).toMatchObject({ state: 'active' });
    await apply(URL_2);
    expect((await call('GET')).body.data).toMatchObject({ state: 'active', url: URL_2 });
  });

  test('stays deleted until the setting changes', async () => {
    const { apply, call, server } = await addDefaultEndpoint();
    await apply(URL_1);
    expect((await call('DELETE')).status).toBe(200);
    const list = async () => (await calls.ask('GET', '', undefined, server.headers)).body.data;
    await apply(URL_1);
    expect(await list()).toEqual([]);
    await apply(URL_2);
    expect(await list()).toMatchObject([{ url: URL_2, state: 'active', sendSharedSecret: true }]);
  });
});

describe('deleting', () => {
  test('ends what is open, but for what is being sent, and keeps the history', async () => {
    const { endpointId, call, insert, server } = await addEndpoint();
    const orders = [await insert('queued', 'blocked'), await insert('waiting'), await insert('delivered')];
    const claimed = await insert('queued', 'blocked');
    await claim(claimed.deliveryIds[0]);
    const countCancelled = async () =>
      parseExposition(await api.deps.metricsPage.read()).valueOf('vendor_server_deliveries_finished_total', {
        state: 'cancelled',
      }) ?? 0;
    const before = await countCancelled();
    const { status, body } = await call('DELETE');
    expect(status).toBe(200);
    expect(Schema.Check(answerOf(DeletedEndpointResource), body)).toBe(true);
    expect(body.data.endpointId).toBe(endpointId);
    expect(await Promise.all(orders.map(({ orderId }) => readStates(pool(), orderId)))).toEqual([
      ['cancelled', 'cancelled'],
      ['cancelled'],
      ['delivered'],
    ]);
    expect(await readStates(pool(), claimed.orderId)).toEqual(['queued', 'cancelled']);
    expect(await countCancelled()).toBe(before + 4);
    const [cancelled] = await readDeliveries(pool(), orders[0]?.orderId ?? '');
    expect(cancelled?.lastError).toBe('endpoint_deleted');
    expect(linesAbout(endpointId)).toMatchObject([
      { from: 'active', to: 'deleted', actor: { type: 'customer_server', id: server.id } },
    ]);
  });

  test('makes it unknown to everything', async () => {
    const { endpointId, call, server } = await addEndpoint();
    await call('DELETE');
    const answers = await Promise.all([
      call('GET'),
      call('PATCH', '', { url: URL_2 }),
      call('DELETE'),
      ...['rotate-secret', 'pause', 'resume', 'enable'].map((action) => call('POST', `/${action}`)),
      calls.ask('GET', `/api/admin/webhook-endpoints/${endpointId}`, undefined, api.operator),
      calls.ask('POST', `/api/admin/webhook-endpoints/${endpointId}/pause`, undefined, api.operator),
    ]);
    expect(answers.map(({ status, body }) => [status, body.code])).toEqual(
      answers.map(() => [404, 'not_found']),
    );
    const created = await calls.ask('POST', '/api/external/orders', buildFullOrder(), server.headers);
    expect(created.status).toBe(201);
    expect(await readStates(pool(), created.body.data.orderId)).toEqual([]);
  });
});
