import { createMetricsPage } from '@vendor-server/platform/metrics/create-metrics-page.ts';
import { createUseCounter } from '@vendor-server/platform/rate-limits/create-use-counter.ts';
import { emptyDatabase, insertOrder } from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { parseExposition } from '@vendor-server/platform/testing/parse-exposition.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { attemptDelivery } from '../deliveries/attempt-delivery.ts';
import { answered, TIMED_OUT } from '../testing/attempt-results.ts';
import { createAttemptStage } from '../testing/attempt-stage.ts';
import { expireClaim, makeDueEarlier } from '../testing/shift-time-sql.ts';
import { createMetricsGate } from './create-metrics-gate.ts';
import { startHealthServer } from './start-health-server.ts';

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
const scrape = async () => parseExposition(await stage.registry.metrics());

async function insertQueued() {
  const endpoint = await stage.insertEndpoint();
  const [deliveryId = ''] = (await insertOrder(pool(), endpoint, ['queued'])).deliveryIds;
  return { deliveryId, attempt: () => attemptDelivery(stage.deps, { deliveryId, generation: 1 }) };
}

describe('counted are', () => {
  test('attempts by outcome, deliveries by their end, and the time from the change to its acceptance', async () => {
    const { deliveryId, attempt } = await insertQueued();
    await pool().query(`update deliveries set changed_at = changed_at - interval '42 s' where id = $1`, [
      deliveryId,
    ]);
    stage.answer(answered(503));
    await attempt();
    await makeDueEarlier(pool(), deliveryId, 1_000);
    await attempt();

    const { valueOf } = await scrape();
    const attempts = 'vendor_server_delivery_attempts_total';
    expect(valueOf(attempts, { reason: 'service_unavailable', response_class: '5xx' })).toBe(1);
    expect(valueOf(attempts, { outcome: 'acknowledged', response_class: '2xx' })).toBe(1);
    expect(valueOf('vendor_server_deliveries_finished_total', { state: 'delivered' })).toBe(1);
    expect(valueOf('vendor_server_delivery_latency_seconds_count')).toBe(1);
    const latency = valueOf('vendor_server_delivery_latency_seconds_sum');
    expect(latency).toBeGreaterThanOrEqual(42);
    expect(latency).toBeLessThan(72);
    const durations = 'vendor_server_delivery_attempt_duration_seconds_sum';
    expect(valueOf(durations, { outcome: 'rejected' })).toBeCloseTo(0.012);
  });

  test('no times of deliveries that were opened again', async () => {
    const { deliveryId, attempt } = await insertQueued();
    await pool().query(`update deliveries set opened_by = 'replay' where id = $1`, [deliveryId]);
    await attempt();
    const { valueOf } = await scrape();
    expect(valueOf('vendor_server_deliveries_finished_total', { state: 'delivered' })).toBe(1);
    expect(valueOf('vendor_server_delivery_latency_seconds_count')).toBe(0);
  });

  test('failures, and answers without a status', async () => {
    const [refused, silent] = [await insertQueued(), await insertQueued()];
    stage.answer(answered(400), TIMED_OUT);
    await refused.attempt();
    await silent.attempt();
    const { valueOf } = await scrape();
    expect(valueOf('vendor_server_deliveries_finished_total', { state: 'failed' })).toBe(1);
    const timedOut = { outcome: 'timed_out', reason: 'no_answer', response_class: 'none' };
    expect(valueOf('vendor_server_delivery_attempts_total', timedOut)).toBe(1);
  });

  test('what ended with its endpoint, found by a job or by the relay', async () => {
    const endpoint = await stage.insertEndpoint({ deleted: true });
    const [deliveryId = ''] = (await insertOrder(pool(), endpoint, ['queued', 'blocked'])).deliveryIds;
    expect(await attemptDelivery(stage.deps, { deliveryId, generation: 1 })).toEqual({ kind: 'skipped' });
    const cancelled = async () =>
      (await scrape()).valueOf('vendor_server_deliveries_finished_total', { state: 'cancelled' });
    expect(await cancelled()).toBe(2);
    await insertOrder(pool(), endpoint, ['waiting', 'blocked', 'blocked']);
    await stage.relayTick();
    expect(await cancelled()).toBe(5);
  });

  test('what the relay repairs, and an answer that came too late', async () => {
    const lost = await insertQueued();
    await makeDueEarlier(pool(), lost.deliveryId, 5_000);
    const late = await insertQueued();
    stage.answer(async () => {
      await expireClaim(pool(), late.deliveryId);
      await stage.relayTick();
      return answered(200);
    });
    await late.attempt();

    const { valueOf } = await scrape();
    const moves = 'vendor_server_relay_moves_total';
    expect(valueOf(moves, { kind: 'remade_job' })).toBe(1);
    expect(valueOf(moves, { kind: 'ended_claim' })).toBe(1);
    expect(valueOf('vendor_server_late_answers_total')).toBe(1);
    const interrupted = { outcome: 'interrupted', reason: 'interrupted', response_class: 'none' };
    expect(valueOf('vendor_server_delivery_attempts_total', interrupted)).toBe(1);
    expect(valueOf('vendor_server_delivery_attempts_total', { outcome: 'acknowledged' })).toBe(0);
    expect(valueOf('vendor_server_relay_last_tick_timestamp_seconds')).toBeGreaterThan(1_000_000_000);
  });
});

