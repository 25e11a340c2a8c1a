import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';
import { buildFullOrder, buildServiceOrder } from '../testing/sample-bodies.ts';

let api: TestApi;
let headers: Record<string, string>;
beforeAll(async () => {
  api = await createTestApi();
  headers = (await api.addCustomerServer()).headers;
});
afterAll(() => api.close());

async function refuse(payload: object): Promise<string[]> {
  const answer = await api.app.inject({ method: 'POST', url: '/api/external/orders', headers, payload });
  expect(answer.statusCode).toBe(400);
  expect(await api.database.prisma.order.count()).toBe(0);
  const body = answer.json();
  expect(body).toEqual({
    ok: false,
    error: 'Validation failed',
    code: 'validation_failed',
    details: expect.any(Array),
    requestId: expect.any(String),
  });
  return body.details;
}

test('nothing at all misses every required field', async () => {
  expect(await refuse({})).toEqual([
    'customerId is required',
    'customerName is required',
    'customerPhone is required',
    'customerAddress is required',
    'workType is required',
    'description is required',
    'location is required',
  ]);
});

test('missing fields come first, then what is wrong', async () => {
  const changes = { customerName: '', description: ' \n', estimatedPrice: '5', location: { latitude: 91 } };
  expect(await refuse(buildServiceOrder(changes))).toEqual([
    'customerName is required',
    'description is required',
    'location.longitude is required',
    'location.latitude must be a number between -90 and 90',
    'estimatedPrice must be a number between 0 and 9999999999.99 with at most 2 decimals',
  ]);
});

const MONEY = 'must be a number between 0 and 9999999999.99 with at most 2 decimals';
const TIME = 'must be an RFC 3339 time such as 2026-01-31T12:00:00.000Z in the years 2000 to 2100';

test.each([
  [{ customerId: 5 }, 'customerId must be a string of at most 200 characters that is not blank'],
  [
    { customerId: 'x'.repeat(201) },
    'customerId must be a string of at most 200 characters that is not blank',
  ],
  [{ customerPhone: null }, 'customerPhone is required'],
  [{ location: 'here' }, 'location must be an object'],
  [{ location: { latitude: '28', longitude: 77 } }, 'location.latitude must be a number between -90 and 90'],
  [
    { location: { latitude: 28, longitude: 180.5 } },
    'location.longitude must be a number between -180 and 180',
  ],
  [{ estimatedPrice: -1 }, `estimatedPrice ${MONEY}`],
  [{ estimatedPrice: 10.001 }, `estimatedPrice ${MONEY}`],
  [{ estimatedPrice: 10_000_000_000 }, `estimatedPrice ${MONEY}`],
  [{ urgency: 1 }, 'urgency must be a string of at most 50 characters'],
  [{ paymentMethod: 'cash' }, 'paymentMethod must be one of [cod, online, wallet]'],
  [{ scheduledAt: 'tomorrow' }, `scheduledAt ${TIME}`],
  [{ scheduledAt: '2026-02-30T10:00:00Z' }, `scheduledAt ${TIME}`],
  [{ scheduledAt: '1999-12-31T23:59:59Z' }, `scheduledAt ${TIME}`],
  [{ scheduledAt: 1_767_182_400_000 }, `scheduledAt ${TIME}`],
  [{ metadata: [] }, 'metadata must be an object of at most 16 KiB of JSON'],
  [{ metadata: { a: 'ä'.repeat(8192) } }, 'metadata must be an object of at most 16 KiB of JSON'],
])('of a service order %j is refused', async (changes, detail) => {
  expect(await refuse(buildServiceOrder(changes))).toEqual([detail]);
});

test.each([
  [{ items: [] }, 'items must be an array of 1 to 100 items'],
  [{ items: null }, 'items is required'],
  [
    { items: Array.from({ length: 101 }, () => ({ title: 'x', qty: 1, price: 1 })) },
    'items must be an array of 1 to 100 items',
  ],
  [{ items: [{ title: 'x', qty: 1 }] }, 'items[0].price is required'],
  [{ items: [{ title: ' ', qty: 1, price: 1 }] }, 'items[0].title is required'],
  [{ items: [{ title: 'x', qty: 0, price: 1 }] }, 'items[0].qty must be an integer between 1 and 10000'],
  [{ items: [{ title: 'x', qty: 1.5, price: 1 }] }, 'items[0].qty must be an integer between 1 and 10000'],
  [{ items: [{ title: 'x', qty: 10_001, price: 1 }] }, 'items[0].qty must be an integer between 1 and 10000'],
  [{ items: [{ title: 'x', qty: 1, price: 0.005 }] }, `items[0].price ${MONEY}`],
  [{ items: ['x'] }, 'items[0] must be an object'],
  [{ fare: undefined }, 'fare is required'],
  [{ fare: '250' }, `fare ${MONEY}`],
  [{ pickup: undefined }, 'pickup is required'],
  [{ pickup: { address: 'A' } }, 'pickup.coordinates is required'],
  [{ pickup: { address: 'A', coordinates: [1] } }, 'pickup.coordinates must be [longitude, latitude]'],
  [{ pickup: { address: 'A', coordinates: [1, 2, 3] } }, 'pickup.coordinates must be [longitude, latitude]'],
  [
    { drop: { address: 'A', coordinates: [1, 91] } },
    'drop.coordinates[1] must be a number between -90 and 90',
  ],
  [
    { drop: { address: 'A', coordinates: ['1', 9] } },
    'drop.coordinates[0] must be a number between -180 and 180',
  ],
  [{ customerNotes: 5 }, 'customerNotes must be a string of at most 5000 characters'],
])('of a full order %j is refused', async (changes, detail) => {
  expect(await refuse(buildFullOrder(changes))).toEqual([detail]);
});

test.each(['', 'x'.repeat(256)])('an Idempotency-Key of %j is refused', async (key) => {
  const answer = await api.app.inject({
    method: 'POST',
    url: '/api/external/orders',
    headers: { ...headers, 'idempotency-key': key },
    payload: buildServiceOrder(),
  });
  expect(answer.statusCode).toBe(400);
  expect(answer.json().details).toEqual(['header idempotency-key must be a string of 1 to 255 characters']);
});
