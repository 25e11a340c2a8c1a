import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { startSweeps } from './run-sweeps.ts';

test('goes on batch after batch, and does not wait for the end of a pause to stop', async () => {
  const subject = await createTestDatabase();
  const pauses = [1, 1, 3_600_000];
  const sweeps = startSweeps(subject.database, async () => pauses.shift() ?? null, pino({ level: 'silent' }));
  try {
    await expect.poll(() => pauses.length).toBe(0);
  } finally {
    await sweeps.stop();
    await subject.drop();
  }
});
