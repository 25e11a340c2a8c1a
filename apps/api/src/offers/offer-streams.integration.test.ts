import { createId } from '@vendor-server/platform/ids/create-id.ts';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';
import { type OpenEventStream, openEventStream } from '../testing/open-event-stream.ts';
import { buildServiceOrder } from '../testing/sample-bodies.ts';

type Vendor = Awaited<ReturnType<TestApi['addVendor']>>;

let api: TestApi;
let address: string;
let customer: Awaited<ReturnType<TestApi['addCustomerServer']>>;
const opened: OpenEventStream[] = [];

beforeAll(async () => {
  api = await createTestApi();
  customer = await api.addCustomerServer();
  address = await api.app.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  for (const stream of opened) stream.close();
  await api.close();
});

async function open(vendor: Vendor): Promise<OpenEventStream> {
  const stream = await openEventStream(`${address}/api/vendor/offers/stream`, vendor.headers);
  opened.push(stream);
  return stream;
}

function call(method: 'POST' | 'PUT' | 'PATCH', url: string, headers: Record<string, string>, payload = {}) {
  return api.app.inject({ method, url, headers, payload });
}

function newWorkType(): string {
  return `work_${createId()}`;
}

async function createOrder(workType: string): Promise<string> {
  const response = await call(
    'POST',
    '/api/external/orders',
    customer.headers,
    buildServiceOrder({ workType }),
  );
  return response.json().data.orderId;
}

function act(vendor: Vendor, orderId: string, action: string) {
  return call('POST', `/api/vendor/orders/${orderId}/${action}`, vendor.headers);
}

function snapshotOf(...orderIds: string[]) {
  return {
    event: 'snapshot',
    data: { offers: orderIds.map((orderId) => expect.objectContaining({ orderId })), nextCursor: null },
  };
}

function offerOf(orderId: string) {
  return { event: 'offer', data: expect.objectContaining({ orderId }) };
}

function withdrawalOf(orderId: string) {
  return { event: 'offer_withdrawn', data: { orderId } };
}

async function readOnlineSeconds(vendor: Vendor): Promise<number | null> {
  const { rows } = await api.database.pool.query(
    `select extract(epoch from online_until - now())::float8 as seconds from vendors where id = $1`,
    [vendor.id],
  );
  return rows[0].seconds;
}

test('begins with a snapshot, then tells of offers and of their end', async () => {
  const workType = newWorkType();
  const vendor = await api.addVendor({ services: [workType] });
  const taker = await api.addVendor({ services: [workType] });
  const before = await createOrder(workType);
  const stream = await open(vendor);
  expect(stream.response.headers).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-request-id': expect.any(String),
  });
  expect(await stream.waitForEvents(1)).toEqual([snapshotOf(before)]);

  const after = await createOrder(workType);
  await stream.waitForEvents(2);
  await act(taker, before, 'accept');
  await stream.waitForEvents(3);
  await act(vendor, after, 'accept');
  await stream.waitForEvents(4);
  // Steps of an order that is taken are its vendor's business.
  await act(taker, before, 'start');
  const last = await createOrder(workType);
  expect(await stream.waitForEvents(5)).toEqual([
    snapshotOf(before),
    offerOf(after),
    withdrawalOf(before),
    withdrawalOf(after),
    offerOf(last),
  ]);
  const listed = await api.app.inject({ url: '/api/vendor/offers', headers: vendor.headers });
  expect(stream.events[4]?.data).toEqual(listed.json().data[0]);
  for (const secret of ['Main Street', '+919876543210', 'John Doe', 'customer-123']) {
    expect(stream.text).not.toContain(secret);
  }

  const again = await open(vendor);
  expect(await again.waitForEvents(1)).toEqual([snapshotOf(last)]);
});

test('tells each vendor of its own offers only', async () => {
  const [mine, theirs] = [newWorkType(), newWorkType()];
  const stream = await open(await api.addVendor({ services: [mine] }));
  const others = await open(await api.addVendor({ services: [theirs] }));
  const everything = await open(await api.addVendor());
  await Promise.all([stream, others, everything].map((each) => each.waitForEvents(1)));
  const first = await createOrder(theirs);
  // Orders are looked up beside each other: the first one's event may come last.
  await everything.waitForEvents(2);
  const second = await createOrder(mine);
  const [, onlyMine] = await stream.waitForEvents(2);
  const [, onlyTheirs] = await others.waitForEvents(2);
  expect([onlyMine, onlyTheirs]).toEqual([offerOf(second), offerOf(first)]);
  expect((await everything.waitForEvents(3)).slice(1)).toEqual([offerOf(first), offerOf(second)]);
});