describe('GET /metrics', () => {
  const KEY = 'test-admin-key-1';

  async function start() {
    const settings = { adminApiKeys: [KEY], rateLimitWrongCredentialsPerMinute: 2 };
    const useCounter = createUseCounter({ shared: null, logger: stage.deps.logger });
    const server = await startHealthServer({
      host: '127.0.0.1',
      port: 0,
      readiness: { noteProgress: () => undefined, report: () => Promise.reject(new Error('not asked')) },
      metricsPage: createMetricsPage({
        registry: stage.registry,
        database: subject.database,
        queue: stage.queue,
        readChecks: async () => ({ database: 'up', queue: 'up', progress: 'down' }),
      }),
      metricsGate: createMetricsGate({ settings, useCounter }),
    });
    onTestFinished(async () => {
      useCounter.close();
      await server.close();
    });
    return (authorization?: string) =>
      fetch(`http://127.0.0.1:${server.port}/metrics`, authorization ? { headers: { authorization } } : {});
  }

  test('shows the backlog, the queue and the checks to an operator', async () => {
    const endpoint = await stage.insertEndpoint();
    await insertOrder(pool(), endpoint, ['waiting', 'blocked', 'blocked']);
    await insertOrder(pool(), await stage.insertEndpoint({ state: 'paused' }), ['waiting']);
    await pool().query(
      `update deliveries set opened_at = now() - case endpoint_id when $1 then interval '1 h' else interval '2 h' end,
                             due_at = now() - interval '5 min'`,
      [endpoint.endpointId],
    );
    const ask = await start();
    const answer = await ask(`Basic ${Buffer.from(`admin:${KEY}`).toString('base64')}`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const { valueOf } = parseExposition(await answer.text());
    expect(valueOf('vendor_server_deliveries_open', { state: 'blocked' })).toBe(2);
    expect(valueOf('vendor_server_deliveries_open', { state: 'waiting' })).toBe(2);
    expect(valueOf('vendor_server_deliveries_open', { state: 'queued' })).toBe(0);
    const oldest = (of: string) =>
      valueOf('vendor_server_oldest_undelivered_delivery_age_seconds', { endpoint: of });
    expect(oldest('open')).toBeGreaterThanOrEqual(3_600);
    expect(oldest('held')).toBeGreaterThanOrEqual(7_200);
    const due = valueOf('vendor_server_oldest_due_delivery_age_seconds');
    expect(due).toBeGreaterThanOrEqual(300);
    expect(due).toBeLessThan(3_600);
    expect(valueOf('vendor_server_unhealthy_endpoints', { state: 'paused' })).toBe(1);
    expect(valueOf('vendor_server_queue_jobs', { state: 'waiting' })).toBe(0);
    expect(valueOf('vendor_server_readiness_check_up', { check: 'progress' })).toBe(0);
    expect(valueOf('vendor_server_readiness_check_up', { check: 'database' })).toBe(1);
  });

  test('refuses everybody else, and an address that guesses', async () => {
    const ask = await start();
    const missing = await ask();
    expect(missing.status).toBe(401);
    expect(missing.headers.get('www-authenticate')).toMatch(/^Basic /);
    const statuses = [];
    for (let guess = 0; guess < 3; guess += 1) statuses.push((await ask('Bearer wrong')).status);
    expect(statuses).toEqual([401, 401, 429]);
    const { headers } = await ask('Bearer wrong');
    expect(headers.get('retry-after')).toMatch(/^\d+$/);
    expect(headers.get('ratelimit-reset')).toBe(headers.get('retry-after'));
    expect(headers.get('ratelimit-limit')).toBe('2');
    expect(headers.get('ratelimit-remaining')).toBe('0');
    expect((await ask(`Bearer ${KEY}`)).status).toBe(200);
  });
});
