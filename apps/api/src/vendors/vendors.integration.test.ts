import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';

let api: TestApi;

beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api.close());

function call(method: 'GET' | 'POST' | 'PATCH' | 'PUT', url: string, headers: object, payload?: object) {
  return api.app.inject({ method, url, headers: { ...headers }, ...(payload && { payload }) });
}

async function createVendor(changes: object = {}) {
  const payload = { vendorName: 'Tech Repair Services', mobile: '+918765432109', ...changes };
  const response = await call('POST', '/api/admin/vendors', api.operator, payload);
  expect(response.statusCode).toBe(201);
  const { data } = response.json();
  return { ...data, headers: { authorization: `Bearer ${data.apiKey}` } };
}

describe('operators', () => {
  test('make a vendor and see its key once', async () => {
    const response = await call('POST', '/api/admin/vendors', api.operator, {
      vendorName: 'Tech Repair Services',
      mobile: '+918765432109',
      businessAddress: '789 Service Lane, City',
      selectedServices: ['electronics_repair', 'appliance_repair', 'electronics_repair'],
    });
    expect(response.statusCode).toBe(201);
    const { apiKey, ...vendor } = response.json().data;
    expect(vendor).toEqual({
      vendorId: expect.stringMatching(/^[0-9a-f]{24}$/),
      externalVendorId: null,
      vendorName: 'Tech Repair Services',
      mobile: '+918765432109',
      businessAddress: '789 Service Lane, City',
      selectedServices: ['electronics_repair', 'appliance_repair'],
      online: false,
      onlineUntil: null,
      location: null,
      hasApiKey: true,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
    expect(apiKey).toMatch(/^vk_[\w-]{43}$/);
    const read = await call('GET', `/api/admin/vendors/${vendor.vendorId}`, api.operator);
    expect(read.json()).toEqual({ ok: true, data: vendor });
    const me = await call('GET', '/api/vendor/me', { authorization: `Bearer ${apiKey}` });
    const { externalVendorId: _externalVendorId, hasApiKey: _hasApiKey, ...own } = vendor;
    expect(me.json()).toEqual({ ok: true, data: own });
    const { rows } = await api.database.pool.query('select * from vendors where id = $1', [vendor.vendorId]);
    expect(JSON.stringify(rows)).not.toContain(apiKey);
    expect(api.logLines.join('\n')).not.toContain(apiKey);
  });

  test('hear of every fault at once, missing fields first', async () => {
    const payload = { selectedServices: ['ok', ''], businessAddress: 5, mobile: ' ' };
    const response = await call('POST', '/api/admin/vendors', api.operator, payload);
    expect(response.statusCode).toBe(400);
    expect(response.json().details).toEqual([
      'vendorName is required',
      'mobile is required',
      'businessAddress must be a string of at most 500 characters',
      'selectedServices[1] must be a string of 1 to 100 characters that is not blank',
    ]);
  });

  test('change what they name, and nothing else', async () => {
    const vendor = await createVendor({ businessAddress: '789 Service Lane, City' });
    const url = `/api/admin/vendors/${vendor.vendorId}`;
    const patched = (
      await call('PATCH', url, api.operator, { mobile: '+910000000001', vendorName: null })
    ).json();
    expect(patched.data).toMatchObject({
      vendorName: 'Tech Repair Services',
      mobile: '+910000000001',
      businessAddress: '789 Service Lane, City',
    });
    expect((await call('PATCH', url, api.operator, { vendorName: '' })).statusCode).toBe(400);
  });

  test('rotate a key: the old one is worth nothing at once', async () => {
    const vendor = await createVendor();
    const url = `/api/admin/vendors/${vendor.vendorId}/rotate-key`;
    const { data } = (await call('POST', url, api.operator)).json();
    expect(data.vendorId).toBe(vendor.vendorId);
    expect(data.apiKey).not.toBe(vendor.apiKey);
    expect((await call('GET', '/api/vendor/me', vendor.headers)).statusCode).toBe(401);
    const me = await call('GET', '/api/vendor/me', { authorization: `Bearer ${data.apiKey}` });
    expect(me.json().data.vendorId).toBe(vendor.vendorId);
  });

  test.each(['GET', 'PATCH', 'POST'] as const)('%s of an unknown vendor is 404', async (method) => {
    for (const id of ['0123456789abcdef01234567', 'no-id']) {
      const url = `/api/admin/vendors/${id}${method === 'POST' ? '/rotate-key' : ''}`;
      const response = await call(method, url, api.operator, method === 'GET' ? undefined : {});
      expect(response.statusCode).toBe(404);
      expect(response.json().code).toBe('not_found');
    }
  });

  test('list vendors in pages, newest first', async () => {
    const vendors = [await createVendor(), await createVendor(), await createVendor()];
    const first = (await call('GET', '/api/admin/vendors?limit=2', api.operator)).json();
    const url = `/api/admin/vendors?limit=2&cursor=${first.nextCursor}`;
    const second = (await call('GET', url, api.operator)).json();
    const ids = [...first.data, ...second.data].slice(0, 3).map((vendor) => vendor.vendorId);
    expect(ids).toEqual(vendors.map((vendor) => vendor.vendorId).toReversed());
    expect(JSON.stringify(first)).not.toContain('apiKey":"');
  });

  test('are nobody else', async () => {
    const vendor = await createVendor();
    for (const headers of [{}, vendor.headers]) {
      expect((await call('GET', '/api/admin/vendors', headers)).statusCode).toBe(401);
      expect((await call('POST', '/api/admin/vendors', headers, {})).statusCode).toBe(401);
      const url = `/api/admin/vendors/${vendor.vendorId}/rotate-key`;
      expect((await call('POST', url, headers)).statusCode).toBe(401);
    }
  });
});

describe('a vendor', () => {
  test('changes itself', async () => {
    const vendor = await createVendor({ selectedServices: ['gardening'], businessAddress: 'Old lane' });
    const changes = {
      vendorName: 'New name',
      mobile: '+910000000002',
      businessAddress: '',
      selectedServices: [],
    };
    const patched = await call('PATCH', '/api/vendor/me', vendor.headers, changes);
    expect(patched.statusCode).toBe(200);
    expect(patched.json().data).toMatchObject({ vendorId: vendor.vendorId, ...changes });
    const one = await call('PATCH', '/api/vendor/me', vendor.headers, { selectedServices: ['plumbing'] });
    expect(one.json().data).toMatchObject({ ...changes, selectedServices: ['plumbing'] });
    const none = await call('PATCH', '/api/vendor/me', vendor.headers, {});
    expect(none.json().data).toMatchObject({ ...changes, selectedServices: ['plumbing'] });
  });

  test('cannot change what is not its own', async () => {
    const vendor = await createVendor();
    const payload = { vendorId: '0123456789abcdef01234567', apiKeyHash: 'x', externalId: 'x', online: true };
    const patched = await call('PATCH', '/api/vendor/me', vendor.headers, payload);
    expect(patched.json().data).toMatchObject({ vendorId: vendor.vendorId, online: false });
  });

  test('is online for 90 seconds from its last word, and offline at once', async () => {
    const vendor = await createVendor();
    const location = { latitude: 28.7041, longitude: 77.1025 };
    const online = await call('PUT', '/api/vendor/presence', vendor.headers, { online: true, location });
    expect(online.json().data).toMatchObject({ online: true, location });
    const { rows } = await api.database.pool.query(
      `select extract(epoch from online_until - now())::float8 as seconds from vendors where id = $1`,
      [vendor.vendorId],
    );
    expect(rows[0].seconds).toBeGreaterThan(80);
    expect(rows[0].seconds).toBeLessThanOrEqual(90);
    const offline = await call('PUT', '/api/vendor/presence', vendor.headers, { online: false });
    expect(offline.json().data).toMatchObject({ online: false, onlineUntil: null, location });
  });

  test.each([
    [{}, ['online is required']],
    [{ online: 'yes' }, ['online must be true or false']],
    [
      { online: true, location: { latitude: 91, longitude: 0 } },
      ['location.latitude must be a number between -90 and 90'],
    ],
    [{ online: true, location: { latitude: 1 } }, ['location.longitude is required']],
  ])('presence %j is refused', async (payload, details) => {
    const vendor = await createVendor();
    const response = await call('PUT', '/api/vendor/presence', vendor.headers, payload);
    expect(response.statusCode).toBe(400);
    expect(response.json().details).toEqual(details);
  });

  test('needs its key', async () => {
    for (const headers of [{}, api.operator, { authorization: 'Bearer wrong' }]) {
      expect((await call('GET', '/api/vendor/me', headers)).statusCode).toBe(401);
      expect((await call('PATCH', '/api/vendor/me', headers, {})).statusCode).toBe(401);
      expect((await call('PUT', '/api/vendor/presence', headers, { online: true })).statusCode).toBe(401);
    }
  });
});
