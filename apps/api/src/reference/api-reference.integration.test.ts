import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';

let api: TestApi;

beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api.close());

describe('the document', () => {
  it('is valid OpenAPI 3.1', async () => {
    const answer = await api.app.inject({ url: '/openapi.json' });
    const validator = new Validator();
    expect(await validator.validate(answer.json())).toEqual({ valid: true });
    expect(validator.version).toBe('3.1');
  });

  it('is told apart by its etag', async () => {
    const first = await api.app.inject({ url: '/openapi.json' });
    expect(first.statusCode).toBe(200);
    const headers = { 'if-none-match': String(first.headers.etag) };
    const second = await api.app.inject({ url: '/openapi.json', headers });
    expect(second.statusCode).toBe(304);
    expect(second.body).toBe('');
    const other = await api.app.inject({ url: '/openapi.json', headers: { 'if-none-match': '"other"' } });
    expect(other.statusCode).toBe(200);
  });
});

describe('the page', () => {
  it('is found with and without a slash at its end', async () => {
    const bare = await api.app.inject({ url: '/docs' });
    expect(bare.statusCode).toBe(301);
    expect(bare.headers.location).toBe('/docs/');
    expect((await api.app.inject({ url: '/docs/' })).statusCode).toBe(200);
  });

  it('names this server alone', async () => {
    const { body, headers } = await api.app.inject({ url: '/docs/' });
    expect(body).toContain('"url": "/openapi.json"');
    expect(body).not.toMatch(/https?:/);
    const policy = String(headers['content-security-policy']);
    expect(policy).toMatch(/^default-src 'none'; script-src 'self' 'sha256-\S+'; /);
    expect(policy).toContain("; connect-src 'self'; ");
    // Neither everybody nor anybody else, and no script but its own.
    expect(policy).not.toMatch(/\*|https?:|\w\.\w|script-src[^;]*unsafe/);
  });

  it('has its script sent once', async () => {
    const first = await api.app.inject({ url: '/docs/js/scalar.js' });
    expect(first.statusCode).toBe(200);
    expect(first.headers['content-type']).toBe('application/javascript; charset=utf-8');
    const headers = { 'if-none-match': String(first.headers.etag) };
    const second = await api.app.inject({ url: '/docs/js/scalar.js', headers });
    expect(second.statusCode).toBe(304);
    expect(second.body).toBe('');
  });

  it.each([
    ['GET', '/docs/nothing', 404],
    ['GET', '/docs/js/', 404],
    ['POST', '/docs/', 405],
    ['PUT', '/openapi.json', 405],
    ['GET', '/openapi.json?x=1', 400],
  ] as const)('%s %s is answered %i', async (method, url, status) => {
    const answer = await api.app.inject({ method, url });
    expect(answer.statusCode).toBe(status);
    expect(answer.json()).toMatchObject({ ok: false });
  });
});
