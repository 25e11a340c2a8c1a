import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';
import { buildServiceOrder } from '../testing/sample-bodies.ts';

let api: TestApi;
let server: Awaited<ReturnType<TestApi['addCustomerServer']>>;
let orderId: string;

beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  server = await api.addCustomerServer();
  orderId = await create(server.headers);
});

async function create(headers: Record<string, string>): Promise<string> {
  const payload = buildServiceOrder();
  const answer = await api.app.inject({ method: 'POST', url: '/api/external/orders', headers, payload });
  return answer.json().data.orderId;
}

async function act(action: string, payload?: object, headers: Record<string, string> = {}) {
  const answer = await api.app.inject({
    method: 'POST',
    url: `/api/admin/orders/${orderId}/${action}`,
    headers: { ...api.operator, ...headers },
    ...(payload && { payload }),
  });
  return { status: answer.statusCode, body: answer.json() };
}

async function search(query: Record<string, string>) {
  const answer = await api.app.inject({ url: '/api/admin/orders', headers: api.operator, query });
  expect(answer.statusCode, answer.body).toBe(200);
  return answer.json<{ data: { orderId: string; customerServerId: string }[]; nextCursor: string | null }>();
}

describe('assigning', () => {
  test('gives the order to a vendor', async () => {
    const vendor = await api.addVendor({ online: false });
    const { status, body } = await act('assign', { vendorId: vendor.id }, { 'x-operator': 'night-shift' });
    expect(status).toBe(200);
    expect(body.data).toMatchObject({
      orderId,
      customerServerId: server.id,
      status: 'assigned',
      version: 2,
      vendorDetails: { vendorId: vendor.id, vendorName: 'Test vendor' },
    });
    expect(body.data.orderData.assignedAt).toBe(body.data.updatedAt);
    const transition = await api.database.prisma.orderTransition.findFirst({
      where: { orderId, version: 2 },
    });
    expect(transition).toMatchObject({ actorType: 'admin', actorId: 'night-shift' });
  });

  test('again to the same vendor changes nothing, to another is refused', async () => {
    const vendor = await api.addVendor();
    const first = await act('assign', { vendorId: vendor.id });
    expect(await act('assign', { vendorId: vendor.id })).toEqual(first);
    const { id } = await api.addVendor();
    expect(await act('assign', { vendorId: id })).toMatchObject({
      status: 409,
      body: { code: 'order_transition_not_allowed' },
    });
  });

  test.each([
    [{}, 'vendorId is required'],
    [{ vendorId: null }, 'vendorId is required'],
    [{ vendorId: 'x' }, 'vendorId must be an id of 24 lower-case hexadecimal characters'],
    [{ vendorId: '0190aaaaaaaabbbbbbbbcccc' }, 'vendorId must be the id of a vendor'],
  ])('with %j is refused', async (payload, detail) => {
    const { status, body } = await act('assign', payload);
    expect({ status, details: body.details }).toEqual({ status: 400, details: [detail] });
  });

  test('of an unknown order is 404', async () => {
    orderId = '0190aaaaaaaabbbbbbbbcccc';
    const { id } = await api.addVendor();
    expect(await act('assign', { vendorId: id })).toMatchObject({ status: 404, body: { code: 'not_found' } });
  });
});

test('unassigning brings the order back to everybody', async () => {
  const { id } = await api.addVendor();
  await act('assign', { vendorId: id });
  const { status, body } = await act('unassign');
  expect(status).toBe(200);
  expect(body.data).toMatchObject({ status: 'pending', version: 3, vendorDetails: null });
  expect(body.data.orderData.assignedAt).toBeNull();
});

test('cancelling is put down to the operators', async () => {
  const { status, body } = await act('cancel', { reason: 'Fraud' });
  expect(status).toBe(200);
  expect(body.data.orderData).toMatchObject({ cancelledBy: 'admin', cancellationReason: 'Fraud' });
});

test('confirming a payment that was not requested is refused', async () => {
  expect(await act('confirm-payment')).toMatchObject({
    status: 409,
    body: { code: 'order_transition_not_allowed' },
  });
});

test('a name in UTF-8 is recorded as it was sent', async () => {
  await act('cancel', {}, { 'x-operator': Buffer.from('Example Operatör').toString('latin1') });
  const transition = await api.database.prisma.orderTransition.findFirst({ where: { orderId, version: 2 } });
  expect(transition?.actorId).toBe('Example Operatör');
});

describe('the search', () => {
  test('finds orders of every customer server', async () => {
    const other = await api.addCustomerServer();
    const othersOrder = await create(other.headers);
    const all = await search({});
    expect(all.data.slice(0, 2).map((order) => order.orderId)).toEqual([othersOrder, orderId]);
    const others = await search({ customerServerId: other.id });
    expect(others.data).toMatchObject([{ orderId: othersOrder, customerServerId: other.id }]);
  });

  test('finds orders by vendor and status, page by page', async () => {
    const vendor = await api.addVendor();
    const wanted = [orderId, await create(server.headers), await create(server.headers)];
    for (const id of wanted) {
      orderId = id;
      await act('assign', { vendorId: vendor.id });
    }
    const query = { vendorId: vendor.id, status: 'assigned' };
    const first = await search({ ...query, limit: '2' });
    const second = await search({ ...query, cursor: first.nextCursor ?? '' });
    expect([...first.data, ...second.data].map((order) => order.orderId)).toEqual(wanted.reverse());
    expect((await search({ ...query, status: 'accepted' })).data).toEqual([]);
  });

  test.each(['vendorId=x', 'customerServerId=', 'status=lost', 'customer=1'])(
    '?%s is refused',
    async (query) => {
      const answer = await api.app.inject({ url: `/api/admin/orders?${query}`, headers: api.operator });
      expect(answer.statusCode).toBe(400);
    },
  );

  test('reads one order', async () => {
    const url = `/api/admin/orders/${orderId}`;
    const answer = await api.app.inject({ url, headers: api.operator });
    expect(answer.json()).toMatchObject({ ok: true, data: { orderId, customerServerId: server.id } });
  });
});
