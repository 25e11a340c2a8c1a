import { randomBytes } from 'node:crypto';
import { MAX_ENDPOINTS_PER_CUSTOMER_SERVER } from '@vendor-server/domain/endpoints/webhook-endpoint.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createLoggerTo } from '../logging/create-logger.ts';
import { hashSecret } from '../secrets/hash-secret.ts';
import { createSecretBox, SecretBoxError } from '../secrets/secret-box.ts';
import { DEVELOPMENT_CUSTOMER_SERVER_SECRET } from '../settings/development-values.ts';
import { SettingsError } from '../settings/settings-error.ts';
import { insertEndpoint } from '../testing/delivery-fixtures.ts';
import { createTestDatabase } from '../testing/test-database.ts';
import { applyDefaultCustomerServer } from './apply-default-customer-server.ts';
import { createCustomerServer } from './create-customer-server.ts';

const SECRET = 'test-customer-secret-1';
const NEXT_SECRET = 'test-customer-secret-2';
const URL_1 = 'http://127.0.0.1:4000/updates';
const URL_2 = 'http://127.0.0.1:4000/moved';
const DAY_MS = 86_400_000;

let subject: Awaited<ReturnType<typeof createTestDatabase>>;
const logLines: Record<string, unknown>[] = [];
const logger = createLoggerTo(
  { write: (line) => void logLines.push(JSON.parse(line)) },
  { name: 'test', level: 'info' },
);
const secretBox = createSecretBox({ current: randomBytes(32), previous: null });

beforeAll(async () => {
  subject = await createTestDatabase();
});
afterAll(() => subject.drop());
beforeEach(async () => {
  logLines.length = 0;
  await subject.database.prisma.webhookEndpoint.deleteMany();
  await subject.database.prisma.customerServer.deleteMany();
});

function apply(secret: string | null, url: string | null = null, { production = false } = {}) {
  return applyDefaultCustomerServer(
    subject.database,
    { production, customerServerSecret: secret, customerWebhookUrl: url },
    secretBox,
    logger,
  );
}

const readServers = () => subject.database.prisma.customerServer.findMany();
const readServer = () =>
  subject.database.prisma.customerServer.findFirstOrThrow({ where: { isDefault: true } });
const readEndpoints = () => subject.database.prisma.webhookEndpoint.findMany({ orderBy: { id: 'asc' } });

describe('the first start', () => {
  test('creates the customer server and its endpoint', async () => {
    const applied = await apply(SECRET, URL_1);
    expect(applied?.changes).toEqual(['customer server created', 'endpoint created']);
    const server = await readServer();
    expect(server).toMatchObject({
      id: applied?.customerServerId,
      secretHash: hashSecret(SECRET),
      previousSecretHash: null,
      outboundSecret: 'current',
    });
    expect(secretBox.open(server.secretCiphertext, server.id)).toBe(SECRET);
    const [endpoint] = await readEndpoints();
    expect(endpoint).toMatchObject({
      customerServerId: server.id,
      url: URL_1,
      isDefault: true,
      sendSharedSecret: true,
      allStatuses: true,
      state: 'active',
    });
    expect(secretBox.open(endpoint?.signingSecretCiphertext ?? '', endpoint?.id ?? '')).toMatch(/^whsec_/);
  });

  test('without a URL makes no endpoint', async () => {
    expect((await apply(SECRET))?.changes).toEqual(['customer server created']);
    expect(await readEndpoints()).toEqual([]);
  });

  test('without a secret makes nothing', async () => {
    expect(await apply(null)).toBeNull();
    expect(await readServers()).toEqual([]);
  });

  test('of several processes at once makes one', async () => {
    // With all connections open already the transactions really overlap.
    const connections = await Promise.all(Array.from({ length: 5 }, () => subject.database.pool.connect()));
    for (const connection of connections) connection.release();

    const applied = await Promise.all(Array.from({ length: 5 }, () => apply(SECRET, URL_1)));
    expect(new Set(applied.map((one) => one?.customerServerId)).size).toBe(1);
    expect(applied.flatMap((one) => one?.changes ?? [])).toHaveLength(2);
    expect(await readServers()).toHaveLength(1);
    expect(await readEndpoints()).toHaveLength(1);
  });

  test('refuses a secret that belongs to another customer server', async () => {
    const other = await subject.database.prisma.$transaction((transaction) =>
      createCustomerServer(transaction, secretBox, { name: 'Other', webhookUrl: null }),
    );
    const refusal = apply(other.secret);
    await expect(refusal).rejects.toThrow(SettingsError);
    await expect(refusal).rejects.not.toThrow(other.secret);
  });
});

