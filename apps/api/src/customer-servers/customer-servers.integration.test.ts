import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api.close());

async function ask(method: 'GET' | 'POST' | 'PATCH', path: string, payload?: object, headers = api.operator) {
  const url = path.startsWith('/api') ? path : `/api/admin/customer-servers${path}`;
  const answer = await api.app.inject({ method, url, headers, ...(payload && { payload }) });
  return { status: answer.statusCode, body: answer.json() };
}

describe('creating', () => {
  test('shows the secret once, and it works at once', async () => {
    const { status, body } = await ask('POST', '', { name: 'Shop' });
    expect(status).toBe(201);
    expect(body).toEqual({
      ok: true,
      data: {
        customerServerId: expect.stringMatching(/^[0-9a-f]{24}$/),
        name: 'Shop',
        secret: expect.stringMatching(/^.{32,}$/),
      },
    });
    const { customerServerId, secret } = body.data;
    const me = await ask('GET', '/api/external/me', undefined, { 'x-customer-secret': secret });
    expect(me.body.data).toMatchObject({ customerServerId, name: 'Shop', endpoints: [] });
    const read = await ask('GET', `/${customerServerId}`);
    expect(JSON.stringify(read.body)).not.toContain(secret);
  });

  test('with a URL makes its endpoint, which gets the shared secret', async () => {
    const webhookUrl = 'http://127.0.0.1:4000/updates';
    const { body } = await ask('POST', '', { name: 'Shop', webhookUrl });
    const { endpointId } = body.data.endpoint;
    expect(body.data.endpoint).toEqual({
      endpointId: expect.stringMatching(/^[0-9a-f]{24}$/),
      url: webhookUrl,
      signingSecret: expect.stringMatching(/^whsec_/),
    });
    const stored = await api.database.prisma.webhookEndpoint.findUnique({ where: { id: endpointId } });
    expect(stored).toMatchObject({ customerServerId: body.data.customerServerId, sendSharedSecret: true });
    const read = await ask('GET', `/${body.data.customerServerId}`);
    expect(read.body.data.endpoints).toEqual([
      { endpointId, url: webhookUrl, statuses: null, mode: 'every_step', state: 'active' },
    ]);
  });

  test.each([
    [{}, ['name is required']],
    [{ name: ' ' }, ['name is required']],
    [
      { name: 5, webhookUrl: 6 },
      [
        'name must be a string of at most 200 characters that is not blank',
        'webhookUrl must be a string of 1 to 2048 characters',
      ],
    ],
    [{ name: 'x'.repeat(201) }, ['name must be a string of at most 200 characters that is not blank']],
    [
      { name: 'Shop', webhookUrl: 'ftp://example.com' },
      ['webhookUrl must be an absolute http:// or https:// URL'],
    ],
    [{ name: 'Shop', webhookUrl: 'https://u:p@example.com/' }, ['webhookUrl must not contain credentials']],
    [
      { name: 'Shop', webhookUrl: 'not a url' },
      ['webhookUrl must not contain spaces, control characters or backslashes'],
    ],
  ])('with %j is refused and makes nothing', async (payload, details) => {
    const before = await api.database.prisma.customerServer.count();
    const { status, body } = await ask('POST', '', payload);
    expect({ status, details: body.details }).toEqual({ status: 400, details });
    expect(await api.database.prisma.customerServer.count()).toBe(before);
  });
});

describe('changing', () => {
  test('renames', async () => {
    const { id } = await api.addCustomerServer();
    const { status, body } = await ask('PATCH', `/${id}`, { name: 'Renamed', unknown: 1 });
    expect({ status, name: body.data.name }).toEqual({ status: 200, name: 'Renamed' });
    expect((await ask('GET', `/${id}`)).body).toEqual(body);
  });

  test('nothing changes nothing', async () => {
    const { id } = await api.addCustomerServer();
    const before = await ask('GET', `/${id}`);
    expect(await ask('PATCH', `/${id}`, {})).toEqual(before);
    expect(await ask('PATCH', `/${id}`)).toEqual(before);
  });

  test.each([null, '', 5])('to the name %j is refused', async (name) => {
    const { id } = await api.addCustomerServer();
    expect((await ask('PATCH', `/${id}`, { name })).status).toBe(400);
  });

  test.each(['0190aaaaaaaabbbbbbbbcccc', 'x'])('of %s is 404', async (id) => {
    expect(await ask('PATCH', `/${id}`, { name: 'X' })).toMatchObject({ status: 404 });
    expect(await ask('GET', `/${id}`)).toMatchObject({ status: 404, body: { code: 'not_found' } });
  });
});

test('the list is paged, newest first', async () => {
  const ids: string[] = [];
  for (let index = 0; index < 3; index += 1) ids.push((await api.addCustomerServer()).id);
  const first = await ask('GET', '?limit=2');
  const second = await ask('GET', `?limit=1&cursor=${first.body.nextCursor}`);
  const seen = [...first.body.data, ...second.body.data].map((server) => server.customerServerId);
  expect(seen).toEqual(ids.reverse());
});
