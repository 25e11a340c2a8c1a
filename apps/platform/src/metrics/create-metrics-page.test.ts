import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Database } from '../database/create-database.ts';
import { parseExposition } from '../testing/parse-exposition.ts';
import { createMetricsPage } from './create-metrics-page.ts';
import { createMetricsRegistry } from './create-registry.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

test('many scrapes at once and soon after cost one read of each kind', async () => {
  const row = { blocked: 1, waiting: 2, queued: 3, oldestOpenSeconds: 0, oldestHeldSeconds: 0 };
  const query = async ({ name }: { name?: string }) => ({
    rows: name === 'read-backlog' ? [{ ...row, oldestDueSeconds: 0 }] : [],
  });
  const connect = vi.fn(async () => ({ query, release: () => undefined }));
  const counts = vi.fn(async () => ({ waiting: 0, active: 0, delayed: 0, completed: 0, failed: 0 }));
  const page = createMetricsPage({
    registry: createMetricsRegistry(),
    database: { pool: { connect } as unknown as Database['pool'] },
    queue: { counts },
    readChecks: async () => ({ database: 'up', queue: 'up' }),
  });
  await Promise.all([page.read(), page.read()]);
  const { valueOf } = parseExposition(await page.read());
  expect(valueOf('vendor_server_deliveries_open', { state: 'waiting' })).toBe(2);
  // The backlog, and the endpoints that are not healthy.
  expect(connect).toHaveBeenCalledTimes(2);
  expect(counts).toHaveBeenCalledOnce();
});

const never = () => Promise.withResolvers<never>().promise;

test('a database and a queue that hang do not make it hang', async () => {
  const page = createMetricsPage({
    registry: createMetricsRegistry(),
    database: { pool: { connect: never } as unknown as Database['pool'] },
    queue: { counts: never },
    readChecks: async () => ({ database: 'down', queue: 'down' }),
  });
  for (let time = 0; time < 2; time += 1) {
    const reading = page.read();
    await vi.advanceTimersByTimeAsync(1_500);
    const { valueOf } = parseExposition(await reading);
    expect(valueOf('vendor_server_readiness_check_up', { check: 'database' })).toBe(0);
    expect(valueOf('vendor_server_backlog_read_timestamp_seconds', { source: 'database' })).toBe(0);
    // What was never read is not said to be nothing.
    expect(valueOf('vendor_server_deliveries_open', { state: 'waiting' })).toBeNull();
    expect(valueOf('process_cpu_seconds_total')).not.toBeNull();
  }
});
