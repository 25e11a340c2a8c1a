import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { emptyDatabase, insertCustomerServer } from '../testing/delivery-fixtures.ts';
import { writeChange } from '../testing/feed-fixtures.ts';
import { interleavings, runInterleaved, type Script } from '../testing/interleave.ts';
import { createStage } from '../testing/party.ts';
import { createTestDatabase } from '../testing/test-database.ts';
import { assignFeedPositions, hasUnplacedChanges, placeBatch } from './assign-feed-positions-sql.ts';

let subject: Awaited<ReturnType<typeof createTestDatabase>>;
let customerServerId: string;
beforeAll(async () => {
  subject = await createTestDatabase();
});
afterAll(() => subject.drop());
beforeEach(async () => {
  await emptyDatabase(pool());
  customerServerId = await insertCustomerServer(pool());
});

const pool = () => subject.database.pool;
const write = (order: { orderId: string; version: number } | null = null) =>
  writeChange(pool(), customerServerId, order);

/** What a reader finds after a position, as `<order>.<version>`. */
async function readAfter(position: number): Promise<{ position: number; change: string }[]> {
  const { rows } = await pool().query<{ position: number; change: string }>(
    `select feed_position as position, order_id || '.' || version as change from order_transitions
      where feed_position > $1 order by feed_position`,
    [position],
  );
  return rows;
}

async function readSeqOrder(): Promise<string[]> {
  const { rows } = await pool().query<{ change: string }>(
    `select order_id || '.' || version as change from order_transitions order by seq`,
  );
  return rows.map(({ change }) => change);
}

test('places what is committed in the order of its insertion, once', async () => {
  for (let order = 0; order < 3; order += 1) await write(await write());
  expect(await hasUnplacedChanges(pool())).toBe(true);
  expect(await assignFeedPositions(subject.database)).toBe(6);
  const placed = await readAfter(0);
  expect(placed.map(({ change }) => change)).toEqual(await readSeqOrder());
  expect(await hasUnplacedChanges(pool())).toBe(false);
  expect(await assignFeedPositions(subject.database)).toBe(0);
  expect(await readAfter(0)).toEqual(placed);
});

test('a change that commits late comes after all that were placed before', async () => {
  const party = await createStage(subject.url);
  const slow = await party('slow writer');
  await slow.begin();
  const late = await writeChange(slow.client, customerServerId);
  const early = await write();
  await assignFeedPositions(subject.database);
  const [first] = await readAfter(0);
  expect(first?.change).toBe(`${early.orderId}.1`);
  await slow.commit();
  await assignFeedPositions(subject.database);
  expect(await readAfter(first?.position ?? 0)).toMatchObject([{ change: `${late.orderId}.1` }]);
});

test('of a long backlog 5 000 a call, and never out of order', async () => {
  const { orderId } = await write();
  await pool().query(
    `insert into order_transitions (id, order_id, customer_server_id, version, from_status, to_status,
                                    actor_type, changed_at, body)
     select new_id(), $1, $2, n, 'accepted', 'accepted', 'partner', now(), '{}' from generate_series(2, 5010) n`,
    [orderId, customerServerId],
  );
  expect(await assignFeedPositions(subject.database)).toBe(5_000);
  expect(await assignFeedPositions(subject.database)).toBe(10);
  const versions = (await readAfter(0)).map(({ change }) => Number(change.split('.')[1]));
  expect(versions).toEqual(Array.from({ length: 5_010 }, (_, index) => index + 1));
});

test('waits for a change that is being written, and does not place the next one before it', async () => {
  const party = await createStage(subject.url);
  const eraser = await party('eraser');
  const { orderId } = await write(await write());
  await eraser.begin();
  await eraser.client.query(`update order_transitions set body = '{}' where order_id = $1 and version = 1`, [
    orderId,
  ]);
  const assigning = assignFeedPositions(subject.database);
  await expect
    .poll(() =>
      pool()
        .query(
          `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
        )
        .then(({ rows }) => rows.length),
    )
    .toBe(1);
  expect(await readAfter(0)).toEqual([]);
  await eraser.commit();
  expect(await assigning).toBe(2);
  expect((await readAfter(0)).map(({ change }) => change)).toEqual([`${orderId}.1`, `${orderId}.2`]);
});

test('a lock that is held for long is left to its holder', async () => {
  const party = await createStage(subject.url);
  const other = await party('other assigner');
  await write();
  await other.begin();
  await placeBatch(other.client);
  expect(await assignFeedPositions(subject.database)).toBe(0);
  expect(await readAfter(0)).toEqual([]);
  await other.commit();
  expect(await readAfter(0)).toHaveLength(1);
});

test('two assigners and a slow writer in any order: a reader that always follows misses nothing', async () => {
  const party = await createStage(subject.url);
  const [first, second, writer] = [await party('first'), await party('second'), await party('writer')];
  for (const turns of interleavings([2, 2, 2])) {
    await emptyDatabase(pool());
    customerServerId = await insertCustomerServer(pool());
    const known = await write();
    const seen: string[] = [];
    let cursor = 0;
    // One page at a time, although two parties may be done with a step at once.
    let following = Promise.resolve();
    const follow = () => (following = following.then(readOn));
    async function readOn(): Promise<void> {
      for (const { position, change } of await readAfter(cursor)) {
        seen.push(change);
        cursor = position;
      }
    }
    const watched = (step: () => Promise<unknown>) => () => step().then(follow);
    const place = (who: typeof first): Script => ({
      party: who,
      steps: [
        watched(async () => {
          await who.begin();
          await placeBatch(who.client);
        }),
        watched(() => who.commit()),
      ],
    });
    await runInterleaved(
      [
        place(first),
        place(second),
        {
          party: writer,
          steps: [
            watched(async () => {
              await writer.begin();
              await writeChange(writer.client, customerServerId, known);
              await writeChange(writer.client, customerServerId);
            }),
            watched(() => writer.commit()),
          ],
        },
      ],
      turns,
    );
    await assignFeedPositions(subject.database);
    await follow();
    expect(seen, turns.join()).toEqual(await readSeqOrder());
  }
});
