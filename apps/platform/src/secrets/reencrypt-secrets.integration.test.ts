import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { rotateCustomerServerSecret } from '../customer-servers/rotate-customer-server-secret.ts';
import { emptyDatabase } from '../testing/delivery-fixtures.ts';
import { insertSealed } from '../testing/sealed-fixtures.ts';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { type ReencryptionProgress, reencryptSecrets } from './reencrypt-secrets.ts';
import { listSealedTables } from './sealed-columns-sql.ts';
import { createSecretBox } from './secret-box.ts';

const [OLD_KEY, NEW_KEY, LOST_KEY] = [randomBytes(32), randomBytes(32), randomBytes(32)];
const oldBox = createSecretBox({ current: OLD_KEY, previous: null });
const bothBox = createSecretBox({ current: NEW_KEY, previous: OLD_KEY });
const newBox = createSecretBox({ current: NEW_KEY, previous: null });
const lostBox = createSecretBox({ current: LOST_KEY, previous: null });

let subject: TestDatabase;
let pool: pg.Pool;
beforeAll(async () => {
  subject = await createTestDatabase();
  ({ pool } = subject.database);
});
afterAll(() => subject.drop());
beforeEach(() => emptyDatabase(pool));

/** Every sealed text there is, as the box opens it, by its column and row. */
async function openAll(box = newBox): Promise<Record<string, string>> {
  const opened: Record<string, string> = {};
  for (const { name, columns } of await listSealedTables(pool)) {
    for (const column of columns) {
      const { rows } = await pool.query<{ id: string; text: string | null }>(
        `select id, ${column} as text from ${name}`,
      );
      for (const { id, text } of rows) if (text !== null) opened[`${column} of ${id}`] = box.open(text, id);
    }
  }
  return opened;
}

const reencrypt = (options: Partial<Parameters<typeof reencryptSecrets>[1]> = {}) =>
  reencryptSecrets(pool, { secretBox: bothBox, batchRows: 2, ...options });

test('seals every secret of every table anew, once, and touches nothing else', async () => {
  for (let count = 0; count < 5; count += 1) await insertSealed(pool, oldBox);
  await pool.query(
    'update webhook_endpoints set deleted_at = now() where id = (select min(id) from webhook_endpoints)',
  );
  const readAll = async () => {
    const { rows } = await pool.query<Record<string, unknown>>(
      `select to_jsonb(s) - array(select column_name::text from information_schema.columns
                                   where column_name like '%ciphertext') as row
         from (select * from customer_servers) s
        union all
       select to_jsonb(e) - array(select column_name::text from information_schema.columns
                                   where column_name like '%ciphertext')
         from (select * from webhook_endpoints) e
        order by 1`,
    );
    return rows;
  };
  const [plain, others] = [await openAll(oldBox), await readAll()];
  expect(Object.keys(plain)).toHaveLength(20);

  const progress: ReencryptionProgress[] = [];
  const onProgress = (now: ReencryptionProgress) => void progress.push(now);
  expect(await reencrypt({ onProgress })).toEqual({
    rows: 10,
    resealed: 20,
    wereCurrent: 0,
    unreadable: [],
    leftBehind: 0,
  });
  expect(await openAll(newBox)).toEqual(plain);
  expect(await readAll()).toEqual(others);
  expect(progress.map(({ table, rows, resealed }) => `${table} ${rows} ${resealed}`)).toEqual([
    'customer_servers 2 4',
    'customer_servers 4 8',
    'customer_servers 5 10',
    'webhook_endpoints 2 4',
    'webhook_endpoints 4 8',
    'webhook_endpoints 5 10',
  ]);

  expect(await reencrypt({ secretBox: newBox })).toEqual({
    rows: 10,
    resealed: 0,
    wereCurrent: 20,
    unreadable: [],
    leftBehind: 0,
  });
});

test('names what it cannot open, never what that is, and goes on with the rest', async () => {
  await insertSealed(pool, oldBox);
  const lost = await insertSealed(pool, lostBox);
  const damaged = await insertSealed(pool, newBox);
  await pool.query(`update customer_servers set secret_ciphertext = 'test-plain-secret' where id = $1`, [
    damaged.customerServerId,
  ]);
  await insertSealed(pool, oldBox);
  const { resealed, wereCurrent, unreadable, leftBehind } = await reencrypt();
  expect({ resealed, wereCurrent, leftBehind }).toEqual({ resealed: 8, wereCurrent: 3, leftBehind: 5 });
  const lostReason = expect.stringMatching(
    /^A stored secret was sealed with key [0-9a-f]{8}, which is neither/,
  );
  expect(new Set(unreadable)).toEqual(
    new Set([
      {
        table: 'customer_servers',
        column: 'previous_secret_ciphertext',
        id: lost.customerServerId,
        reason: lostReason,
      },
      {
        table: 'customer_servers',
        column: 'secret_ciphertext',
        id: lost.customerServerId,
        reason: lostReason,
      },
      {
        table: 'customer_servers',
        column: 'secret_ciphertext',
        id: damaged.customerServerId,
        reason: expect.stringContaining('not in the form'),
      },
      {
        table: 'webhook_endpoints',
        column: 'previous_signing_secret_ciphertext',
        id: lost.endpointId,
        reason: lostReason,
      },
      {
        table: 'webhook_endpoints',
        column: 'signing_secret_ciphertext',
        id: lost.endpointId,
        reason: lostReason,
      },
    ]),
  );
  expect(JSON.stringify(unreadable)).not.toContain('plain-secret');
});

