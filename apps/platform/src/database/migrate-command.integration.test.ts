import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { findFreePort } from '../network/find-free-ports.ts';
import { createEmptyTestDatabase } from '../testing/test-database.ts';
import { listMigrations } from './migrations/list-migrations.ts';

const COMMAND = fileURLToPath(new URL('migrate-command.ts', import.meta.url));

function run(env: Record<string, string>): Promise<{ code: unknown; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [COMMAND], { env }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });
}

const FIRST_RUN = async () =>
  `${(await listMigrations()).map(({ name }) => `Applied ${name}\n`).join('')}The database is current.\n`;

test('migrates the database of DATABASE_URL, once', async () => {
  const { url, drop } = await createEmptyTestDatabase();
  expect(await run({ DATABASE_URL: url })).toEqual({ code: 0, stdout: await FIRST_RUN(), stderr: '' });
  expect(await run({ DATABASE_URL: url })).toMatchObject({ code: 0, stdout: 'The database is current.\n' });
  await drop();
});

test('migrates the embedded database when none is set', async () => {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'vendor-server-migrate-'));
  await chmod(dataDir, 0o755);
  expect(await run({ VENDOR_SERVER_DATA_DIR: dataDir })).toMatchObject({
    code: 0,
    stdout: await FIRST_RUN(),
  });
  expect(await run({ VENDOR_SERVER_DATA_DIR: dataDir })).toMatchObject({
    stdout: 'The database is current.\n',
  });
  await rm(dataDir, { recursive: true });
});

test('says in one line why it could not', async () => {
  const port = await findFreePort();
  expect(await run({ DATABASE_URL: `postgresql://somebody:test-password@127.0.0.1:${port}/test` })).toEqual({
    code: 1,
    stdout: '',
    stderr: `Could not migrate: connect ECONNREFUSED 127.0.0.1:${port}\n`,
  });
});
