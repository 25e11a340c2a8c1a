import { expect, test, vi } from 'vitest';
import { waitForQueue } from './wait-for-queue.ts';

test('asks until the queue answers', async () => {
  const ping = vi.fn(async () => undefined);
  ping.mockRejectedValueOnce(new Error('connecting')).mockRejectedValueOnce(new Error('connecting'));
  await waitForQueue({ ping }, 60_000);
  expect(ping).toHaveBeenCalledTimes(3);
});

test('goes on without a queue that is away', async () => {
  const ping = vi.fn(() => Promise.reject(new Error('away')));
  await waitForQueue({ ping }, 50);
  expect(ping).toHaveBeenCalled();
});