test('a text copied from another row is found also under the current key', async () => {
  const [one, other] = [await insertSealed(pool, newBox), await insertSealed(pool, newBox)];
  await pool.query(
    `update customer_servers set secret_ciphertext = (select secret_ciphertext from customer_servers where id = $2)
      where id = $1`,
    [one.customerServerId, other.customerServerId],
  );
  expect(await reencrypt()).toMatchObject({
    unreadable: [{ id: one.customerServerId, reason: expect.stringContaining('another row') }],
    leftBehind: 0,
  });
});

describe('while others write', () => {
  /** Runs `interfere` right before the first statement that holds `text`. */
  function poolWith(interfere: () => Promise<unknown>, text = 'update '): pg.Pool {
    let isDone = false;
    const query = async (statement: string, values?: unknown[]) => {
      if (!isDone && statement.includes(text)) {
        isDone = true;
        await interfere();
      }
      return pool.query(statement, values);
    };
    return Object.assign(Object.create(pool) as pg.Pool, { query });
  }

  test('a secret that is rotated meanwhile stays, and the old one is sealed anew in its new column', async () => {
    const { customerServerId } = await insertSealed(pool, oldBox);
    const other = await insertSealed(pool, oldBox);
    const rotated = poolWith(() =>
      rotateCustomerServerSecret(subject.database.prisma, bothBox, {
        customerServerId,
        secret: 'test-rotated-secret',
        overlapHours: 1,
      }),
    );
    expect(await reencryptSecrets(rotated, { secretBox: bothBox })).toMatchObject({
      rows: 4,
      resealed: 7,
      wereCurrent: 1,
      leftBehind: 0,
    });
    expect(await openAll(newBox)).toMatchObject({
      [`secret_ciphertext of ${customerServerId}`]: 'test-rotated-secret',
      [`previous_secret_ciphertext of ${customerServerId}`]: `current of ${customerServerId}`,
      [`secret_ciphertext of ${other.customerServerId}`]: `current of ${other.customerServerId}`,
    });
  });

  test('a row that is gone meanwhile is no fault', async () => {
    const { customerServerId, endpointId } = await insertSealed(pool, oldBox);
    const removed = poolWith(async () => {
      await pool.query('delete from webhook_endpoints where id = $1', [endpointId]);
      await pool.query('delete from customer_servers where id = $1', [customerServerId]);
    });
    expect(await reencryptSecrets(removed, { secretBox: bothBox })).toMatchObject({
      resealed: 0,
      unreadable: [],
    });
  });

  test('what a process with the old key writes behind its back is counted', async () => {
    await insertSealed(pool, oldBox);
    const written = poolWith(() => insertSealed(pool, oldBox), 'union all');
    expect(await reencryptSecrets(written, { secretBox: bothBox })).toMatchObject({
      resealed: 4,
      leftBehind: 4,
      unreadable: [],
    });
  });

  test('two at once do the work once', async () => {
    for (let count = 0; count < 20; count += 1) await insertSealed(pool, oldBox);
    const both = await Promise.all([reencrypt({ batchRows: 5 }), reencrypt({ batchRows: 7 })]);
    expect(both[0].resealed + both[1].resealed).toBe(80);
    expect(Object.keys(await openAll(newBox))).toHaveLength(80);
  });
});

describe('the columns', () => {
  test('are those whose name says so, and no other holds a sealed text', async () => {
    expect(await listSealedTables(pool)).toEqual([
      { name: 'customer_servers', columns: ['previous_secret_ciphertext', 'secret_ciphertext'] },
      {
        name: 'webhook_endpoints',
        columns: ['previous_signing_secret_ciphertext', 'signing_secret_ciphertext'],
      },
    ]);
  });

  test('include those of a table that is added', async () => {
    await pool.query('create table partners (id char(24) primary key, "Odd name_ciphertext" text)');
    await pool.query(`insert into partners values ($1, $2), ($3, null)`, [
      '0190aaaaaaaabbbbbbbbcccc',
      oldBox.seal('test-partner-secret', '0190aaaaaaaabbbbbbbbcccc'),
      '0190aaaaaaaabbbbbbbbcccd',
    ]);
    expect(await reencrypt()).toMatchObject({ rows: 2, resealed: 1, leftBehind: 0 });
    await pool.query('alter table partners rename column id to other_id');
    await expect(reencrypt()).rejects.toThrow(
      'The table partners holds sealed texts and has no column "id".',
    );
    await pool.query('drop table partners');
  });
});
