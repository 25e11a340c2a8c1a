import { connect } from 'node:net';
import type { InjectOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestApi, type TestApi } from './testing/create-test-api.ts';
import { buildServiceOrder } from './testing/sample-bodies.ts';

let api: TestApi;
let headers: Record<string, string>;
let port: number;

beforeAll(async () => {
  api = await createTestApi();
  headers = (await api.addCustomerServer()).headers;
  port = Number(new URL(await api.app.listen({ host: '127.0.0.1', port: 0 })).port);
});
afterAll(() => api.close());

const JSON_TYPE = { 'content-type': 'application/json' };

async function ask(request: InjectOptions) {
  const answer = await api.app.inject({ ...request, headers: { ...headers, ...request.headers } });
  return { status: answer.statusCode, headers: answer.headers, body: answer.json() };
}

function failure(code: string, extra: object = {}) {
  return { ok: false, error: expect.any(String), code, requestId: expect.any(String), ...extra };
}

/** Sends bytes as they are and reads the answer until the server closes the connection. */
async function sendRaw(text: string): Promise<{ status: number; body: unknown }> {
  const socket = connect(port, '127.0.0.1');
  socket.write(text);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  const [head = '', body = ''] = Buffer.concat(chunks).toString().split('\r\n\r\n');
  return { status: Number(head.split(' ')[1]), body: JSON.parse(body) };
}

describe('what is refused before a route is asked', () => {
  test.each<[string, InjectOptions, number, string]>([
    ['an unknown path', { url: '/api/external/nothing' }, 404, 'not_found'],
    [
      'an unknown path, whatever the body',
      { method: 'POST', url: '/nothing', payload: 'x' },
      404,
      'not_found',
    ],
    ['an id too long to be one', { url: `/api/external/orders/${'a'.repeat(300)}` }, 404, 'not_found'],
    ['an id that is not hex', { url: '/api/external/orders/zzzzzzzzzzzzzzzzzzzzzzzz' }, 404, 'not_found'],
    ['an id with NUL', { url: '/api/external/orders/0190aaaaaaaabbbbbbbbccc%00' }, 404, 'not_found'],
    ['a URL that cannot be decoded', { url: '/api/external/orders/%ZZ' }, 400, 'invalid_request'],
    ['a URL that is not UTF-8', { url: '/api/external/orders/%FF' }, 400, 'invalid_request'],
    [
      'malformed JSON',
      { method: 'POST', url: '/api/external/orders', headers: JSON_TYPE, payload: '{' },
      400,
      'malformed_json',
    ],
    [
      'JSON that is not UTF-8',
      {
        method: 'POST',
        url: '/api/external/orders',
        headers: JSON_TYPE,
        payload: Buffer.from('{"a":"\xff"}', 'latin1'),
      },
      400,
      'malformed_json',
    ],
    [
      'a JSON list',
      { method: 'POST', url: '/api/external/orders', headers: JSON_TYPE, payload: '[]' },
      400,
      'validation_failed',
    ],
    [
      'JSON null',
      { method: 'POST', url: '/api/external/orders', headers: JSON_TYPE, payload: 'null' },
      400,
      'validation_failed',
    ],
    [
      'another content type',
      {
        method: 'POST',
        url: '/api/external/orders',
        headers: { 'content-type': 'text/plain' },
        payload: '{}',
      },
      415,
      'unsupported_media_type',
    ],
    [
      'a form',
      {
        method: 'POST',
        url: '/api/external/orders',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        payload: 'a=b',
      },
      415,
      'unsupported_media_type',
    ],
    [
      'a content type that is none',
      { method: 'POST', url: '/api/external/orders', headers: { 'content-type': 'json' }, payload: '{}' },
      415,
      'unsupported_media_type',
    ],
    [
      'a body over 256 KiB',
      {
        method: 'POST',
        url: '/api/external/orders',
        headers: JSON_TYPE,
        payload: `{"a":"${'x'.repeat(256 * 1024)}"}`,
      },
      413,
      'payload_too_large',
    ],
  ])('%s', async (_name, request, status, code) => {
    const answer = await ask(request);
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject(failure(code));
    expect(answer.headers['x-request-id']).toBe(answer.body.requestId);
  });

  test.each([
    ['PUT', '/api/external/orders', 'GET, HEAD, POST'],
    ['GET', '/api/external/orders/0190aaaaaaaabbbbbbbbcccc/cancel', 'POST'],
    ['DELETE', '/api/external/orders/0190aaaaaaaabbbbbbbbcccc', 'GET, HEAD'],
    ['PROPFIND' as 'GET', '/livez', 'GET, HEAD'],
  ] as const)('%s %s is the wrong method', async (method, url, allow) => {
    const answer = await ask({ method, url });
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe(allow);
    expect(answer.body).toEqual(failure('method_not_allowed'));
  });

  test('a body of exactly 256 KiB is read', async () => {
    const shell = JSON.stringify(buildServiceOrder({ unknown: '' }));
    const payload = shell.replace('"unknown":""', `"unknown":"${'x'.repeat(256 * 1024 - shell.length)}"`);
    expect(payload).toHaveLength(256 * 1024);
    const answer = await ask({ method: 'POST', url: '/api/external/orders', headers: JSON_TYPE, payload });
    expect(answer.status).toBe(201);
  });
});

