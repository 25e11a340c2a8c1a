/** What a process believes of credentials, with another process on its database that changes them. */
import {
  completeSecretRotation,
  rotateCustomerServerSecret,
} from '@vendor-server/platform/customer-servers/rotate-customer-server-secret.ts';
import { createDatabase } from '@vendor-server/platform/database/create-database.ts';
import { createSecret } from '@vendor-server/platform/secrets/create-secret.ts';
import { hashSecret } from '@vendor-server/platform/secrets/hash-secret.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';
import { untilListening } from '../testing/until-listening.ts';
import { createCredentials } from './create-credentials.ts';

/** Longer than these tests take: whatever is forgotten in them was not too old. */
const MAX_AGE_MS = 3_600_000;

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api.close());

function createProcess() {
  const { database, databaseUrl, deps } = api;
  return createCredentials({
    pool: database.pool,
    databaseUrl,
    logger: deps.logger,
    maxAgeMs: MAX_AGE_MS,
  });
}

/** Until these have begun to listen, and forgotten what they knew by then; the one of the app itself, too. */
function waitUntilListening(processes: number): Promise<void> {
  return untilListening(api.database.pool, 'vendor-server-credentials', processes + 1);
}

test('one that was taken away is refused here at once, and there when the word arrives', async () => {
  const [here, there] = [createProcess(), createProcess()];
  try {
    await waitUntilListening(2);
    const { id, secret } = await api.addCustomerServer();
    const vendor = await api.addVendor();
    const hash = hashSecret(secret);
    for (const process of [here, there]) {
      expect(await process.findCustomerServerId(hash)).toBe(id);
      expect(await process.findVendorId(vendor.apiKeyHash)).toBe(vendor.id);
    }
    const next = createSecret();
    const { prisma } = api.database;
    await rotateCustomerServerSecret(prisma, api.deps.secretBox, {
      customerServerId: id,
      secret: next,
      overlapHours: 0,
    });
    await prisma.vendor.update({ where: { id: vendor.id }, data: { apiKeyHash: 'another' } });
    // Nobody was told: it is remembered, and so the rest of this test can fail.
    expect(await there.findCustomerServerId(hash)).toBe(id);

    await here.forget();
    expect(await here.findCustomerServerId(hash)).toBeNull();
    expect(await here.findVendorId(vendor.apiKeyHash)).toBeNull();
    await expect.poll(() => there.findCustomerServerId(hash)).toBeNull();
    expect(await there.findVendorId(vendor.apiKeyHash)).toBeNull();
    expect(await there.findCustomerServerId(hashSecret(next))).toBe(id);
  } finally {
    await Promise.all([here.close(), there.close()]);
  }
});

test('a previous secret is remembered until its overlap ends, and no longer', async () => {
  const credentials = createProcess();
  try {
    await waitUntilListening(1);
    const { id, secret } = await api.addCustomerServer();
    const hash = hashSecret(secret);
    await rotateCustomerServerSecret(api.database.prisma, api.deps.secretBox, {
      customerServerId: id,
      secret: createSecret(),
      overlapHours: 1 / 3_600,
    });
    const endsBefore = performance.now() + 1_000;
    expect(await credentials.findCustomerServerId(hash)).toBe(id);
    await expect.poll(() => credentials.findCustomerServerId(hash), { timeout: 5_000 }).toBeNull();
    // By the database's clock it was accepted for a second, less the way here.
    expect(performance.now()).toBeGreaterThan(endsBefore - 500);
    expect(await completeSecretRotation(api.database.prisma, id)).not.toBeNull();
  } finally {
    await credentials.close();
  }
});

test('through the API: a key that was replaced is refused from the answer on', async () => {
  const vendor = await api.addVendor();
  const statusOf = async () =>
    (await api.app.inject({ url: '/api/vendor/me', headers: vendor.headers })).statusCode;
  expect(await statusOf()).toBe(200);
  const url = `/api/admin/vendors/${vendor.id}/rotate-key`;
  expect((await api.app.inject({ method: 'POST', url, headers: api.operator })).statusCode).toBe(200);
  expect(await statusOf()).toBe(401);
});

test('where others cannot be told, the caller is answered and the log says so', async () => {
  const { databaseUrl, deps } = api;
  const lost = createDatabase({ url: databaseUrl, applicationName: 'test', maxConnections: 1 });
  await lost.close();
  const credentials = createCredentials({ pool: lost.pool, databaseUrl, logger: deps.logger });
  await credentials.forget();
  await credentials.close();
  expect(api.logLines.join('')).toContain('Other processes may believe a credential');
});
