import { decideHealthState } from '@vendor-server/domain/endpoints/endpoint-health.ts';
import { PAUSED_BY_OPERATOR } from '@vendor-server/domain/endpoints/pause-reasons.ts';
import { ENDPOINT_STATES } from '@vendor-server/domain/endpoints/webhook-endpoint.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { withTransaction } from '../database/sql-executor.ts';
import { emptyDatabase, insertEndpoint } from '../testing/delivery-fixtures.ts';
import { explain } from '../testing/explain.ts';
import { parseExposition } from '../testing/parse-exposition.ts';
import { createTestDatabase } from '../testing/test-database.ts';
import { keepToIndexOrder } from './backlog-sql.ts';
import { createMetricsRegistry } from './create-registry.ts';
import { createEndpointMetrics } from './endpoint-metrics.ts';
import { MAX_NAMED, readUnhealthyEndpoints, selectUnhealthyEndpoints } from './unhealthy-endpoints-sql.ts';

const SINCE = 'vendor_server_unhealthy_endpoint_since_timestamp_seconds';
const NEXT_PROBE = 'vendor_server_broken_endpoint_next_probe_timestamp_seconds';
const TOTAL = 'vendor_server_unhealthy_endpoints';

let subject: Awaited<ReturnType<typeof createTestDatabase>>;

beforeAll(async () => {
  subject = await createTestDatabase();
});
afterAll(() => subject.drop());

const pool = () => subject.database.pool;

async function scrape() {
  const registry = createMetricsRegistry();
  await createEndpointMetrics({ registry, database: subject.database })();
  return parseExposition(await registry.metrics());
}

/** Columns of an endpoint of its own, as SQL. */
async function insertWith(columns: Readonly<Record<string, string>>) {
  const endpoint = await insertEndpoint(pool());
  const assignments = Object.entries(columns).map(([name, value]) => `"${name}" = ${value}`);
  await pool().query(`update webhook_endpoints set ${assignments.join(', ')} where id = $1`, [
    endpoint.endpointId,
  ]);
  return endpoint;
}

const BROKEN = {
  window: '0',
  broken_since: `'2026-11-25T02:00:00Z'`,
  next_probe_at: `'2026-11-25T02:00:15Z'`,
  failing_since: `'2026-11-25T01:59:00Z'`,
  consecutive_failures: '20',
  last_failure_reason: `'rejected 503'`,
};

describe('what is shown', () => {
  beforeEach(() => emptyDatabase(pool()));

  test('a broken endpoint is named with its owner, since when, why, and until when it is left alone', async () => {
    const { endpointId, customerServerId } = await insertWith(BROKEN);
    const owner = {
      endpoint_id: endpointId,
      customer_server_id: customerServerId,
      customer_server: 'Test server',
    };
    const { samples } = await scrape();
    expect(samples.filter(({ name }) => name === SINCE)).toEqual([
      {
        name: SINCE,
        labels: { ...owner, state: 'broken', reason: 'rejected_503' },
        value: Date.parse('2026-11-25T02:00:00Z') / 1_000,
      },
    ]);
    expect(samples.filter(({ name }) => name === NEXT_PROBE)).toEqual([
      { name: NEXT_PROBE, labels: owner, value: Date.parse('2026-11-25T02:00:15Z') / 1_000 },
    ]);
  });

  test('a name that holds quotes and lines is one label', async () => {
    await insertWith(BROKEN);
    await pool().query('update customer_servers set name = $1', ['A "quoted"\nserver']);
    const [named] = (await scrape()).samples.filter(({ name }) => name === SINCE);
    expect(named?.labels['customer_server']).toBe('A \\"quoted\\"\\nserver');
  });

  test('each state says since when it is so, and has a total', async () => {
    const at = (hour: number) => `'2026-11-25T0${hour}:00:00Z'`;
    await insertWith({ failing_since: at(1), consecutive_failures: '3', last_failure_reason: `'timed_out'` });
    await insertWith({ state: `'paused'`, state_reason: `'${PAUSED_BY_OPERATOR}'`, state_changed_at: at(2) });
    await insertWith({ ...BROKEN, state: `'disabled'`, state_changed_at: at(3) });
    // Of a time before it was noted when one broke.
    await insertWith({ ...BROKEN, broken_since: 'null', failing_since: at(4) });
    await insertWith({ failing_since: at(5), consecutive_failures: '2' });
    await insertWith({ ...BROKEN, deleted_at: 'now()' });
    const { samples, valueOf } = await scrape();
    const shown = samples
      .filter(({ name }) => name === SINCE)
      .map(
        ({ labels: { state, reason }, value }) =>
          `${state} ${reason} ${new Date(value * 1_000).getUTCHours()}`,
      );
    expect(shown.toSorted()).toEqual([
      'broken rejected_503 4',
      'disabled unknown 3',
      'paused paused_by_operator 2',
      'struggling timed_out 1',
    ]);
    for (const state of ['struggling', 'broken', 'paused', 'disabled'])
      expect(valueOf(TOTAL, { state })).toBe(1);
  });

  test('one that is well again has no series any more, and the totals say none', async () => {
    const registry = createMetricsRegistry();
    let now = 0;
    const refresh = createEndpointMetrics({ registry, database: subject.database, now: () => now });
    const { endpointId } = await insertWith(BROKEN);
    await refresh();
    expect(await registry.metrics()).toContain(endpointId);
    await pool().query(
      `update webhook_endpoints set "window" = 1, consecutive_failures = 0, failing_since = null`,
    );
    now = 60_000;
    await refresh();
    const text = await registry.metrics();
    expect(text).not.toContain(endpointId);
    expect(parseExposition(text).valueOf(TOTAL, { state: 'broken' })).toBe(0);
  });

  test('who is unhealthy, and how, is what the health of each says', async () => {
    const expected: Record<string, string> = {};
    for (const state of ENDPOINT_STATES) {
      for (const window of [0, 1, 64]) {
        for (const consecutiveFailures of [0, 2, 3, 50]) {
          const { endpointId } = await insertWith({
            state: `'${state}'`,
            window: `${window}`,
            next_probe_at: window === 0 ? 'now()' : 'null',
            consecutive_failures: `${consecutiveFailures}`,
            failing_since: consecutiveFailures > 0 ? 'now()' : 'null',
          });
          const health = decideHealthState({ state, window, consecutiveFailures });
          if (health !== 'healthy') expected[endpointId] = health;
        }
      }
    }
    const read = await readUnhealthyEndpoints(pool());
    expect(Object.fromEntries(read.map(({ endpointId, state }) => [endpointId, state]))).toEqual(expected);
  });
});

