import { createId } from '@vendor-server/platform/ids/create-id.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestApi, PARTNER_SECRET, type TestApi } from '../testing/create-test-api.ts';
import { buildServiceOrder } from '../testing/sample-bodies.ts';

const URL_PATH = '/api/external/vendor-update';
const PARTNER = { 'x-vendor-secret': PARTNER_SECRET };

let api: TestApi;
let customer: Awaited<ReturnType<TestApi['addCustomerServer']>>;

beforeAll(async () => {
  api = await createTestApi();
  customer = await api.addCustomerServer('http://127.0.0.1:9/hook');
});
afterAll(() => api.close());

function report(payload: object, headers: Record<string, string> = PARTNER) {
  return api.app.inject({ method: 'POST', url: URL_PATH, headers, payload });
}

async function createOrder(): Promise<string> {
  const response = await api.app.inject({
    method: 'POST',
    url: '/api/external/orders',
    headers: customer.headers,
    payload: buildServiceOrder(),
  });
  return response.json().data.orderId;
}

async function readOrder(orderId: string) {
  const url = `/api/external/orders/${orderId}`;
  return (await api.app.inject({ url, headers: customer.headers })).json().data;
}

async function findVendor(externalId: string) {
  const vendors = await api.database.prisma.vendor.findMany({ where: { externalId } });
  expect(vendors).toHaveLength(1);
  return vendors[0]!;
}

function newExternalId(): string {
  return `partner-vendor-${createId()}`;
}

describe('the vendor', () => {
  test('is made by the first report and changed by later ones, only where they say something', async () => {
    const id = newExternalId();
    const first = await report({
      vendorId: id,
      vendorName: 'Tech Repair Services',
      vendorPhone: '+918765432109',
      vendorAddress: '789 Service Lane, City',
      serviceType: 'electronics_repair',
    });
    expect(first.statusCode).toBe(200);
    const flags = { success: true, vendorId: id, orderUpdated: false, webhookSent: false };
    expect(first.json()).toEqual({ ...flags, upserted: true });

    expect((await report({ id, phone: '+910000000003' })).json()).toEqual({ ...flags, upserted: false });
    expect(await findVendor(id)).toMatchObject({
      vendorName: 'Tech Repair Services',
      mobile: '+910000000003',
      businessAddress: '789 Service Lane, City',
      selectedServices: ['electronics_repair'],
      apiKeyHash: null,
    });
    await report({ vendor_id: id, name: '', service: 'plumbing' });
    expect(await findVendor(id)).toMatchObject({ vendorName: '', selectedServices: ['plumbing'] });
  });

  test('is made once by many first reports at once', async () => {
    const id = newExternalId();
    const responses = await Promise.all(
      Array.from({ length: 10 }, (_, index) => report({ vendorId: id, ...(index % 2 && { name: 'Name' }) })),
    );
    expect(responses.map(({ statusCode }) => statusCode)).toEqual(Array.from({ length: 10 }, () => 200));
    expect(responses.filter((response) => response.json().upserted)).toHaveLength(1);
    expect((await findVendor(id)).vendorName).toBe('Name');
  });
});

