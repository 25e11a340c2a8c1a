import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestApi, type TestApi } from './testing/create-test-api.ts';
import { buildFullOrder, buildServiceOrder } from './testing/sample-bodies.ts';

interface Target {
  readonly method: 'POST' | 'PATCH' | 'PUT';
  readonly url: string;
  readonly headers: Record<string, string>;
}

let api: TestApi;
let targets: Record<string, Target>;
beforeAll(async () => {
  api = await createTestApi();
  const server = await api.addCustomerServer();
  const vendor = await api.addVendor();
  const post = (url: string, headers: Record<string, string>): Target => ({ method: 'POST', url, headers });
  const created = await send(
    post('/api/external/orders', server.headers),
    JSON.stringify(buildServiceOrder()),
  );
  const { orderId } = created.body.data;
  targets = {
    create: post('/api/external/orders', server.headers),
    cancel: post(`/api/external/orders/${orderId}/cancel`, server.headers),
    confirm: post(`/api/external/orders/${orderId}/confirm-payment`, server.headers),
    assign: post(`/api/admin/orders/${orderId}/assign`, api.operator),
    server: post('/api/admin/customer-servers', api.operator),
    rename: { method: 'PATCH', url: `/api/admin/customer-servers/${server.id}`, headers: api.operator },
    accept: post(`/api/vendor/orders/${orderId}/accept`, vendor.headers),
    me: { method: 'PATCH', url: '/api/vendor/me', headers: vendor.headers },
  };
});
afterAll(() => api.close());

async function send({ method, url, headers }: Target, payload: string | Buffer) {
  const answer = await api.app.inject({
    method,
    url,
    headers: { ...headers, 'content-type': 'application/json' },
    payload,
  });
  return { status: answer.statusCode, body: answer.json() };
}

/** Everything a bad request could have left behind. */
async function countEverything() {
  const { prisma } = api.database;
  const counts = await Promise.all([
    prisma.order.count(),
    prisma.orderTransition.count(),
    prisma.delivery.count(),
    prisma.idempotencyKey.count(),
    prisma.customerServer.count(),
    prisma.webhookEndpoint.count(),
  ]);
  return [...counts, api.jobs.length];
}

const nested = (depth: number) => `{"metadata":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`;

const CORPUS: [string, string | Buffer][] = [
  ['a lone brace', '{'],
  ['a trailing comma', '{"reason":"x",}'],
  ['single quotes', "{'reason':'x'}"],
  ['two documents', '{}{}'],
  ['NaN', '{"reason":NaN}'],
  ['a bare word', 'reason'],
  ['a list', '[{"reason":"x"}]'],
  ['a string', '"reason"'],
  ['a number', '7'],
  ['null', 'null'],
  ['bytes that are not UTF-8', Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d])],
  ['UTF-16', Buffer.from('{"reason":"x"}', 'utf16le')],
  ['a NUL character', '{"reason":"a\\u0000b"}'],
  ['a raw NUL byte', '{"reason":"a\0b"}'],
  ['a lone surrogate', '{"reason":"\\ud83d"}'],
  ['a lone surrogate in a field name', '{"metadata":{"\\udc00":1}}'],
  ['a NUL character in a field name', '{"metadata":{"a\\u0000":1}}'],
  ['a number beyond the range', '{"estimatedPrice":1e309}'],
  ['a number beyond the range where none is expected', '{"unknown":[-1e309]}'],
  ['__proto__', '{"__proto__":{"isAdmin":true}}'],
  ['__proto__ inside', '{"metadata":{"a":{"__proto__":1}}}'],
  ['40 levels', nested(40)],
  ['10 000 levels', nested(10_000)],
  ['60 000 lists in each other', `{"a":${'['.repeat(60_000)}${']'.repeat(60_000)}}`],
  ['300 KiB', `{"reason":"${'x'.repeat(300 * 1024)}"}`],
];

describe.each(CORPUS)('%s', (_name, payload) => {
  test('is a 4xx with a reason everywhere, and leaves nothing behind', async () => {
    const before = await countEverything();
    for (const [name, target] of Object.entries(targets)) {
      const { status, body } = await send(target, payload);
      expect(status, name).toBeGreaterThanOrEqual(400);
      expect(status, name).toBeLessThan(500);
      expect(body, name).toMatchObject({
        ok: false,
        error: expect.stringMatching(/\w/),
        code: expect.stringMatching(/^[a-z_]+$/),
        requestId: expect.any(String),
      });
    }
    expect(await countEverything()).toEqual(before);
  });
});

/** Any JSON, with the characters and numbers that trouble databases. */
const troublesomeText = fc.string({
  unit: fc.constantFrom(
    'a',
    ' ',
    '\0',
    '\ud800',
    '\udfff',
    '😀',
    'é',
    '\n',
    '"',
    '\\',
    "'",
    '%',
    '\u202e',
    '\uffff',
  ),
  maxLength: 8,
});
const anyJson = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    troublesomeText,
    fc.double(),
    fc.integer(),
    fc.constantFrom(null, true, false, 1e308, -0, 0.005, '2026-02-30T00:00:00Z', '9'.repeat(400)),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.oneof(troublesomeText, fc.constantFrom('constructor', 'latitude', 'a')), tie('value'), {
      maxKeys: 3,
    }),
  ),
})).value;

describe('whatever the fields hold', () => {
  test.each([
    ['create', buildServiceOrder()],
    ['create', buildFullOrder({ customerNotes: 'x', metadata: {} })],
    ['server', { name: 'x', webhookUrl: 'http://127.0.0.1/' }],
    ['assign', { vendorId: '0190aaaaaaaabbbbbbbbcccc' }],
    ['cancel', { reason: 'x' }],
  ])('%s never fails on our side', async (name, sample) => {
    const { prisma } = api.database;
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...Object.keys(sample)), anyJson, async (field, value) => {
        const before = await prisma.order.count();
        const { status, body } = await send(targets[name]!, JSON.stringify({ ...sample, [field]: value }));
        expect(status, JSON.stringify(body)).toBeLessThan(500);
        expect(body.ok).toBe(status < 400);
        expect(typeof body.code).toBe(status < 400 ? 'undefined' : 'string');
        expect(await prisma.order.count()).toBe(status === 201 && name === 'create' ? before + 1 : before);
      }),
      { numRuns: 60 },
    );
  });

  test('any document at all never fails on our side', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...Object.keys(targets)), anyJson, async (name, document) => {
        const { status } = await send(targets[name]!, JSON.stringify(document));
        expect(status).toBeLessThan(500);
      }),
      { numRuns: 100 },
    );
  });
});
