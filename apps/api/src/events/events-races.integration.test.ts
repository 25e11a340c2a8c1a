import { setTimeout as sleep } from 'node:timers/promises';
import { assignFeedPositions } from '@vendor-server/platform/events/assign-feed-positions.ts';
import { writeChange } from '@vendor-server/platform/testing/feed-fixtures.ts';
import { createStage } from '@vendor-server/platform/testing/party.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api.close());

interface Page {
  data: { orderId: string; version: number }[];
  nextCursor: string;
}

const WRITERS = 5;
const TRANSACTIONS_EACH = 60;

test('readers that poll while slow writers commit in any order see everything once, in one order', async () => {
  const server = await api.addCustomerServer();
  const other = await api.addCustomerServer();
  const party = await createStage(api.databaseUrl);
  const written = new AbortController();

  /** Some commit at once, some late, some not at all. */
  async function writeOn(index: number): Promise<void> {
    const { client } = await party(`writer ${index}`);
    let order: { orderId: string; version: number } | null = null;
    for (let turn = 0; turn < TRANSACTIONS_EACH; turn += 1) {
      await client.query('begin');
      const next = await writeChange(client, server.id, order);
      await writeChange(client, other.id);
      if (Math.random() < 0.4) await sleep(Math.random() * 25);
      const commits = Math.random() < 0.85;
      await client.query(commits ? 'commit' : 'rollback');
      if (commits) order = next.version < 5 ? next : null;
    }
  }

  async function read(query: Record<string, string>): Promise<Page> {
    const answer = await api.app.inject({ url: '/api/external/events', headers: server.headers, query });
    expect(answer.statusCode, answer.body).toBe(200);
    return answer.json<Page>();
  }

  async function poll(limit: number): Promise<string[]> {
    const seen: string[] = [];
    let query: Record<string, string> = { limit: String(limit) };
    for (;;) {
      // Asked before the read: what commits after it is found by another one.
      const isLast = written.signal.aborted;
      const { data, nextCursor } = await read(query);
      seen.push(...data.map(({ orderId, version }) => `${orderId}.${version}`));
      query = { limit: String(limit), after: nextCursor };
      if (isLast && data.length === 0) return seen;
    }
  }

  async function assignOn(): Promise<void> {
    while (!written.signal.aborted) await assignFeedPositions(api.database);
  }

  const readers = [poll(1), poll(3), poll(200)];
  const assigners = [assignOn(), assignOn()];
  await Promise.all(Array.from({ length: WRITERS }, (_, index) => writeOn(index)));
  written.abort();
  await Promise.all(assigners);
  const [first, ...others] = await Promise.all(readers);

  const { rows } = await api.database.pool.query<{ change: string; inSeqOrder: boolean }>(
    `select order_id || '.' || version as change,
            coalesce(seq > lag(seq) over (order by feed_position), true) as "inSeqOrder"
       from order_transitions where customer_server_id = $1 order by feed_position`,
    [server.id],
  );
  expect(first).toEqual(rows.map(({ change }) => change));
  for (const one of others) expect(one).toEqual(first);
  expect(first?.length).toBeGreaterThan(WRITERS * TRANSACTIONS_EACH * 0.7);
  // Some did commit late: by `seq` they would have been skipped.
  expect(rows.filter(({ inSeqOrder }) => !inSeqOrder).length).toBeGreaterThan(0);

  const versions = new Map<string, number>();
  for (const change of first ?? []) {
    const [orderId = '', version] = change.split('.');
    expect(Number(version), change).toBe((versions.get(orderId) ?? 0) + 1);
    versions.set(orderId, Number(version));
  }
});
