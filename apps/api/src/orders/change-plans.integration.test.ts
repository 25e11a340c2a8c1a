/** A change reads of the deliveries what concerns it, however much waits and whatever the statistics say of that. */
import { insertOrder } from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { explain } from '@vendor-server/platform/testing/explain.ts';
import { insertBacklog } from '@vendor-server/platform/testing/insert-backlog.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { decideCancellation } from '../testing/decide-cancellation.ts';
import { writeOrderChanges } from './changes-together-sql.ts';
import { writeOrderChange } from './order-change-sql.ts';

/** The room in a window is counted. */
const MOST = 64;

let subject: Awaited<ReturnType<typeof createTestDatabase>>;
let endpointId: string;

beforeAll(async () => {
  subject = await createTestDatabase();
  const { pool } = subject.database;
  await pool.query('alter table deliveries set (autovacuum_enabled = false)');
  await insertBacklog(pool, { endpoints: 2, delivered: 10_000, waiting: 0, blocked: 0, queued: 0 });
  await pool.query('vacuum analyze deliveries');
  const open = { delivered: 0, waiting: 5_000, blocked: 5_000, queued: 60 };
  [endpointId = ''] = await insertBacklog(pool, { endpoints: 1, ...open });
}, 60_000);
afterAll(() => subject.drop());

describe.each(['select 1', 'analyze deliveries'])('after %s', (prepare) => {
  beforeEach(() => subject.database.pool.query(prepare));

  test.each(['every_step', 'latest_only'] as const)('at an endpoint with mode %s', async (mode) => {
    const { pool } = subject.database;
    const { rows } = await pool.query<{ customerServerId: string }>(
      `update webhook_endpoints set mode = $2 where id = $1 returning customer_server_id as "customerServerId"`,
      [endpointId, mode],
    );
    const customerServerId = rows[0]?.customerServerId ?? '';
    const { orderId } = await insertOrder(pool, { customerServerId, endpointId }, ['waiting', 'blocked']);
    const { order, record } = await decideCancellation(pool, orderId);

    const statements: Parameters<typeof explain>[1][] = [
      (executor) => writeOrderChange(executor, order, record),
      (executor) => writeOrderChanges(executor, [{ order, record }]),
    ];
    for (const run of statements) {
      const { nodes } = await explain(pool, run);
      const reads = nodes.filter(({ table, type }) => table === 'deliveries' && type !== 'ModifyTable');
      expect(reads.length).toBeGreaterThan(0);
      for (const read of reads) expect(read.rows, JSON.stringify(read)).toBeLessThanOrEqual(MOST);
    }
  });
});