describe('queries', () => {
  test.each([
    ['limit=0', 'limit must be an integer between 1 and 200'],
    ['limit=201', 'limit must be an integer between 1 and 200'],
    ['limit=1.5', 'limit must be an integer between 1 and 200'],
    ['limit=1&limit=2', 'limit must be an integer between 1 and 200'],
    ['limit=', 'limit must be an integer between 1 and 200'],
    ['limit=99999999999999999999', 'limit must be an integer between 1 and 200'],
    ['cursor=x', 'cursor must be the nextCursor of an earlier page'],
    [
      'since=yesterday',
      'since must be an RFC 3339 time such as 2026-01-31T12:00:00.000Z in the years 2000 to 2100',
    ],
    [
      'until=2026-02-30T00:00:00Z',
      'until must be an RFC 3339 time such as 2026-01-31T12:00:00.000Z in the years 2000 to 2100',
    ],
    ['customerId=%00', 'customerId must not contain NUL characters'],
    ['customerId=', 'customerId must be a string of 1 to 200 characters'],
    ['foo=1', 'foo is not known here'],
    ['__proto__=1', '__proto__ is not known here'],
    ['constructor=1', 'constructor is not known here'],
    ['5=1', '[5] is not known here'],
  ])('?%s is refused', async (query, detail) => {
    const answer = await ask({ url: `/api/external/orders?${query}` });
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual(failure('validation_failed', { details: [detail] }));
  });

  test.each(['%ff', '%ED%A0%80', '%zz', 'a%'])('broken percent-encoding in a query: %s', async (value) => {
    const answer = await api.app.inject(`/livez?customerId=${value}`);
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({
      code: 'validation_failed',
      details: ['query must be percent-encoded UTF-8'],
    });
  });

  test.each(['/livez?x=1', '/api/external/me?x=1', '/api/external/orders/0190aaaaaaaabbbbbbbbcccc?x=1'])(
    '%s takes none',
    async (url) => {
      const answer = await ask({ url });
      expect(answer.body).toEqual(failure('validation_failed', { details: ['x is not known here'] }));
    },
  );
});

describe('request ids', () => {
  test.each(['abc', 'A-1_b.c', 'x'.repeat(100)])('%s is echoed', async (id) => {
    const answer = await ask({ url: '/livez', headers: { 'x-request-id': id } });
    expect(answer.headers['x-request-id']).toBe(id);
  });

  test.each(['', 'a b', 'x'.repeat(101), 'ä', 'a/b'])('%j is replaced', async (id) => {
    const answer = await ask({ url: '/livez', headers: { 'x-request-id': id } });
    expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f]{24}$/);
  });
});

describe('what is not quite HTTP', () => {
  const host = 'Host: localhost\r\nConnection: close\r\n';

  test.each([
    ['a method that does not exist', `BREW / HTTP/1.1\r\n${host}\r\n`, 400, 'invalid_request'],
    ['no HTTP at all', 'hello\r\n\r\n', 400, 'invalid_request'],
    [
      'two lengths',
      `POST /livez HTTP/1.1\r\n${host}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`,
      400,
      'invalid_request',
    ],
    [
      'headers over 16 KiB',
      `GET /livez HTTP/1.1\r\n${host}X-A: ${'x'.repeat(20_000)}\r\n\r\n`,
      431,
      'headers_too_large',
    ],
  ])('%s', async (_name, text, status, code) => {
    const answer = await sendRaw(text);
    expect(answer).toEqual({ status, body: failure(code) });
  });

  test.each([
    'x-customer-secret',
    'Idempotency-Key',
    'Authorization',
    'Content-Type',
    'X-Operator',
    'x-vendor-secret',
  ])('header %s sent twice', async (name) => {
    const answer = await sendRaw(`GET /api/external/me HTTP/1.1\r\n${host}${name}: a\r\n${name}: b\r\n\r\n`);
    const details = [`header ${name.toLowerCase()} must be sent once`];
    expect(answer).toEqual({ status: 400, body: failure('validation_failed', { details }) });
  });
});
