import { explain } from '@vendor-server/platform/testing/explain.ts';
import { insertBacklog } from '@vendor-server/platform/testing/insert-backlog.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isStandingStill } from './standstill-sql.ts';

let subject: Awaited<ReturnType<typeof createTestDatabase>>;

beforeAll(async () => {
  subject = await createTestDatabase();
  const counts = { delivered: 60_000, waiting: 20_000, blocked: 20_000, queued: 320 };
  await insertBacklog(subject.database.pool, { endpoints: 20, ...counts });
}, 60_000);
afterAll(() => subject.drop());

/** Due for a minute: standing for more than 30 s, not for more than 10 min. */
test.each([
  ['that stands', 30_000, true],
  ['that moves', 600_000, false],
])('a backlog %s is judged by a few index probes', async (_title, periodMs, isStanding) => {
  const { pool } = subject.database;
  expect(await isStandingStill(pool, periodMs)).toBe(isStanding);
  for (const prepare of ['select 1', 'analyze deliveries']) {
    await pool.query(prepare);
    const { nodes } = await explain(pool, (executor) => isStandingStill(executor, periodMs));
    const reads = nodes.filter(({ table }) => table === 'deliveries');
    expect(reads.length).toBe(3);
    expect(reads.map(({ type }) => type).filter((type) => type === 'Seq Scan')).toEqual([]);
    // All that is queued, at most.
    for (const { rows } of reads) expect(rows).toBeLessThanOrEqual(320);
  }
});
