/** What attempts find out of their endpoints is what the metrics name, on whichever process they are read. */
import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-result.ts';
import { createMetricsRegistry } from '@vendor-server/platform/metrics/create-registry.ts';
import { createEndpointMetrics } from '@vendor-server/platform/metrics/endpoint-metrics.ts';
import { insertOrder } from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { parseExposition } from '@vendor-server/platform/testing/parse-exposition.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { attemptDelivery } from '../deliveries/attempt-delivery.ts';
import { answered, TIMED_OUT } from '../testing/attempt-results.ts';
import { createAttemptStage } from '../testing/attempt-stage.ts';

let subject: Awaited<ReturnType<typeof createTestDatabase>>;

beforeAll(async () => {
  subject = await createTestDatabase();
});
afterAll(() => subject.drop());

test('an endpoint that breaks, one that is gone and one that struggles are named; one that works is not', async () => {
  const { pool } = subject.database;
  const stage = createAttemptStage(subject.database);

  /** An endpoint that answers so, to an order each. */
  async function addEndpoint(...answers: AttemptResult[]) {
    const endpoint = await stage.insertEndpoint({ window: 1 });
    await pool.query(
      `update webhook_endpoints set window_changed_at = now() - interval '1 min' where id = $1`,
      [endpoint.endpointId],
    );
    for (const answer of answers) {
      const [deliveryId = ''] = (await insertOrder(pool, endpoint, ['queued'])).deliveryIds;
      stage.answer(answer);
      await attemptDelivery(stage.deps, { deliveryId, generation: 1 });
    }
    return endpoint.endpointId;
  }

  const silent = await addEndpoint(TIMED_OUT);
  const gone = await addEndpoint(answered(410), answered(410), answered(410));
  const refusing = await addEndpoint(answered(404), answered(404), answered(404));
  const working = await addEndpoint(answered(200), answered(503), answered(200));

  const registry = createMetricsRegistry();
  await createEndpointMetrics({ registry, database: subject.database })();
  const named = parseExposition(await registry.metrics())
    .samples.filter(({ name }) => name === 'vendor_server_unhealthy_endpoint_since_timestamp_seconds')
    .map(({ labels: { endpoint_id: id, state, reason }, value }) => ({ id, state, reason, value }));
  const value = expect.toSatisfy((since: number) => Math.abs(since - Date.now() / 1_000) < 60);
  expect(named).toHaveLength(3);
  expect(named).toEqual(
    expect.arrayContaining([
      { id: silent, state: 'broken', reason: 'timed_out_no_answer', value },
      { id: gone, state: 'disabled', reason: 'gone', value },
      { id: refusing, state: 'struggling', reason: 'rejected_404', value },
    ]),
  );
  expect(named.map(({ id }) => id)).not.toContain(working);
});
