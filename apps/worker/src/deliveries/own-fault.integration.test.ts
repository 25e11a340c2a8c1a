import { randomBytes } from 'node:crypto';
import { createSecretBox } from '@vendor-server/platform/secrets/secret-box.ts';
import {
  emptyDatabase,
  insertOrder,
  readAttempts,
  readDeliveries,
  readStates,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { parseExposition } from '@vendor-server/platform/testing/parse-exposition.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createAttemptStage } from '../testing/attempt-stage.ts';
import { attemptDelivery } from './attempt-delivery.ts';

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

describe('a worker whose keys cannot open the endpoint’s secret', () => {
  test('says so, sends nothing, and leaves the delivery whole at the head of its lane', async () => {
    const { orderId, deliveryIds } = await insertOrder(pool(), await stage.insertEndpoint(), [
      'queued',
      'blocked',
    ]);
    const deliveryId = deliveryIds[0] ?? '';
    await pool().query(`update order_transitions set request_id = 'request-1' where order_id = $1`, [
      orderId,
    ]);
    const wrong = createSecretBox({ current: randomBytes(32), previous: null });

    const end = await attemptDelivery({ ...stage.deps, secretBox: wrong }, { deliveryId, generation: 1 });

    expect(end).toEqual({ kind: 'skipped' });
    expect(stage.sent).toEqual([]);
    expect(await readStates(pool(), orderId)).toEqual(['waiting', 'blocked']);
    const [row] = await readDeliveries(pool(), orderId);
    expect(row).toMatchObject({ claimToken: null, budgetUsed: 0, interruptedCount: 0, attemptCount: 1 });
    expect(row?.dueInMs).toBeGreaterThan(25_000);
    expect(await readAttempts(pool(), deliveryId)).toMatchObject([
      { outcome: 'interrupted', error: expect.stringContaining('own_fault') },
    ]);
    const metrics = parseExposition(await stage.registry.metrics());
    expect(metrics.valueOf('vendor_server_delivery_own_faults_total')).toBe(1);
    expect(stage.logLines).toMatchObject([
      {
        level: 'error',
        msg: 'Webhook could not be sent by a fault of ours',
        deliveryId,
        orderId,
        requestId: 'request-1',
        attempt: 1,
      },
    ]);
  });
});