test('a declined offer is withdrawn from the one who declined', async () => {
  const workType = newWorkType();
  const vendor = await api.addVendor({ services: [workType] });
  const stream = await open(vendor);
  const other = await open(await api.addVendor({ services: [workType] }));
  const declined = await createOrder(workType);
  await Promise.all([stream.waitForEvents(2), other.waitForEvents(2)]);
  await act(vendor, declined, 'reject');
  await stream.waitForEvents(3);
  const next = await createOrder(workType);
  expect((await stream.waitForEvents(4)).slice(2)).toEqual([withdrawalOf(declined), offerOf(next)]);
  expect((await other.waitForEvents(3)).slice(2)).toEqual([offerOf(next)]);
});

test('an assigned order that its vendor gives back is offered to the others', async () => {
  const workType = newWorkType();
  const vendor = await api.addVendor({ services: [workType] });
  const stream = await open(vendor);
  const other = await open(await api.addVendor({ services: [workType] }));
  const orderId = await createOrder(workType);
  await call('POST', `/api/admin/orders/${orderId}/assign`, api.operator, { vendorId: vendor.id });
  await Promise.all([stream.waitForEvents(3), other.waitForEvents(3)]);
  await act(vendor, orderId, 'reject');
  expect((await other.waitForEvents(4))[3]).toEqual(offerOf(orderId));
  expect((await stream.waitForEvents(4))[3]).toEqual(withdrawalOf(orderId));
});

describe('presence', () => {
  test('opening a stream brings a vendor online', async () => {
    const vendor = await api.addVendor({ online: false });
    await (await open(vendor)).waitForEvents(1);
    expect(await readOnlineSeconds(vendor)).toBeGreaterThan(80);
  });

  test('offline by its own word: nothing is offered until it is online again', async () => {
    const workType = newWorkType();
    const vendor = await api.addVendor({ services: [workType] });
    const first = await createOrder(workType);
    const stream = await open(vendor);
    await stream.waitForEvents(1);
    await call('PUT', '/api/vendor/presence', vendor.headers, { online: false });
    await stream.waitForEvents(2);
    const second = await createOrder(workType);
    await call('PUT', '/api/vendor/presence', vendor.headers, { online: true });
    // The second order may be told once more after the last snapshot.
    expect((await stream.waitForEvents(3)).slice(0, 3)).toEqual([
      snapshotOf(first),
      snapshotOf(),
      snapshotOf(second, first),
    ]);
  });

  test('other services mean other offers', async () => {
    const [before, after] = [newWorkType(), newWorkType()];
    const vendor = await api.addVendor({ services: [before] });
    const first = await createOrder(before);
    const second = await createOrder(after);
    const stream = await open(vendor);
    await call('PATCH', '/api/vendor/me', vendor.headers, { vendorName: 'The same services' });
    await call('PATCH', '/api/vendor/me', vendor.headers, { selectedServices: [after] });
    expect(await stream.waitForEvents(2)).toEqual([snapshotOf(first), snapshotOf(second)]);
    const third = await createOrder(after);
    expect((await stream.waitForEvents(3))[2]).toEqual(offerOf(third));
  });

  test('a new key ends the streams of the old one', async () => {
    const vendor = await api.addVendor();
    const stream = await open(vendor);
    await call('POST', `/api/admin/vendors/${vendor.id}/rotate-key`, api.operator);
    await vi.waitFor(() => expect(stream.end).toBe('ended'));
  });
});

test('a vendor has at most five streams; a closed one makes room', async () => {
  const vendor = await api.addVendor();
  const streams = await Promise.all(Array.from({ length: 5 }, () => open(vendor)));
  const url = '/api/vendor/offers/stream';
  const refused = await api.app.inject({ url, headers: vendor.headers });
  expect([refused.statusCode, refused.json().code]).toEqual([429, 'rate_limited']);
  expect(refused.headers['retry-after']).toBe('5');
  streams[0]?.close();
  const stream = await vi.waitFor(() => open(vendor), { timeout: 5_000 });
  await stream.waitForEvents(1);
});

test('there is no HEAD, which would leave a stream open', async () => {
  const vendor = await api.addVendor();
  const response = await api.app.inject({
    method: 'HEAD',
    url: '/api/vendor/offers/stream',
    headers: vendor.headers,
  });
  expect(response.statusCode).toBe(405);
});

describe('close', () => {
  test('ends open streams and finishes, also when a reader takes nothing', async () => {
    const other = await createTestApi();
    const otherAddress = await other.app.listen({ host: '127.0.0.1', port: 0 });
    const url = `${otherAddress}/api/vendor/offers/stream`;
    const reading = await openEventStream(url, (await other.addVendor()).headers);
    const stuck = await openEventStream(url, (await other.addVendor()).headers);
    opened.push(reading, stuck);
    await Promise.all([reading.waitForEvents(1), stuck.waitForEvents(1)]);
    stuck.response.pause();
    await other.close();
    await vi.waitFor(() => expect(reading.end).toBe('ended'));
    expect(other.deps.database.pool.totalCount).toBe(0);
  });
});
