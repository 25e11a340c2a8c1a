import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';
import { buildServiceOrder } from '../testing/sample-bodies.ts';

type Server = Awaited<ReturnType<TestApi['addCustomerServer']>>;

let api: TestApi;
let server: Server;
let other: Server;
/** Newest first. */
let orderIds: string[];

beforeAll(async () => {
  api = await createTestApi();
  server = await api.addCustomerServer();
  other = await api.addCustomerServer();
  const created: string[] = [];
  for (let index = 0; index < 7; index += 1) {
    created.push(await create(server, { customerId: index < 3 ? 'early' : 'late' }));
  }
  await create(other, { customerId: 'early' });
  // Three orders of one moment: only their ids tell them apart.
  const moments = created.map(
    (id, index) => [id, `2026-03-0${Math.min(index, 4) + 1}T12:00:00.000Z`] as const,
  );
  for (const [id, createdAt] of moments) {
    await api.database.prisma.order.update({ where: { id }, data: { createdAt } });
  }
  orderIds = created.reverse();
});
afterAll(() => api.close());

async function create({ headers }: Server, changes: object): Promise<string> {
  const answer = await api.app.inject({
    method: 'POST',
    url: '/api/external/orders',
    headers,
    payload: buildServiceOrder({ ...changes }),
  });
  return answer.json().data.orderId;
}

async function list(query: Record<string, string> = {}, { headers }: Pick<Server, 'headers'> = server) {
  const answer = await api.app.inject({ url: '/api/external/orders', headers, query });
  expect(answer.statusCode, answer.body).toBe(200);
  return answer.json<{ data: { orderId: string }[]; nextCursor: string | null }>();
}

const idsOf = ({ data }: { data: { orderId: string }[] }) => data.map(({ orderId }) => orderId);

test('lists the own orders, newest first, as they are read one by one', async () => {
  const page = await list();
  expect(idsOf(page)).toEqual(orderIds);
  expect(page.nextCursor).toBeNull();
  const one = await api.app.inject({ url: `/api/external/orders/${orderIds[0]}`, headers: server.headers });
  expect(page.data[0]).toEqual(one.json().data);
});

test.each([1, 2, 3, 6, 7, 200])('pages of %i hold every order once', async (limit) => {
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const page = await list({ limit: String(limit), ...(cursor !== null && { cursor }) });
    expect(page.data.length).toBeGreaterThan(0);
    seen.push(...idsOf(page));
    cursor = page.nextCursor;
  } while (cursor !== null);
  expect(seen).toEqual(orderIds);
});

test('an order that comes while pages are read moves nothing', async () => {
  const first = await list({ limit: '3' });
  const added = await create(server, { customerId: 'new' });
  const rest = await list({ cursor: first.nextCursor ?? '' });
  expect([...idsOf(first), ...idsOf(rest)]).toEqual(orderIds);
  await api.database.prisma.orderTransition.deleteMany({ where: { orderId: added } });
  await api.database.prisma.order.delete({ where: { id: added } });
});

describe('filters', () => {
  test('by customer', async () => {
    expect(idsOf(await list({ customerId: 'early' }))).toEqual(orderIds.slice(4));
  });

  test('by status', async () => {
    const cancelled = orderIds[2] ?? '';
    const url = `/api/external/orders/${cancelled}/cancel`;
    await api.app.inject({ method: 'POST', url, headers: server.headers });
    expect(idsOf(await list({ status: 'cancelled' }))).toEqual([cancelled]);
    expect(idsOf(await list({ status: 'pending' }))).toEqual(orderIds.filter((id) => id !== cancelled));
    expect(idsOf(await list({ status: 'cancelled', customerId: 'early' }))).toEqual([]);
  });

  test('by time: since is inclusive, until exclusive', async () => {
    const since = '2026-03-02T12:00:00.000Z';
    const until = '2026-03-04T12:00:00.000Z';
    expect(idsOf(await list({ since, until }))).toEqual(orderIds.slice(4, 6));
    expect(idsOf(await list({ since: '2026-03-02T17:30:00.000+05:30', until }))).toEqual(
      orderIds.slice(4, 6),
    );
    expect(idsOf(await list({ since: until, until: since }))).toEqual([]);
  });
});

test('a cursor of another customer server shows none of its orders', async () => {
  const { nextCursor } = await list({ limit: '1' });
  expect(idsOf(await list({ cursor: nextCursor ?? '' }, other))).not.toContain(orderIds[1]);
});
