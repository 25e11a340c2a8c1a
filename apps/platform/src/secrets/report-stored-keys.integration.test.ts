import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { insertSealed } from '../testing/sealed-fixtures.ts';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { reportStoredKeys } from './report-stored-keys.ts';
import { createSecretBox, type SecretBox } from './secret-box.ts';

const [oldKey, newKey] = [randomBytes(32), randomBytes(32)];
const oldBox = createSecretBox({ current: oldKey, previous: null });
const bothBox = createSecretBox({ current: newKey, previous: oldKey });
const newBox = createSecretBox({ current: newKey, previous: null });

let subject: TestDatabase;
let pool: pg.Pool;
beforeAll(async () => {
  subject = await createTestDatabase();
  ({ pool } = subject.database);
});
afterAll(() => subject.drop());

async function reportWith(box: SecretBox): Promise<unknown[]> {
  const lines: unknown[] = [];
  const note = (fields: unknown, message?: string) => void lines.push([message, fields]);
  await reportStoredKeys(pool, box, { info: note, error: note });
  return lines;
}

test('tells of secrets that it cannot open, and of those that need the previous key', async () => {
  expect(await reportWith(newBox)).toEqual([]);
  await insertSealed(pool, newBox);
  expect(await reportWith(bothBox)).toEqual([]);
  await insertSealed(pool, oldBox);
  expect(await reportWith(bothBox)).toEqual([
    [expect.stringContaining('still under SECRETS_ENCRYPTION_KEY_PREVIOUS'), { count: 4 }],
  ]);
  await pool.query(`update customer_servers set previous_secret_ciphertext = 'no sealed text'`);
  expect(await reportWith(newBox)).toEqual([
    [
      'Stored secrets are under a key that this process does not have',
      {
        keys: [
          { keyId: oldBox.keyIds.current, count: 3 },
          { keyId: null, count: 2 },
        ],
      },
    ],
  ]);
});
