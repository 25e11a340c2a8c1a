import { applyDefaultCustomerServer } from '@vendor-server/platform/customer-servers/apply-default-customer-server.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';

const HOUR_MS = 3_600_000;

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api.close());

async function post(path: string, payload?: object) {
  const answer = await api.app.inject({
    method: 'POST',
    url: `/api/admin/customer-servers/${path}`,
    headers: api.operator,
    ...(payload && { payload }),
  });
  return { status: answer.statusCode, body: answer.json() };
}

async function rotate(
  id: string,
  payload?: object,
): Promise<{ secret: string; overlapUntil: string | null }> {
  const { status, body } = await post(`${id}/rotate-secret`, payload);
  expect(status, JSON.stringify(body)).toBe(200);
  return body.data;
}

/** Which of the secrets the API takes, under either header. */
async function accepted(...secrets: string[]): Promise<boolean[]> {
  const answers = secrets.flatMap((secret) => [
    api.app.inject({ url: '/api/external/me', headers: { 'x-customer-secret': secret } }),
    api.app.inject({ url: '/api/external/me', headers: { 'x-vendor-server-secret': secret } }),
  ]);
  const statuses = (await Promise.all(answers)).map(({ statusCode }) => statusCode);
  return secrets.map((_, index) => {
    const [one, other] = [statuses[index * 2], statuses[index * 2 + 1]];
    expect(one).toBe(other);
    return one === 200;
  });
}

const readServer = (id: string) => api.database.prisma.customerServer.findUniqueOrThrow({ where: { id } });

/** The secret that webhooks begin with, and the other one while two overlap. */
async function readOutbound(id: string) {
  const server = await readServer(id);
  const current = api.deps.secretBox.open(server.secretCiphertext, id);
  const previous =
    server.previousSecretCiphertext && api.deps.secretBox.open(server.previousSecretCiphertext, id);
  return server.outboundSecret === 'previous' ? [previous, current] : [current, previous];
}

describe('rotating', () => {
  test('shows a new secret; for 24 hours both are accepted and webhooks carry the old one', async () => {
    const { id, secret: old } = await api.addCustomerServer();
    const { status, body } = await post(`${id}/rotate-secret`);
    expect(status).toBe(200);
    expect(body).toEqual({
      ok: true,
      data: {
        customerServerId: id,
        name: 'Test customer server',
        secret: expect.stringMatching(/^.{32,}$/),
        overlapUntil: expect.stringMatching(/^\d{4}-.*Z$/),
      },
    });
    const overlapMs = Date.parse(body.data.overlapUntil) - Date.now();
    expect(Math.abs(overlapMs - 24 * HOUR_MS)).toBeLessThan(60_000);
    expect(await accepted(old, body.data.secret)).toEqual([true, true]);
    expect(await readOutbound(id)).toEqual([old, body.data.secret]);
    expect(api.logLines.join('\n')).not.toContain(body.data.secret);
  });

  test.each([0.5, 1, 168])('overlaps for %d hours when asked to', async (overlapHours) => {
    const { id } = await api.addCustomerServer();
    const { overlapUntil } = await rotate(id, { overlapHours });
    const overlapMs = Date.parse(overlapUntil ?? '') - Date.now();
    expect(Math.abs(overlapMs - overlapHours * HOUR_MS)).toBeLessThan(60_000);
  });

  test('without an overlap refuses the old secret at once', async () => {
    const { id, secret: old } = await api.addCustomerServer();
    const { secret, overlapUntil } = await rotate(id, { overlapHours: 0 });
    expect(overlapUntil).toBeNull();
    expect(await accepted(old, secret)).toEqual([false, true]);
    expect(await readOutbound(id)).toEqual([secret, null]);
  });

  test('refuses the old secret when the overlap is over', async () => {
    const { id, secret: old } = await api.addCustomerServer();
    const { secret } = await rotate(id);
    await api.database.prisma.customerServer.update({
      where: { id },
      data: { secretOverlapUntil: new Date(Date.now() - 1_000) },
    });
    expect(await accepted(old, secret)).toEqual([false, true]);
  });

  test('during an overlap keeps the two newest', async () => {
    const { id, secret: first } = await api.addCustomerServer();
    const { secret: second } = await rotate(id);
    const { secret: third } = await rotate(id, { overlapHours: 1 });
    expect(await accepted(first, second, third)).toEqual([false, true, true]);
    expect(await readOutbound(id)).toEqual([second, third]);
  });

  test('several times at once leaves one row that agrees with itself', async () => {
    const { id, secret: first } = await api.addCustomerServer();
    const rotated = await Promise.all(Array.from({ length: 5 }, () => rotate(id)));
    const secrets = [first, ...rotated.map(({ secret }) => secret)];
    const taken = (await accepted(...secrets)).flatMap((isAccepted, index) =>
      isAccepted ? [secrets[index]] : [],
    );
    expect(taken).toHaveLength(2);
    expect(taken).not.toContain(first);
    expect(new Set(await readOutbound(id))).toEqual(new Set(taken));
  });

  test.each([
    [{ overlapHours: -1 }, 'overlapHours must be a number between 0 and 168'],
    [{ overlapHours: 168.5 }, 'overlapHours must be a number between 0 and 168'],
    [{ overlapHours: '24' }, 'overlapHours must be a number between 0 and 168'],
    [{ overlapHours: null }, 'overlapHours must be a number between 0 and 168'],
  ])('with %j is refused and rotates nothing', async (payload, detail) => {
    const { id, secret } = await api.addCustomerServer();
    const { status, body } = await post(`${id}/rotate-secret`, payload);
    expect({ status, details: body.details }).toEqual({ status: 400, details: [detail] });
    expect(await readOutbound(id)).toEqual([secret, null]);
  });
});

