/** Every operation of the API reference is really called once, with each success that it documents. */
import { insertEndpoint, insertOrder } from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestApi, PARTNER_SECRET, type TestApi } from '../testing/create-test-api.ts';
import { createWebhookReceiver, type WebhookReceiver } from '../testing/create-webhook-receiver.ts';
import { openEventStream } from '../testing/open-event-stream.ts';
import { buildServiceOrder } from '../testing/sample-bodies.ts';

interface Operation {
  readonly operationId: string;
  readonly security: Record<string, unknown>[];
  readonly responses: Record<string, unknown>;
}

let api: TestApi;
let receiver: WebhookReceiver;
let server: Awaited<ReturnType<TestApi['addCustomerServer']>>;
let vendor: Awaited<ReturnType<TestApi['addVendor']>>;
const operations = new Map<string, Operation & { method: string; path: string }>();

beforeAll(async () => {
  receiver = await createWebhookReceiver();
  api = await createTestApi();
  server = await api.addCustomerServer(`${receiver.base}/webhooks`);
  vendor = await api.addVendor();
  const document = (await api.app.inject({ url: '/openapi.json' })).json();
  for (const [path, methods] of Object.entries<Record<string, Operation>>(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      operations.set(operation.operationId, { ...operation, method, path });
    }
  }
});
afterAll(async () => {
  await api.close();
  receiver.close();
});

function headersOf({ security }: Operation): Record<string, string> {
  const schemes = security.flatMap((each) => Object.keys(each));
  if (schemes.includes('customerSecret')) return server.headers;
  if (schemes.includes('vendorKey')) return vendor.headers;
  if (schemes.includes('operatorKey')) return api.operator;
  return schemes.includes('partnerSecret') ? { 'x-vendor-secret': PARTNER_SECRET } : {};
}

/** @param ids values of the path's parameters */
async function call(operationId: string, ids: Record<string, string> = {}, body?: object) {
  const operation = operations.get(operationId);
  if (operation === undefined) throw new Error(`There is no operation ${operationId}.`);
  const answer = await api.app.inject({
    method: operation.method.toUpperCase() as 'GET',
    url: operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? ''),
    headers: headersOf(operation),
    ...(body !== undefined && { payload: body }),
  });
  const isJson = String(answer.headers['content-type']).startsWith('application/json');
  return { status: answer.statusCode, text: answer.body, data: isJson ? answer.json().data : undefined };
}

/** The same, and it must succeed. */
async function expectSuccess(operationId: string, ids: Record<string, string> = {}, body?: object) {
  const answer = await call(operationId, ids, body);
  expect(answer.status, `${operationId}: ${answer.text}`).toBeLessThan(300);
  return answer.data;
}

async function createOrder(): Promise<{ orderId: string }> {
  const { orderId } = await expectSuccess('createOrder', {}, buildServiceOrder());
  return { orderId };
}

test('orders', async () => {
  const walked = await createOrder();
  await expectSuccess('assignOrder', walked, { vendorId: vendor.id });
  await expectSuccess('unassignOrder', walked);
  await expectSuccess('acceptOrder', walked);
  for (const step of ['startOrder', 'confirmArrival', 'requestPayment', 'confirmPayment', 'completeOrder']) {
    await expectSuccess(step, walked);
  }
  for (const read of [
    'getOrder',
    'getVendorOrder',
    'getAnyOrder',
    'getOrderTimeline',
    'getAnyOrderTimeline',
  ]) {
    await expectSuccess(read, walked);
  }
  const paid = await createOrder();
  for (const step of ['acceptOrder', 'requestPayment', 'confirmAnyPayment', 'cancelVendorOrder']) {
    await expectSuccess(step, paid);
  }
  await expectSuccess('rejectOrder', await createOrder());
  await expectSuccess('cancelOrder', await createOrder());
  await expectSuccess('cancelAnyOrder', await createOrder());
  for (const list of ['listOrders', 'listVendorOrders', 'listAllOrders', 'listEvents'])
    await expectSuccess(list);
});