describe('the order', () => {
  test.each([
    ['accepted', 'assigned'],
    ['enroute', 'in_progress'],
    ['completed', 'completed'],
    ['cancelled', 'cancelled'],
  ])('%s makes it %s, with the vendor', async (status, orderStatus) => {
    const orderId = await createOrder();
    const id = newExternalId();
    const response = await report({ vendorId: id, name: 'Tech Repair Services', orderId, status });
    const answer = { success: true, vendorId: id, orderUpdated: true, orderId, status };
    expect(response.json()).toEqual({ ...answer, upserted: true, webhookSent: true });

    const order = await readOrder(orderId);
    expect(order).toMatchObject({
      status: orderStatus,
      version: 2,
      vendorDetails: { vendorId: (await findVendor(id)).id, vendorName: 'Tech Repair Services' },
    });
    const { assignedAt, completedAt, cancelledAt, cancelledBy } = order.orderData;
    expect({ assignedAt, completedAt, cancelledAt, cancelledBy }).toEqual({
      assignedAt: status === 'accepted' ? order.updatedAt : null,
      completedAt: status === 'completed' ? order.updatedAt : null,
      cancelledAt: status === 'cancelled' ? order.updatedAt : null,
      cancelledBy: status === 'cancelled' ? 'vendor' : null,
    });

    const again = await report({ vendorId: id, orderId, status });
    expect(again.json()).toEqual({ ...answer, upserted: false, webhookSent: false });
    expect((await readOrder(orderId)).version).toBe(2);
  });

  test('rejected gives it back, and it is not offered to that vendor', async () => {
    const orderId = await createOrder();
    const id = newExternalId();
    await report({ vendorId: id, orderId, status: 'accepted' });
    const response = await report({ vendorId: id, orderId, status: 'rejected' });
    expect(response.json()).toMatchObject({ orderUpdated: true, webhookSent: true });
    expect(await readOrder(orderId)).toMatchObject({
      status: 'pending',
      version: 3,
      vendorDetails: null,
      orderData: { assignedAt: null },
    });
    const { rows } = await api.database.pool.query(
      'select vendor_id from offer_declines where order_id = $1',
      [orderId],
    );
    expect(rows).toEqual([{ vendor_id: (await findVendor(id)).id }]);
    const again = await report({ vendorId: id, orderId, status: 'rejected' });
    expect(again.json()).toMatchObject({ orderUpdated: true, webhookSent: false });
  });

  test('may move backwards', async () => {
    const orderId = await createOrder();
    const id = newExternalId();
    await report({ vendorId: id, orderId, status: 'enroute' });
    const response = await report({ vendorId: id, orderId, status: 'accepted' });
    expect(response.json()).toMatchObject({ orderUpdated: true, webhookSent: true });
    expect(await readOrder(orderId)).toMatchObject({ status: 'assigned', version: 3 });
  });

  test('without an endpoint no webhook is said to be sent', async () => {
    const lonely = await api.addCustomerServer();
    const created = await api.app.inject({
      method: 'POST',
      url: '/api/external/orders',
      headers: lonely.headers,
      payload: buildServiceOrder(),
    });
    const { orderId } = created.json().data;
    const response = await report({ vendorId: newExternalId(), orderId, status: 'accepted' });
    expect(response.json()).toMatchObject({ orderUpdated: true, webhookSent: false });
  });

  test('unknown, ended or held by another: not updated, with the reason, and the vendor is kept', async () => {
    const ended = await createOrder();
    const held = await createOrder();
    const holder = newExternalId();
    await report({ vendorId: holder, orderId: ended, status: 'completed' });
    await report({ vendorId: holder, orderId: held, status: 'accepted' });
    const cases = [
      { vendorId: newExternalId(), orderId: createId(), status: 'accepted' },
      { vendorId: newExternalId(), orderId: 'ORD-1', status: 'accepted' },
      // PostgreSQL compares char(24) without trailing blanks.
      { vendorId: holder, orderId: `${held} `, status: 'enroute' },
      { vendorId: newExternalId(), orderId: held, status: 'accepted' },
      { vendorId: newExternalId(), orderId: held, status: 'rejected' },
      { vendorId: newExternalId(), orderId: ended, status: 'completed' },
      { vendorId: holder, orderId: ended, status: 'cancelled' },
      { vendorId: holder, orderId: ended, status: 'rejected' },
    ];
    for (const payload of cases) {
      const response = await report(payload);
      expect(response.statusCode).toBe(200);
      expect(response.json()).toEqual({
        success: true,
        ...payload,
        upserted: payload.vendorId !== holder,
        orderUpdated: false,
        webhookSent: false,
        reason: expect.stringMatching(/^[A-Z].*\.$/),
      });
      await findVendor(payload.vendorId);
    }
    expect((await readOrder(held)).version).toBe(2);
    expect((await readOrder(ended)).version).toBe(2);
  });

  test.each([{ status: 'accepted' }, { orderId: '0123456789abcdef01234567' }])(
    'needs both an id and a status: %j',
    async (half) => {
      const vendorId = newExternalId();
      const response = await report({ vendorId, ...half });
      expect(response.json()).toEqual({
        success: true,
        vendorId,
        ...half,
        upserted: true,
        orderUpdated: false,
        webhookSent: false,
        reason: expect.any(String),
      });
    },
  );

  test('of two vendors that report it at once, one has it', async () => {
    const orderId = await createOrder();
    const ids = Array.from({ length: 6 }, newExternalId);
    const responses = await Promise.all(
      ids.map((vendorId) => report({ vendorId, orderId, status: 'accepted' })),
    );
    const updated = responses.filter((response) => response.json().orderUpdated);
    expect(updated).toHaveLength(1);
    const vendor = await findVendor(updated[0]?.json().vendorId);
    expect(await readOrder(orderId)).toMatchObject({ version: 2, vendorDetails: { vendorId: vendor.id } });
  });
});

describe('refusals', () => {
  test.each([
    [{}, ['vendorId is required']],
    [{ vendorId: '' }, ['vendorId cannot be empty']],
    [
      { vendorId: 'V-1', status: 'done' },
      ['status must be one of [accepted, rejected, enroute, completed, cancelled]'],
    ],
    [{ vendorId: 'V-1', name: 'a\u0000b' }, ['name must not contain NUL characters']],
  ])('%j', async (payload, details) => {
    const response = await report(payload);
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({ error: 'validation error', details });
  });

  test('nothing is stored of a refused report', async () => {
    const vendorId = newExternalId();
    expect((await report({ vendorId, status: 'done' })).statusCode).toBe(400);
    expect(await api.database.prisma.vendor.count({ where: { externalId: vendorId } })).toBe(0);
  });

  test('of callers without the secret, in the old words', async () => {
    const missing = await report({ vendorId: 'V-1' }, {});
    expect([missing.statusCode, missing.json().error]).toEqual([401, 'missing vendor secret']);
    const wrong = await report({ vendorId: 'V-1' }, { 'x-vendor-secret': 'wrong' });
    expect([wrong.statusCode, wrong.json().error]).toEqual([401, 'invalid vendor secret']);
    const asCustomer = await report({ vendorId: 'V-1' }, customer.headers);
    expect(asCustomer.statusCode).toBe(401);
  });
});
