import { randomBytes } from 'node:crypto';
import { createSigningSecret } from '@vendor-server/domain/webhooks/sign-webhook.ts';
import { hashSecret } from '@vendor-server/platform/secrets/hash-secret.ts';
import {
  emptyDatabase,
  insertOrder,
  readAttempts,
  readDeliveries,
  readStates,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { answered } from '../testing/attempt-results.ts';
import { type Answer, createAttemptStage } from '../testing/attempt-stage.ts';
import { attemptDelivery } from './attempt-delivery.ts';

const OLD = 'test-customer-secret-old';
const NEW = 'test-customer-secret-new';

let subject: Awaited<ReturnType<typeof createTestDatabase>>;
let stage: ReturnType<typeof createAttemptStage>;

beforeAll(async () => {
  subject = await createTestDatabase();
});
afterAll(() => subject.drop());
beforeEach(async () => {
  await emptyDatabase(subject.database.pool);
  stage = createAttemptStage(subject.database);
});

const pool = () => subject.database.pool;
const sentSecrets = () => stage.sent.map(({ headers }) => headers['x-vendor-server-secret']);

/** A receiver as in the integration guide: it holds one secret and answers any other with 401. */
function holding(secret: string): Answer {
  return ({ headers }) => answered(headers['x-vendor-server-secret'] === secret ? 200 : 401);
}

/** An endpoint whose customer server's secret went from OLD to NEW a moment ago, or longer ago than they overlap. */
async function insertRotated({ overlaps = true } = {}) {
  const endpoint = await stage.insertEndpoint();
  const { customerServerId, endpointId } = endpoint;
  await pool().query(
    `update customer_servers
        set secret_hash = $5, previous_secret_hash = $6,
            secret_ciphertext = $2, previous_secret_ciphertext = $3, outbound_secret = 'previous',
            secret_overlap_until = now() + case when $4 then interval '1 h' else interval '-1 h' end
      where id = $1`,
    [
      customerServerId,
      stage.deps.secretBox.seal(NEW, customerServerId),
      stage.deps.secretBox.seal(OLD, customerServerId),
      overlaps,
      hashSecret(NEW),
      hashSecret(OLD),
    ],
  );
  await pool().query('update webhook_endpoints set send_shared_secret = true where id = $1', [endpointId]);
  return endpoint;
}

async function insertQueued(endpoint: Awaited<ReturnType<typeof insertRotated>>) {
  const { orderId, deliveryIds } = await insertOrder(pool(), endpoint, ['queued']);
  return {
    orderId,
    deliveryId: deliveryIds[0] ?? '',
    job: { deliveryId: deliveryIds[0] ?? '', generation: 1 },
  };
}

describe('while a customer server’s secret is rotated', () => {
  test('a receiver that still holds the old one gets it, and nothing else', async () => {
    const { job } = await insertQueued(await insertRotated());
    stage.answer(holding(OLD));
    expect(await attemptDelivery(stage.deps, job)).toMatchObject({ kind: 'done' });
    expect(sentSecrets()).toEqual([OLD]);
  });

  test('one that has changed gets the new one at once, on top of its budget; later deliveries begin with it', async () => {
    const endpoint = await insertRotated();
    const { job, orderId, deliveryId } = await insertQueued(endpoint);
    stage.answer(holding(NEW), holding(NEW), holding(NEW));
    expect(await attemptDelivery(stage.deps, job)).toMatchObject({ kind: 'retry', delayMs: 0 });
    expect(await attemptDelivery(stage.deps, job)).toMatchObject({ kind: 'done' });
    expect(sentSecrets()).toEqual([OLD, NEW]);
    expect(await readStates(pool(), orderId)).toEqual(['delivered']);
    expect(await readDeliveries(pool(), orderId)).toMatchObject([{ attemptCount: 2, budgetUsed: 1 }]);
    expect(await readAttempts(pool(), deliveryId)).toMatchObject([
      { trigger: 'first', responseStatus: 401 },
      { trigger: 'rotation', responseStatus: 200 },
    ]);

    const later = await insertQueued(endpoint);
    expect(await attemptDelivery(stage.deps, later.job)).toMatchObject({ kind: 'done' });
    expect(sentSecrets()).toEqual([OLD, NEW, NEW]);
  });

  test('two deliveries that are refused at once both get the other one', async () => {
    const endpoint = await insertRotated();
    const [one, other] = [await insertQueued(endpoint), await insertQueued(endpoint)];
    stage.answer(holding(NEW), holding(NEW), holding(NEW), holding(NEW));
    expect(await attemptDelivery(stage.deps, one.job)).toMatchObject({ kind: 'retry' });
    expect(await attemptDelivery(stage.deps, other.job)).toMatchObject({ kind: 'retry' });
    // The first to be accepted changes what deliveries begin with.
    expect(await attemptDelivery(stage.deps, one.job)).toMatchObject({ kind: 'done' });
    expect(await attemptDelivery(stage.deps, other.job)).toMatchObject({ kind: 'done' });
    expect(sentSecrets()).toEqual([OLD, OLD, NEW, NEW]);
  });

  test('one that changes back, or was told too early, is found again', async () => {
    const endpoint = await insertRotated();
    await pool().query(`update customer_servers set outbound_secret = 'current'`);
    const { job } = await insertQueued(endpoint);
    stage.answer(holding(OLD), holding(OLD));
    await attemptDelivery(stage.deps, job);
    expect(await attemptDelivery(stage.deps, job)).toMatchObject({ kind: 'done' });
    expect(sentSecrets()).toEqual([NEW, OLD]);
  });

  test('one that refuses both fails after the second', async () => {
    const { job, orderId } = await insertQueued(await insertRotated());
    stage.answer(answered(401), answered(403));
    await attemptDelivery(stage.deps, job);
    expect(await attemptDelivery(stage.deps, job)).toMatchObject({ kind: 'failed', reason: 'rejected 403' });
    expect(await readStates(pool(), orderId)).toEqual(['failed']);
  });

  test('one that is away in between is retried within its budget, beginning with the first choice', async () => {
    const { job, orderId } = await insertQueued(await insertRotated());
    stage.answer(answered(401), answered(503));
    await attemptDelivery(stage.deps, job);
    expect(await attemptDelivery(stage.deps, job)).toMatchObject({ kind: 'retry', delayMs: 1_000 });
    expect(await readDeliveries(pool(), orderId)).toMatchObject([{ budgetUsed: 1 }]);
    await pool().query('update deliveries set due_at = now()');
    stage.answer(holding(OLD));
    expect(await attemptDelivery(stage.deps, job)).toMatchObject({ kind: 'done' });
    expect(sentSecrets()).toEqual([OLD, NEW, OLD]);
  });
});

test('what a receiver repeats of its secrets is neither stored nor logged', async () => {
  const endpoint = await insertRotated();
  const { job, deliveryId } = await insertQueued(endpoint);
  const signingSecret = createSigningSecret(randomBytes(32));
  await pool().query('update webhook_endpoints set signing_secret_ciphertext = $1', [
    stage.deps.secretBox.seal(signingSecret, endpoint.endpointId),
  ]);
  const echo: Answer = ({ headers }) => ({
    ...answered(500),
    responseExcerpt: `${JSON.stringify(headers)}, key ${signingSecret}, cut ${OLD.slice(0, -1)}`,
  });
  stage.answer(echo);
  await attemptDelivery({ ...stage.deps, settings: { ...stage.deps.settings, debugWebhooks: true } }, job);
  const { rows } = await pool().query<{ excerpt: string }>(
    'select response_excerpt as excerpt from delivery_attempts where delivery_id = $1',
    [deliveryId],
  );
  expect(rows[0]?.excerpt).toContain('"x-vendor-server-secret":"[redacted]"');
  expect(rows[0]?.excerpt).toContain('key [redacted], cut [redacted]');
  const log = JSON.stringify(stage.logLines);
  expect(log).toContain('webhook response');
  for (const secret of [OLD, signingSecret]) {
    for (const part of [secret.slice(0, 12), secret.slice(-12)]) {
      expect(rows[0]?.excerpt).not.toContain(part);
      expect(log).not.toContain(part);
    }
  }
});

test('after the overlap only the new secret is sent, and a refusal is final', async () => {
  const { job } = await insertQueued(await insertRotated({ overlaps: false }));
  stage.answer(holding(OLD));
  expect(await attemptDelivery(stage.deps, job)).toMatchObject({ kind: 'failed', reason: 'rejected 401' });
  expect(sentSecrets()).toEqual([NEW]);
});