describe('a later start', () => {
  test('with the same settings changes nothing, also not what the API changed since', async () => {
    await apply(SECRET, URL_1);
    await subject.database.prisma.webhookEndpoint.updateMany({ data: { url: URL_2 } });
    const before = [await readServers(), await readEndpoints()];
    expect((await apply(SECRET, URL_1))?.changes).toEqual([]);
    expect([await readServers(), await readEndpoints()]).toEqual(before);
  });

  test('does not bring back an endpoint deleted through the API', async () => {
    await apply(SECRET, URL_1);
    await subject.database.prisma.webhookEndpoint.updateMany({ data: { deletedAt: new Date() } });
    await apply(SECRET, URL_1);
    expect(await readEndpoints()).toHaveLength(1);
    expect((await apply(SECRET, URL_2))?.changes).toEqual(['endpoint created']);
    expect(await readEndpoints()).toHaveLength(2);
  });

  test('makes the endpoint of a URL also beside as many as its customer server may make', async () => {
    const { customerServerId = '' } = (await apply(SECRET)) ?? {};
    for (let n = 1; n <= MAX_ENDPOINTS_PER_CUSTOMER_SERVER; n += 1) {
      await insertEndpoint(subject.database.pool, { customerServerId });
    }
    expect((await apply(SECRET, URL_1))?.changes).toEqual(['endpoint created beyond the limit']);
    expect(await readEndpoints()).toHaveLength(MAX_ENDPOINTS_PER_CUSTOMER_SERVER + 1);
    expect((await apply(SECRET, URL_2))?.changes).toEqual(['endpoint moved']);
  });

  test('tries a broken endpoint at its new URL at once, with nothing held against that', async () => {
    await apply(SECRET, URL_1);
    await subject.database.pool.query(
      `update webhook_endpoints set "window" = 0, next_probe_at = now() + interval '1 h', gone_order_ids = '{a}'`,
    );
    await apply(SECRET, URL_2);
    const [endpoint] = await readEndpoints();
    expect(endpoint?.goneOrderIds).toEqual([]);
    expect(endpoint?.nextProbeAt?.getTime()).toBeLessThan(Date.now() + 60_000);
  });

  test('rotates a changed secret with an overlap of 24 hours', async () => {
    await apply(SECRET);
    expect((await apply(NEXT_SECRET))?.changes).toEqual(['secret rotated']);
    const server = await readServer();
    expect(server).toMatchObject({
      secretHash: hashSecret(NEXT_SECRET),
      previousSecretHash: hashSecret(SECRET),
      appliedSecretHash: hashSecret(NEXT_SECRET),
      outboundSecret: 'previous',
    });
    expect(secretBox.open(server.secretCiphertext, server.id)).toBe(NEXT_SECRET);
    expect(secretBox.open(server.previousSecretCiphertext ?? '', server.id)).toBe(SECRET);
    const overlapMs = (server.secretOverlapUntil?.getTime() ?? 0) - Date.now();
    expect(overlapMs).toBeGreaterThan(DAY_MS - 60_000);
    expect(overlapMs).toBeLessThan(DAY_MS + 60_000);
    expect((await apply(NEXT_SECRET))?.changes).toEqual([]);
  });

  test('can rotate back to the secret before', async () => {
    await apply(SECRET);
    await apply(NEXT_SECRET);
    expect((await apply(SECRET))?.changes).toEqual(['secret rotated']);
    expect(await readServer()).toMatchObject({
      secretHash: hashSecret(SECRET),
      previousSecretHash: hashSecret(NEXT_SECRET),
    });
  });

  test('moves the endpoint to a changed URL', async () => {
    await apply(SECRET, URL_1);
    const [before] = await readEndpoints();
    expect((await apply(SECRET, URL_2))?.changes).toEqual(['endpoint moved']);
    expect(await readEndpoints()).toMatchObject([{ id: before?.id, url: URL_2, state: 'active' }]);
  });

  test('pauses the endpoint when the URL is gone and resumes it when one is back', async () => {
    await apply(SECRET, URL_1);
    expect((await apply(SECRET))?.changes).toEqual(['endpoint paused']);
    expect(await readEndpoints()).toMatchObject([{ state: 'paused', url: URL_1 }]);
    expect((await apply(SECRET))?.changes).toEqual([]);
    expect((await apply(SECRET, URL_1))?.changes).toEqual(['endpoint moved']);
    expect(await readEndpoints()).toMatchObject([{ state: 'active', stateReason: null }]);
  });

  test('says in the log what it changed, and of a pause and an opening what every other one says', async () => {
    const { customerServerId } = (await apply(SECRET, URL_1)) ?? {};
    const [{ id: endpointId } = { id: '' }] = await readEndpoints();
    await apply(SECRET, URL_2);
    await apply(SECRET);
    await apply(SECRET);
    await apply(SECRET, URL_1);
    const about = { endpointId, customerServerId, actor: { type: 'settings', id: null } };
    expect(logLines).toMatchObject([
      { msg: 'Default customer server applied', changes: ['customer server created', 'endpoint created'] },
      { msg: 'Default customer server applied', changes: ['endpoint moved'] },
      { msg: 'Default customer server applied', changes: ['endpoint paused'] },
      {
        msg: 'Webhook endpoint state changed',
        ...about,
        from: 'active',
        to: 'paused',
        reason: 'CUSTOMER_WEBHOOK_URL is not set any more',
      },
      { msg: 'Default customer server applied', changes: ['endpoint moved'] },
      { msg: 'Webhook endpoint state changed', ...about, from: 'paused', to: 'active', reason: null },
    ]);
  });

  test('leaves an endpoint paused that its customer server had paused', async () => {
    await apply(SECRET, URL_1);
    await subject.database.prisma.webhookEndpoint.updateMany({
      data: { state: 'paused', stateReason: 'maintenance' },
    });
    await apply(SECRET, URL_2);
    expect(await readEndpoints()).toMatchObject([{ state: 'paused', url: URL_2 }]);
    expect(logLines.map(({ msg }) => msg)).not.toContain('Webhook endpoint state changed');
  });

  test('fails when the stored secret cannot be read', async () => {
    await apply(SECRET);
    const otherBox = createSecretBox({ current: randomBytes(32), previous: null });
    const settings = { production: false, customerServerSecret: SECRET, customerWebhookUrl: null };
    await expect(applyDefaultCustomerServer(subject.database, settings, otherBox, logger)).rejects.toThrow(
      SecretBoxError,
    );
  });
});

describe('production on a database that began in development', () => {
  test('replaces the development secret at once', async () => {
    await apply(DEVELOPMENT_CUSTOMER_SERVER_SECRET);
    await apply(SECRET, null, { production: true });
    expect(await readServer()).toMatchObject({ secretHash: hashSecret(SECRET), previousSecretHash: null });
  });

  test('replaces it by one that nobody knows when none is set', async () => {
    await apply(DEVELOPMENT_CUSTOMER_SERVER_SECRET);
    await apply(null, null, { production: true });
    const server = await readServer();
    expect(server.secretHash).not.toBe(hashSecret(DEVELOPMENT_CUSTOMER_SERVER_SECRET));
    expect(server.previousSecretHash).toBeNull();
  });

  test('drops it from a rotation that is under way', async () => {
    await apply(DEVELOPMENT_CUSTOMER_SERVER_SECRET);
    await apply(SECRET);
    await apply(SECRET, null, { production: true });
    expect(await readServer()).toMatchObject({
      secretHash: hashSecret(SECRET),
      previousSecretHash: null,
      secretOverlapUntil: null,
      outboundSecret: 'current',
    });
  });
});
