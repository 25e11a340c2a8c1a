/** What a process says whose settings cannot be used: everything at once, and no secret. */
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { createEmptyTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { test } from 'vitest';
import { startProcess } from './system/start-process.ts';

const API = fileURLToPath(import.meta.resolve('@vendor-server/api/main.ts'));
const WORKER = fileURLToPath(import.meta.resolve('@vendor-server/worker/main.ts'));
const START = fileURLToPath(import.meta.resolve('@vendor-server/cli/start.ts'));

const PROCESSES: [name: string, file: string][] = [
  ['the API', API],
  ['the worker', WORKER],
];
const STARTERS: typeof PROCESSES = [...PROCESSES, ['npm start', START]];

async function runToItsEnd(file: string, env: Record<string, string>) {
  const started = startProcess({ name: file, command: process.execPath, args: [file], env });
  return { end: await started.ended, text: started.log.text };
}

test.concurrent.for(STARTERS)('%s names every fault in one message', async ([, file], { expect }) => {
  const { end, text } = await runToItsEnd(file, {
    PORT: 'many',
    DATABASE_URL: 'mysql://root:test-database-password@db.example.com/vendor',
    WEBHOOK_TIMEOUT_MS: '0',
    CUSTOMER_WEBHOOK_URL: 'ftp://customer.example.com/',
    LOG_LEVEL: 'loud',
  });
  expect(end).toBe('exit code 1');
  for (const name of ['PORT', 'DATABASE_URL', 'WEBHOOK_TIMEOUT_MS', 'CUSTOMER_WEBHOOK_URL', 'LOG_LEVEL']) {
    expect(text).toContain(name);
  }
  expect(text).not.toContain('test-database-password');
  // A stack would bury it.
  expect(text).not.toMatch(/^ +at /m);
});

test.concurrent.for(STARTERS)(
  '%s refuses development secrets in production',
  async ([, file], { expect }) => {
    const key = randomBytes(32).toString('base64');
    const { end, text } = await runToItsEnd(file, {
      NODE_ENV: 'production',
      DATABASE_URL: 'postgresql://vendor:test-database-password@127.0.0.1:9/vendor',
      CUSTOMER_SERVER_SECRET: 'development-customer-secret',
      EXTERNAL_VENDOR_SECRET: 'development-vendor-secret',
      SECRETS_ENCRYPTION_KEY: key,
    });
    expect(end).toBe('exit code 1');
    expect(text).toMatch(/CUSTOMER_SERVER_SECRET is still the development value/);
    expect(text).toMatch(/EXTERNAL_VENDOR_SECRET is still the development value/);
    expect(text).toMatch(/ADMIN_API_KEY is required in production/);
    expect(text).not.toContain('SECRETS_ENCRYPTION_KEY');
    for (const secret of [key, 'test-database-password']) expect(text).not.toContain(secret);
  },
);

test.concurrent.for(STARTERS)(
  '%s says that its log file cannot be written, and nothing else',
  async ([, file], { expect }) => {
    const { end, text } = await runToItsEnd(file, { LOG_FILE: '/dev/null/vendor-server.log', PORT: '0' });
    expect(end).toBe('exit code 1');
    expect(text).toMatch(
      /^Cannot start: one setting is wrong\.\n {2}- LOG_FILE \/dev\/null\/.* cannot be written/,
    );
    expect(text.trim().split('\n')).toHaveLength(2);
  },
);

test.concurrent.for(PROCESSES)('%s refuses a database without its schema', async ([, file], { expect }) => {
  const { url, drop } = await createEmptyTestDatabase();
  const { end, text } = await runToItsEnd(file, { DATABASE_URL: url, PORT: '0' });
  await drop();
  expect(end).toBe('exit code 1');
  expect(text).toContain('npm run db:migrate');
});
