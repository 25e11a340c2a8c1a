/**
 * What the relay asks every second reads a bounded number of rows also when a backlog has just come, and PostgreSQL's
 * statistics are of the time before: some deliveries wait, far fewer than a limit.
 */
import { createDatabase, type Database } from '@vendor-server/platform/database/create-database.ts';
import { explain, explainKeptPlan } from '@vendor-server/platform/testing/explain.ts';
import { insertBacklog } from '@vendor-server/platform/testing/insert-backlog.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findOverdueEndpoints } from '../holds/hold-sql.ts';
import { findProbeDue } from './probe-sql.ts';
import { findLateJobs, findPromotableEndpoints, findStandingLanes } from './relay-sql.ts';

const LIMIT = 500;

let subject: Awaited<ReturnType<typeof createTestDatabase>>;
/** As a worker opens it. */
let database: Database;

beforeAll(async () => {
  subject = await createTestDatabase();
  const { pool } = subject.database;
  await pool.query('alter table deliveries set (autovacuum_enabled = false)');
  await insertBacklog(pool, { endpoints: 10, delivered: 3_000, waiting: 80, blocked: 80, queued: 80 });
  await pool.query('analyze');
  await insertBacklog(pool, { endpoints: 10, delivered: 0, waiting: 10_000, blocked: 30_000, queued: 600 });
  await pool.query(`update webhook_endpoints set state = 'paused' where right(id, 1) < '8'`);
  await pool.query(`update deliveries set job_due_at = now() - interval '1 min' where state = 'queued'`);
  database = createDatabase({
    url: subject.url,
    applicationName: 'test',
    maxConnections: 2,
    walksIndexes: true,
  });
}, 60_000);
afterAll(async () => {
  await database.close();
  await subject.drop();
});

test.each<[string, Parameters<typeof explain>[1]]>([
  ['standing lanes', (executor) => findStandingLanes(executor, { endpointId: '', orderId: '' }, LIMIT)],
  ['promotable endpoints', (executor) => findPromotableEndpoints(executor, '', 200)],
  ['late jobs', (executor) => findLateJobs(executor, 2_000, null, LIMIT)],
  ['due probes', (executor) => findProbeDue(executor, null, LIMIT)],
  ['overdue endpoints', (executor) => findOverdueEndpoints(executor, '', 1_000, 100)],
])('%s', async (_of, find) => {
  for (const plan of [await explain(database.pool, find), await explainKeptPlan(database.pool, find)]) {
    for (const node of plan.nodes) expect(node.rows, JSON.stringify(node)).toBeLessThanOrEqual(2 * LIMIT);
  }
});