test('webhook endpoints', async () => {
  const url = `${receiver.base}/second`;
  const { endpointId } = await expectSuccess('createWebhookEndpoint', {}, { url });
  const one = { endpointId };
  for (const list of ['listWebhookEndpoints', 'listAllWebhookEndpoints', 'getMe']) await expectSuccess(list);
  for (const read of ['getWebhookEndpoint', 'getAnyWebhookEndpoint']) await expectSuccess(read, one);
  for (const scope of ['', 'Any']) {
    await expectSuccess(`update${scope}WebhookEndpoint`, one, { timeoutMs: 5_000 });
    await expectSuccess(`rotate${scope}WebhookEndpointSecret`, one);
    await expectSuccess(`pause${scope}WebhookEndpoint`, one);
    await expectSuccess(`resume${scope}WebhookEndpoint`, one);
    await api.database.pool.query(`update webhook_endpoints set state = 'disabled' where id = $1`, [
      endpointId,
    ]);
    await expectSuccess(`enable${scope}WebhookEndpoint`, one);
  }
  await expectSuccess('deleteWebhookEndpoint', one);
  await expectSuccess('deleteAnyWebhookEndpoint', await expectSuccess('createWebhookEndpoint', {}, { url }));
  await expectSuccess('testWebhook', {}, {});
  receiver.answer = { status: 401, body: '{"error":"Invalid webhook secret"}' };
  expect((await call('testWebhook', {}, {})).status).toBe(400);
});

test('deliveries', async () => {
  const { pool } = api.database;
  const endpoint = await insertEndpoint(pool, { customerServerId: server.id });
  const { deliveryIds } = await insertOrder(pool, endpoint, ['delivered', 'failed']);
  const [first, second] = deliveryIds;
  for (const list of ['listDeliveries', 'listAllDeliveries']) await expectSuccess(list);
  for (const read of ['getDelivery', 'getAnyDelivery']) await expectSuccess(read, { deliveryId: first! });
  await expectSuccess('resendDelivery', { deliveryId: first! });
  await expectSuccess('resendAnyDelivery', { deliveryId: second! });
  const since = new Date(Date.now() - 3_600_000).toISOString();
  const { replayId } = await expectSuccess('startReplay', {}, { since });
  for (const read of ['getReplay', 'getAnyReplay']) await expectSuccess(read, { replayId });
  await expectSuccess('startReplayForCustomerServer', {}, { since, customerServerId: server.id });
});

test('vendors and partners', async () => {
  await expectSuccess('getVendorMe');
  await expectSuccess('updateVendorMe', {}, { vendorName: 'Test vendor' });
  await expectSuccess('setPresence', {}, { online: true });
  await expectSuccess('listOffers');
  await expectSuccess('reportVendorUpdate', {}, { vendorId: 'partner-vendor-1' });
  const base = await api.app.listen({ host: '127.0.0.1', port: 0 });
  const stream = await openEventStream(`${base}/api/vendor/offers/stream`, vendor.headers);
  await stream.waitForEvents(1);
  stream.close();
});

test('operators', async () => {
  const created = await expectSuccess('createVendor', {}, { vendorName: 'Another', mobile: '+910000000001' });
  const one = { vendorId: created.vendorId as string };
  await expectSuccess('listVendors');
  await expectSuccess('getVendor', one);
  await expectSuccess('updateVendor', one, { businessAddress: '1 Road' });
  await expectSuccess('rotateVendorKey', one);
  const { customerServerId } = await expectSuccess('createCustomerServer', {}, { name: 'Another' });
  for (const each of [
    'getCustomerServer',
    'rotateCustomerServerSecret',
    'completeCustomerServerSecretRotation',
  ]) {
    await expectSuccess(each, { customerServerId });
  }
  await expectSuccess('updateCustomerServer', { customerServerId }, { name: 'Renamed' });
  await expectSuccess('listCustomerServers');
  // Without an endpoint it has no delivery that would have to end first.
  const { headers } = await api.addCustomerServer();
  const payload = buildServiceOrder();
  const answer = await api.app.inject({ method: 'POST', url: '/api/external/orders', headers, payload });
  const orderId = answer.json().data.orderId as string;
  await expectSuccess('erasePersonalData', { orderId });
});

test('the processes', async () => {
  for (const each of ['getLiveness', 'getReadiness', 'getMetrics', 'getApiReference'])
    await expectSuccess(each);
  const { headers } = await api.app.inject({ url: '/openapi.json' });
  await api.app.inject({ url: '/openapi.json', headers: { 'if-none-match': String(headers.etag) } });
});

test('none is left out', () => {
  const documented = [...operations.values()].flatMap(({ operationId, responses }) =>
    Object.keys(responses)
      .filter((status) => Number(status) < 400)
      .map((status) => `${operationId} ${status}`),
  );
  expect(documented.length).toBeGreaterThan(60);
  expect(documented.filter((each) => !api.answered.has(each))).toEqual([]);
});
