import { expect, test, vi } from 'vitest';
import { DeliveryQueueAdapter } from './delivery-queue-adapter.ts';

test('no page asks the queue for more than 100 jobs', async () => {
  const listJobs = vi.fn(async () => []);
  const inspector = { listJobs, findJob: async () => null, readLog: async () => [] };
  const adapter = new DeliveryQueueAdapter({ counts: () => Promise.reject(new Error('unused')), inspector });
  await adapter.getJobs(['failed'], 0, 9);
  await adapter.getJobs(['failed', 'delayed'], 200, 100_000);
  // What this queue has no jobs of is not asked for.
  await adapter.getJobs(['paused'], 0, 9);
  expect(listJobs.mock.calls).toEqual([
    [['failed'], 0, 9],
    [['failed', 'delayed'], 200, 299],
  ]);
});