describe('completing', () => {
  test('refuses the old secret and lets webhooks carry the new one; again it changes nothing', async () => {
    const { id, secret: old } = await api.addCustomerServer();
    const { secret } = await rotate(id);
    const completed = await post(`${id}/rotate-secret/complete`);
    expect(completed).toEqual({
      status: 200,
      body: { ok: true, data: { customerServerId: id, name: 'Test customer server', overlapUntil: null } },
    });
    expect(await accepted(old, secret)).toEqual([false, true]);
    expect(await readOutbound(id)).toEqual([secret, null]);
    const before = await readServer(id);
    expect(await post(`${id}/rotate-secret/complete`)).toEqual(completed);
    expect(await readServer(id)).toEqual(before);
  });

  test('without a rotation changes nothing', async () => {
    const { id, secret } = await api.addCustomerServer();
    const before = await readServer(id);
    expect((await post(`${id}/rotate-secret/complete`)).status).toBe(200);
    expect(await readServer(id)).toEqual(before);
    expect(await accepted(secret)).toEqual([true]);
  });
});

describe.each(['rotate-secret', 'rotate-secret/complete'])('%s', (action) => {
  test.each(['0190aaaaaaaabbbbbbbbcccc', 'x'])('of %s is 404', async (id) => {
    expect(await post(`${id}/${action}`)).toMatchObject({ status: 404, body: { code: 'not_found' } });
  });

  test('is for operators', async () => {
    const { id, headers } = await api.addCustomerServer();
    const url = `/api/admin/customer-servers/${id}/${action}`;
    expect((await api.app.inject({ method: 'POST', url, headers })).statusCode).toBe(401);
  });
});

describe('the default customer server, rotated through the API', () => {
  const SETTING = 'test-customer-secret-of-the-settings';

  const start = (customerServerSecret: string) =>
    applyDefaultCustomerServer(
      api.database,
      { production: false, customerServerSecret, customerWebhookUrl: null },
      api.deps.secretBox,
      api.deps.logger,
    );

  test('keeps the new secret over starts with the old setting, and takes it as a setting', async () => {
    const applied = await start(SETTING);
    const id = applied?.customerServerId ?? '';
    const { secret } = await rotate(id);

    expect((await start(SETTING))?.changes).toEqual([]);
    expect(await accepted(SETTING, secret)).toEqual([true, true]);

    await post(`${id}/rotate-secret/complete`);
    expect((await start(SETTING))?.changes).toEqual([]);
    expect(await accepted(SETTING, secret)).toEqual([false, true]);

    // Telling the settings what is so already is no rotation.
    expect((await start(secret))?.changes).toEqual([]);
    expect(await readOutbound(id)).toEqual([secret, null]);

    // From now on the first value is a changed setting again.
    expect((await start(SETTING))?.changes).toEqual(['secret rotated']);
    expect(await accepted(SETTING, secret)).toEqual([true, true]);
    expect(await readOutbound(id)).toEqual([secret, SETTING]);
  });
});
