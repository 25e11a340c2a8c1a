/** `npm run secrets:reencrypt` as operators run it: a process, its output, its exit code, and its sudden death. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withTransaction } from '../database/sql-executor.ts';
import { createId } from '../ids/create-id.ts';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { countSealedTextsByKey } from './sealed-columns-sql.ts';
import { createSecretBox } from './secret-box.ts';

const COMMAND = fileURLToPath(new URL('reencrypt-command.ts', import.meta.url));
/** Three batches. */
const SERVERS = 500;

const [oldKey, newKey] = [randomBytes(32), randomBytes(32)];
const oldBox = createSecretBox({ current: oldKey, previous: null });
const newBox = createSecretBox({ current: newKey, previous: null });

let subject: TestDatabase;
beforeAll(async () => {
  subject = await createTestDatabase();
  const ids = Array.from({ length: SERVERS }, createId).sort();
  await subject.database.pool.query(
    `insert into customer_servers (id, name, secret_hash, secret_ciphertext)
     select id, 'Test server', id, sealed from unnest($1::text[], $2::text[]) as r(id, sealed)`,
    [ids, ids.map((id) => oldBox.seal(`secret of ${id}`, id))],
  );
});
afterAll(() => subject.drop());

function start(env: Record<string, string>) {
  const child = spawn(process.execPath, [COMMAND], { env: { DATABASE_URL: subject.url, ...env } });
  const ended = Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)]).then(
    ([[code, signal], stdout, stderr]) => ({
      code: code as unknown,
      signal: signal as unknown,
      stdout,
      stderr,
    }),
  );
  return { child, ended };
}

const KEYS = {
  SECRETS_ENCRYPTION_KEY: newKey.toString('base64'),
  SECRETS_ENCRYPTION_KEY_PREVIOUS: oldKey.toString('base64'),
};
const readCounts = async () =>
  Object.fromEntries(
    (await countSealedTextsByKey(subject.database.pool)).map(({ keyId, count }) => [keyId, count]),
  );

test('killed in the midst, it goes on where it was, and says when the previous key may go', async () => {
  const { pool } = subject.database;
  const killed = start(KEYS);
  await withTransaction(pool, async (client) => {
    // The second batch has to wait for this row.
    const { rows } = await client.query<{ pid: number }>(
      `select pg_backend_pid() as pid from customer_servers
        where id = (select id from customer_servers order by id limit 1 offset 300) for update`,
    );
    await expect
      .poll(
        async () => {
          const waiting = await pool.query(
            'select from pg_stat_activity where $1 = any(pg_blocking_pids(pid)) and datname = current_database()',
            [rows[0]?.pid],
          );
          return waiting.rowCount;
        },
        { timeout: 15_000 },
      )
      .toBe(1);
    killed.child.kill('SIGKILL');
    expect(await killed.ended).toMatchObject({ signal: 'SIGKILL' });
  });
  // Its statement may still find the row free, now that nobody waits for its answer; no matter.
  await expect
    .poll(async () => {
      const { rowCount } = await pool.query(
        `select from pg_stat_activity where application_name = 'vendor-server-reencrypt' and datname = current_database()`,
      );
      return rowCount;
    })
    .toBe(0);
  const { [newBox.keyIds.current]: done = 0, [oldBox.keyIds.current]: left = 0 } = await readCounts();
  expect([200, 400]).toContain(done);
  expect(done + left).toBe(SERVERS);

  const { code, stdout, stderr } = await start(KEYS).ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^customer_servers: 200 rows read, 0 secrets encrypted anew\n/);
  expect(stdout.split('\n').slice(-3)).toEqual([
    `${SERVERS} rows: ${left} secrets encrypted anew, ${done} already under SECRETS_ENCRYPTION_KEY, 0 could not be opened.`,
    'Nothing is left under another key. When every process runs with this SECRETS_ENCRYPTION_KEY, remove SECRETS_ENCRYPTION_KEY_PREVIOUS.',
    '',
  ]);
  const { rows } = await pool.query<{ id: string; sealed: string }>(
    'select id, secret_ciphertext as sealed from customer_servers',
  );
  expect(rows.filter(({ id, sealed }) => newBox.open(sealed, id) !== `secret of ${id}`)).toEqual([]);

  const { SECRETS_ENCRYPTION_KEY } = KEYS;
  expect(await start({ SECRETS_ENCRYPTION_KEY }).ended).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      /500 already under SECRETS_ENCRYPTION_KEY, 0 could not be opened\.\nEverything is under SECRETS_ENCRYPTION_KEY\.\n$/,
    ),
  });
});

test('without the key of the secrets it changes nothing, names some and exits 1', async () => {
  const before = await readCounts();
  const { code, stdout, stderr } = await start({ SECRETS_ENCRYPTION_KEY: randomBytes(32).toString('base64') })
    .ended;
  expect(code).toBe(1);
  expect(stdout).toContain('500 could not be opened.\n500 secrets are still under another key: keep');
  expect(stderr.split('\n')).toHaveLength(22);
  expect(stderr).toMatch(
    /^customer_servers\.secret_ciphertext of [0-9a-f]{24}: A stored secret was sealed with key [0-9a-f]{8}, which/,
  );
  expect(stderr).toContain('… and 480 more\n');
  expect(await readCounts()).toEqual(before);
});

test('says in one line why it could not begin', async () => {
  expect(
    await start({ DATABASE_URL: subject.url.replace(/[^/]*$/, 'no_such_database') }).ended,
  ).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^Could not encrypt anew: .*no_such_database.*\n$/),
  });
  expect(await start({ SECRETS_ENCRYPTION_KEY: 'not-a-key' }).ended).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('SECRETS_ENCRYPTION_KEY must be 32 bytes in base64'),
  });
});
