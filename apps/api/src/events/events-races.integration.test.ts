/**
 * The feed while many write: transactions stay open while others begin and commit, and commit in any order or not at
 * all; readers follow with their cursors over two APIs, and four assigners place what was committed, each of a process
 * of its own as far as the database can tell.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createDatabase } from '@vendor-server/platform/database/create-database.ts';
import { assignFeedPositions } from '@vendor-server/platform/events/assign-feed-positions-sql.ts';
import { writeChange } from '@vendor-server/platform/testing/feed-fixtures.ts';
import { createStage, type Party } from '@vendor-server/platform/testing/party.ts';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';

let apis: TestApi[];
beforeAll(async () => {
  const first = await createTestApi();
  apis = [await createTestApi({}, first), first];
});
afterAll(async () => {
  for (const api of apis) await api.close();
});

interface Page {
  data: { orderId: string; version: number }[];
  nextCursor: string;
}

const WRITERS = 6;
const ROUNDS = 12;
const RELAYS = 2;
const PAGE_SIZES = [1, 3, 200];

/** In which order a round's transactions end, and which of them are rolled back. */
const rounds = fc.record({
  ends: fc.shuffledSubarray(
    Array.from({ length: WRITERS }, (_, writer) => writer),
    { minLength: WRITERS, maxLength: WRITERS },
  ),
  rolledBack: fc.subarray([0, 2, 4], { maxLength: 1 }),
  /** After how many of the ends everybody reads on before the next. */
  readsAfter: fc.subarray([1, 2, 3, 4, 5], { minLength: 1, maxLength: 2 }),
});

/** What each reader saw, as `<order>.<version>`, and what there was to see, in the feed's order and by order. */
async function race(seed: number) {
  const [api] = apis;
  if (api === undefined) throw new Error('there is no API');
  const server = await api.addCustomerServer();
  const other = await api.addCustomerServer();
  const createParty = await createStage(api.databaseUrl);
  const writers: Party[] = [];
  for (let writer = 0; writer < WRITERS; writer += 1) writers.push(await createParty(`writer ${writer}`));
  const orders: ({ orderId: string; version: number } | null)[] = writers.map(() => null);
  const written = new AbortController();

  async function write(round: (typeof plan)[number]): Promise<void> {
    const changes: { orderId: string; version: number }[] = [];
    for (const [at, { client, begin }] of writers.entries()) {
      await begin();
      await writeChange(client, other.id);
      changes.push(await writeChange(client, server.id, orders[at]));
    }
    for (const [nth, at] of round.ends.entries()) {
      const writer = writers[at];
      if (round.rolledBack.includes(at)) await writer?.client.query('rollback');
      else {
        await writer?.commit();
        orders[at] = (changes[at]?.version ?? 5) < 5 ? (changes[at] ?? null) : null;
      }
      if (round.readsAfter.includes(nth + 1)) await readOn();
    }
  }

  async function read(reader: number, query: Record<string, string>): Promise<Page> {
    const { app } = apis[reader % apis.length] ?? api!;
    const answer = await app.inject({ url: '/api/external/events', headers: server.headers, query });
    expect(answer.statusCode, answer.body).toBe(200);
    return answer.json<Page>();
  }

  let pages = PAGE_SIZES.map(() => 0);
  /** Everybody has read a page that was asked for after this call. */
  async function readOn(): Promise<void> {
    const before = pages;
    await expect
      .poll(() => pages.every((count, at) => count >= (before[at] ?? 0) + 2), {
        interval: 1,
        timeout: 20_000,
      })
      .toBe(true);
  }

  async function follow(limit: number, reader: number): Promise<string[]> {
    const seen: string[] = [];
    let query: Record<string, string> = { limit: String(limit) };
    for (let page = 0; ; page += 1) {
      // Asked before the read: what commits after it is found by another one.
      const isLast = written.signal.aborted;
      const { data, nextCursor } = await read(reader + page, query);
      seen.push(...data.map(({ orderId, version }) => `${orderId}.${version}`));
      query = { limit: String(limit), after: nextCursor };
      pages = pages.with(reader, (pages[reader] ?? 0) + 1);
      if (isLast && data.length === 0) return seen;
    }
  }

  async function relay(name: string): Promise<void> {
    const database = createDatabase({ url: api!.databaseUrl, applicationName: name, maxConnections: 1 });
    onTestFinished(() => database.close());
    while (!written.signal.aborted) {
      await assignFeedPositions(database);
      await sleep(2);
    }
  }

  const plan = fc.sample(rounds, { seed, numRuns: ROUNDS });
  const readers = PAGE_SIZES.map(follow);
  const relays = Array.from({ length: RELAYS }, (_, at) => relay(`relay ${at}`));
  for (const round of plan) await write(round);
  written.abort();
  await Promise.all(relays);
  return { api, server, seen: await Promise.all(readers) };
}

/** Every change there is, and what each order's timeline says of it. */
async function readTruth({ api, server }: Awaited<ReturnType<typeof race>>) {
  const { rows } = await api.database.pool.query<{ change: string; orderId: string; isInSeqOrder: boolean }>(
    `select order_id || '.' || version as change, order_id as "orderId",
            coalesce(seq > lag(seq) over (order by feed_position), true) as "isInSeqOrder"
       from order_transitions where customer_server_id = $1 order by feed_position`,
    [server.id],
  );
  const timelines = new Map<string, string[]>();
  for (const orderId of new Set(rows.map((row) => row.orderId))) {
    const url = `/api/external/orders/${orderId}/timeline`;
    const answer = await api.app.inject({ url, headers: server.headers });
    const { data } = answer.json<{ data: { version: number }[] }>();
    timelines.set(
      orderId,
      data.map(({ version }) => `${orderId}.${version}`),
    );
  }
  return { rows, timelines };
}

const ofOrder = (changes: readonly string[], orderId: string) =>
  changes.filter((change) => change.startsWith(`${orderId}.`));

test('readers see everything once, in one order, which is that of each order’s timeline', {
  timeout: 60_000,
}, async () => {
  const seed = Date.now();
  const run = await race(seed);
  const { rows, timelines } = await readTruth(run);
  const [first = []] = run.seen;
  expect(first, `seed ${seed}`).toEqual(rows.map(({ change }) => change));
  for (const one of run.seen) expect(one, `seed ${seed}`).toEqual(first);
  for (const [orderId, changes] of timelines) expect(ofOrder(first, orderId)).toEqual(changes);
  expect(first.length).toBeGreaterThan(WRITERS * ROUNDS * 0.7);
  // Some did commit late: by `seq` they would have been skipped.
  expect(rows.filter(({ isInSeqOrder }) => !isInSeqOrder).length).toBeGreaterThan(ROUNDS);
});

test('with positions that are given at the insert, what commits late is skipped', {
  timeout: 60_000,
}, async () => {
  const { pool } = apis[0]!.database;
  await pool.query(`
    create function place_at_insert() returns trigger language plpgsql as $$
    begin
      new.feed_position := nextval('feed_position_seq');
      return new;
    end $$;
    create trigger place_at_insert before insert on order_transitions
      for each row execute function place_at_insert()`);
  onTestFinished(async () => {
    await pool.query('drop trigger place_at_insert on order_transitions');
  });
  const run = await race(1);
  const { rows } = await readTruth(run);
  for (const seen of run.seen) expect(rows.length - seen.length).toBeGreaterThan(0);
});
