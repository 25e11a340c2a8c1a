import { createLoggerTo } from '@vendor-server/platform/logging/create-logger.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MAX_ENDPOINTS } from './relay-tick.ts';
import { startRelay } from './run-relay.ts';

let subject: Awaited<ReturnType<typeof createTestDatabase>>;

beforeAll(async () => {
  subject = await createTestDatabase();
});
afterAll(() => subject.drop());

const logLines: Record<string, unknown>[] = [];
const logger = createLoggerTo(
  { write: (line) => void logLines.push(JSON.parse(line)) },
  { name: 'test', level: 'info' },
);
const NOTHING = { remadeJobs: 0, endedClaims: 0, givenUp: 0, promoted: 0, probes: 0 };

test('one relay works at a time, and another goes on when it ends', async () => {
  const ticks: string[] = [];
  const held = Promise.withResolvers<void>();
  const first = startRelay(
    subject.database,
    async () => {
      ticks.push('first');
      await held.promise;
      return { ...NOTHING, promoted: 3 };
    },
    logger,
  );
  await expect.poll(() => ticks).toEqual(['first']);

  let tries = 0;
  const pool = { connect: () => subject.database.pool.connect().finally(() => (tries += 1)) };
  const second = startRelay(
    { pool: pool as unknown as typeof subject.database.pool },
    async () => {
      ticks.push('second');
      return NOTHING;
    },
    logger,
  );
  // The second relay has come and gone without a tick, as often as it tried.
  await expect.poll(() => tries, { timeout: 5_000 }).toBeGreaterThanOrEqual(2);
  expect(ticks).toEqual(['first']);

  held.resolve();
  await first.stop();
  await expect.poll(() => ticks, { timeout: 5_000 }).toContain('second');
  await second.stop();
  expect(logLines).toMatchObject([{ msg: 'Relay moved deliveries', promoted: 3 }]);
});

test('a tick that moved as much as it looks at is followed at once', async () => {
  let ticks = 0;
  const relay = startRelay(
    subject.database,
    async () => {
      ticks += 1;
      return { ...NOTHING, promoted: ticks < 20 ? MAX_ENDPOINTS : 0 };
    },
    logger,
  );
  // One a second would take four times as long.
  await expect.poll(() => ticks, { timeout: 5_000 }).toBeGreaterThanOrEqual(20);
  await relay.stop();
});

test('a tick that fails is logged, and the next one comes', async () => {
  logLines.length = 0;
  let ticks = 0;
  const relay = startRelay(
    subject.database,
    async () => {
      ticks += 1;
      if (ticks === 1) throw new Error('the database is away');
      return NOTHING;
    },
    logger,
  );
  await expect.poll(() => ticks, { timeout: 5_000 }).toBe(2);
  await relay.stop();
  expect(logLines).toMatchObject([{ msg: 'Relay tick failed; it will try again' }]);
});
