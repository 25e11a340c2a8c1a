import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';
import { buildServiceOrder } from '../testing/sample-bodies.ts';

type Headers = Record<string, string>;
type Method = 'GET' | 'POST';

let api: TestApi;
let own: Headers;
let orderId: string;

beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  own = (await api.addCustomerServer()).headers;
  const created = await ask('POST', '/api/external/orders', own, buildServiceOrder());
  orderId = created.body.data.orderId;
});

async function ask(method: Method, url: string, headers: Headers, payload?: object) {
  const answer = await api.app.inject({ method, url, headers, ...(payload && { payload }) });
  return { status: answer.statusCode, body: answer.json() };
}

const act = (action: string, payload?: object, headers = own) =>
  ask('POST', `/api/external/orders/${orderId}/${action}`, headers, payload);

describe('cancelling', () => {
  test('ends the order', async () => {
    const { status, body } = await act('cancel', { reason: 'Changed my mind', unknown: 1 });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      ok: true,
      data: {
        orderId,
        status: 'cancelled',
        version: 2,
        orderData: { cancellationReason: 'Changed my mind', cancelledBy: 'customer' },
      },
    });
    expect(body.data.orderData.cancelledAt).toBe(body.data.updatedAt);
    expect((await ask('GET', `/api/external/orders/${orderId}`, own)).body).toEqual(body);
  });

  test.each([
    ['without a body', {}],
    ['with a content type and no body', { headers: { 'content-type': 'application/json' } }],
    [
      'with a content type and an empty body',
      { headers: { 'content-type': 'application/json' }, payload: '' },
    ],
    ['with an empty object', { payload: {} }],
    ['with null for a reason', { payload: { reason: null } }],
  ])('works %s', async (_name, request) => {
    const answer = await api.app.inject({
      method: 'POST',
      url: `/api/external/orders/${orderId}/cancel`,
      ...request,
      headers: { ...own, ...('headers' in request ? request.headers : {}) },
    });
    expect(answer.statusCode, answer.body).toBe(200);
    expect(answer.json().data.orderData.cancellationReason).toBeNull();
  });

  test('again changes nothing', async () => {
    const first = await act('cancel', { reason: 'First' });
    expect(await act('cancel', { reason: 'Second' })).toEqual(first);
    expect(await api.database.prisma.orderTransition.count({ where: { orderId } })).toBe(2);
  });

  test('is refused of an order that somebody else cancelled', async () => {
    await ask('POST', `/api/admin/orders/${orderId}/cancel`, api.operator);
    const { status, body } = await act('cancel');
    expect(status).toBe(409);
    expect(body).toMatchObject({ ok: false, code: 'order_transition_not_allowed' });
    expect(body.error).toContain('cancelled');
  });

  test.each([{ reason: 5 }, { reason: 'x'.repeat(501) }])('is refused with %j', async (payload) => {
    const { status, body } = await act('cancel', payload);
    expect(status).toBe(400);
    expect(body.details).toEqual(['reason must be a string of at most 500 characters']);
  });
});

describe('confirming a payment', () => {
  test('is refused before it was requested, naming both statuses', async () => {
    const { status, body } = await act('confirm-payment');
    expect(status).toBe(409);
    expect(body).toMatchObject({ code: 'order_transition_not_allowed' });
    expect(body.error).toContain('pending');
    expect(body.error).toContain('payment_confirmed');
  });

  test('marks the order as paid', async () => {
    const vendor = await api.addVendor();
    await ask('POST', `/api/vendor/orders/${orderId}/accept`, vendor.headers);
    await ask('POST', `/api/vendor/orders/${orderId}/request-payment`, vendor.headers, { amount: 99.5 });
    const { status, body } = await act('confirm-payment');
    expect(status).toBe(200);
    expect(body.data).toMatchObject({
      status: 'payment_confirmed',
      version: 4,
      orderData: { paymentStatus: 'paid', fare: 99.5 },
      vendorDetails: { vendorId: vendor.id },
    });
    expect(await act('confirm-payment')).toEqual({ status, body });
  });
});

describe('another customer server', () => {
  test.each<[Method, string]>([
    ['GET', ''],
    ['POST', '/cancel'],
    ['POST', '/confirm-payment'],
  ])('is told of %s …%s that there is no such order', async (method, path) => {
    const { headers } = await api.addCustomerServer();
    const url = (id: string) => `/api/external/orders/${id}${path}`;
    const { status, body } = await ask(method, url(orderId), headers);
    expect(status).toBe(404);
    // The very answer that an order gets that does not exist at all.
    const nobodys = await ask(method, url('0190aaaaaaaabbbbbbbbcccc'), headers);
    expect({ ...body, requestId: '' }).toEqual({ ...nobodys.body, requestId: '' });
    expect((await ask('GET', url(orderId).replace(path, ''), own)).body.data.version).toBe(1);
  });
});

test('a change that lost its race is decided again on what won', async () => {
  const [cancelled, assigned] = await Promise.all([
    act('cancel'),
    api
      .addVendor()
      .then(({ id }) => ask('POST', `/api/admin/orders/${orderId}/assign`, api.operator, { vendorId: id })),
  ]);
  expect(cancelled.status).toBe(200);
  expect([200, 409]).toContain(assigned.status);
  const transitions = await api.database.prisma.orderTransition.findMany({
    where: { orderId },
    orderBy: { version: 'asc' },
  });
  expect(transitions.map(({ version }) => version)).toEqual(transitions.map((_, index) => index + 1));
  expect(transitions.at(-1)?.toStatus).toBe('cancelled');
});