describe('however many endpoints there are and however many of them are broken', () => {
  const MANY = 12_000;

  beforeAll(async () => {
    await emptyDatabase(pool());
    const { customerServerId } = await insertEndpoint(pool());
    const insert = (count: number, columns: string, values: string) =>
      pool().query(
        `insert into webhook_endpoints (id, customer_server_id, url, signing_secret_ciphertext, created_at ${columns})
         select new_id(), $1, 'http://127.0.0.1:4000/', 'sealed', now() - n * interval '1 s' ${values}
           from generate_series(1, $2::int) n`,
        [customerServerId, count],
      );
    await pool().query('alter table webhook_endpoints set (autovacuum_enabled = false)');
    await insert(MANY, '', '');
    await pool().query('analyze webhook_endpoints');
    await insert(
      MANY,
      ', "window", next_probe_at, broken_since, failing_since, consecutive_failures',
      ", 0, now() + n * interval '1 ms', now(), now(), 20",
    );
    await insert(MAX_NAMED + 1, ', state', ", 'paused'");
    await insert(3, ', failing_since, consecutive_failures', ', now(), 3');
    // Tried long ago, and disabled since.
    await insert(
      MANY,
      ', "window", next_probe_at, failing_since, consecutive_failures, state',
      ", 0, now() - interval '1 day', now(), 20, 'disabled'",
    );
    // Older than all of the broken and disabled ones, which fail too.
    await pool().query(
      `update webhook_endpoints set created_at = created_at - interval '1 day'
        where consecutive_failures = 3 or state = 'paused'`,
    );
  });

  test('as many are named of each state as a scrape can bear, the same ones each time, and the rest is counted', async () => {
    const { samples, valueOf } = await scrape();
    const named = samples.filter(({ name }) => name === SINCE).map(({ labels }) => labels);
    const of = (state: string) => named.filter((labels) => labels['state'] === state).length;
    const states = ['broken', 'struggling', 'disabled', 'paused'];
    expect(states.map(of)).toEqual([MAX_NAMED, 3, MAX_NAMED, MAX_NAMED]);
    expect(states.map((state) => valueOf(TOTAL, { state }))).toEqual([10_000, 3, 10_000, MAX_NAMED + 1]);
    const again = (await scrape()).samples.filter(({ name }) => name === SINCE).map(({ labels }) => labels);
    expect(again).toEqual(named);
  });

  test.each([
    ['before the planner knows of them', ''],
    ['when the planner knows of them', 'analyze webhook_endpoints'],
  ])('healthy ones are not read, %s', async (_title, prepare) => {
    if (prepare !== '') await pool().query(prepare);
    const { nodes } = await withTransaction(pool(), async (client) => {
      await keepToIndexOrder(client);
      return explain(client, selectUnhealthyEndpoints);
    });
    const reads = nodes.filter(({ table }) => table === 'webhook_endpoints');
    expect(new Set(reads.map(({ index }) => index))).toEqual(
      new Set([
        'webhook_endpoints_broken_idx',
        'webhook_endpoints_closed_idx',
        'webhook_endpoints_failing_idx',
      ]),
    );
    const unhealthy = 2 * MANY + MAX_NAMED + 1 + 3;
    for (const { rows } of reads) expect(rows).toBeLessThanOrEqual(unhealthy);
  });
});
