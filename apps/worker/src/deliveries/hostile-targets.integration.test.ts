/*
 * A part of the corpus of hostile targets as deliveries, sent for real with no network allowed, as in production:
 * one of each kind, stored as if it had got past the API. It ends at once, nothing connects, and the lane goes on.
 */
import {
  INNER_HOSTS,
  LOCALHOST_NAMES,
  LOOPBACK_HOSTS,
  MALFORMED_URLS,
} from '@vendor-server/domain/testing/hostile-targets.ts';
import { createReceiver, type Receiver } from '@vendor-server/e2e/receiver/create-receiver.ts';
import { emptyDatabase, insertOrder, readStates } from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { createSender, createSenderFrom, type Sender } from '@vendor-server/sender/create-sender.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createAttemptStage } from '../testing/attempt-stage.ts';
import { attemptDelivery } from './attempt-delivery.ts';

let subject: Awaited<ReturnType<typeof createTestDatabase>>;
let stage: ReturnType<typeof createAttemptStage>;
/** On every address of this machine. */
let receiver: Receiver;
let production: Sender;

beforeAll(async () => {
  subject = await createTestDatabase();
  receiver = await createReceiver({ host: '::' });
  production = createSender({ allowedNetworks: [], maxConnectionsPerOrigin: 4 });
});
afterAll(async () => {
  await production.close();
  await receiver.close();
  await subject.drop();
});
beforeEach(async () => {
  await emptyDatabase(subject.database.pool);
  stage = createAttemptStage(subject.database);
});

const pool = () => subject.database.pool;

/** A delivery and the next one of its lane to this place, and what became of both. */
async function attempt(url: string, sender: Sender) {
  const endpoint = await stage.insertEndpoint({ url });
  const { orderId, deliveryIds } = await insertOrder(pool(), endpoint, ['queued', 'blocked']);
  const [deliveryId = ''] = deliveryIds;
  const { kind } = await attemptDelivery({ ...stage.deps, sender }, { deliveryId, generation: 1 });
  const { rows } = await pool().query<{ outcome: string; error: string }>(
    'select outcome, error from delivery_attempts where delivery_id = $1',
    [deliveryId],
  );
  return { url, kind, states: await readStates(pool(), orderId), attempts: rows };
}

const BLOCKED = {
  kind: 'failed',
  states: ['failed', 'queued'],
  attempts: [
    {
      outcome: 'blocked_address',
      error: "blocked_address: The endpoint's host leads to an address that webhooks may not reach.",
    },
  ],
};

describe('a delivery to what is not public', () => {
  const hosts = Object.values({ ...LOOPBACK_HOSTS, ...INNER_HOSTS }).map(([first]) => first);

  test('fails at once, once, and connects to nothing', async () => {
    for (const host of [...hosts, ...LOCALHOST_NAMES]) {
      const url = `http://${host}:${receiver.port}/`;
      expect(await attempt(url, production)).toEqual({ url, ...BLOCKED });
    }
    expect(receiver.connections).toBe(0);
    const logged = JSON.stringify(stage.logLines.map(({ error }) => error));
    expect(logged).not.toMatch(/127|169\.254|::1/);
  });

  test('by its name fails in the same way, also when only one of its addresses is not', async () => {
    const names = new Map([
      ['inner.test', ['10.1.2.3']],
      ['mixed.test', ['93.184.216.34', '127.0.0.1']],
    ]);
    const sender = createSenderFrom(
      { allowedNetworks: [], maxConnectionsPerOrigin: 4 },
      {
        resolveName: async (name) => names.get(name) ?? [],
        ownAddresses: () => [],
        now: () => performance.now(),
      },
    );
    for (const name of names.keys()) {
      const url = `http://${name}:${receiver.port}/`;
      expect(await attempt(url, sender)).toEqual({ url, ...BLOCKED });
    }
    expect(receiver.connections).toBe(0);
    await sender.close();
  });

  test('under a host that no name server can know is put off like any other name that is not found', async () => {
    const [url] = MALFORMED_URLS['must have a valid host name'];
    const end = await attempt(url.replace('PORT', String(receiver.port)), production);
    expect(end).toMatchObject({ kind: 'retry', attempts: [{ outcome: 'dns_failed' }] });
    expect(receiver.connections).toBe(0);
  });

  test('is delivered where its network is allowed: the receiver is there to be seen', async () => {
    const development = createSender({ allowedNetworks: ['127.0.0.0/8'], maxConnectionsPerOrigin: 4 });
    const { states } = await attempt(`http://127.1:${receiver.port}/`, development);
    expect(states).toEqual(['delivered', 'queued']);
    expect(receiver.requests).toHaveLength(1);
    await development.close();
  });
});
