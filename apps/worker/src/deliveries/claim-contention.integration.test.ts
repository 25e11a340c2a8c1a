/** Workers, a closing endpoint and records at once, in orders that nobody chose: what claim-sql.ts argues, tried. */
import { randomUUID } from 'node:crypto';
import { withTransaction } from '@vendor-server/platform/database/sql-executor.ts';
import { lockEndpoint } from '@vendor-server/platform/deliveries/promote-sql.ts';
import { putBackUnclaimed } from '@vendor-server/platform/deliveries/unclaimed-sql.ts';
import { insertEndpoint, insertOrder } from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { toPatientExecutor } from '@vendor-server/platform/testing/to-patient-executor.ts';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answered } from '../testing/attempt-results.ts';
import { claimDelivery } from './claim-sql.ts';
import { createClaims } from './create-claims.ts';
import { recordAttempt } from './record-sql.ts';
import { settleRefusal } from './refusal-sql.ts';

const TIMEOUT_MS = 10_000;

let subject: Awaited<ReturnType<typeof createTestDatabase>>;

beforeAll(async () => {
  subject = await createTestDatabase();
});
afterAll(() => subject.drop());

const pool = () => subject.database.pool;

/** So many orders of one endpoint, each with a job as of generation 1. */
async function insertQueued(count: number) {
  const endpoint = await insertEndpoint(pool());
  const orders = await Promise.all(
    Array.from({ length: count }, () => insertOrder(pool(), endpoint, ['queued'])),
  );
  const jobs = orders.map(({ deliveryIds }) => ({ deliveryId: deliveryIds[0] ?? '', generation: 1 }));
  return { ...endpoint, jobs };
}

test('whatever goes on at once, each claim has an attempt of its own, and nobody else has its delivery', async () => {
  await fc.assert(
    fc.asyncProperty(fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })), run),
    { numRuns: 8 },
  );

  /** Two workers and a third that asks for one at a time race for all jobs, while an endpoint closes. */
  async function run(numbers: Iterator<number>): Promise<void> {
    const random = () => numbers.next().value ?? 0;
    const shuffle = <Item>(items: readonly Item[]) =>
      items
        .map((item) => ({ item, at: random() }))
        .sort((a, b) => a.at - b.at)
        .map(({ item }) => item);
    const [one, other] = [await insertQueued(8), await insertQueued(8)];
    const jobs = [...one.jobs, ...other.jobs];
    const won: { deliveryId: string; attemptNumber: number; token: string }[] = [];

    async function attempt(job: (typeof jobs)[number], claim: ReturnType<typeof createClaims>['claim']) {
      const request = { ...job, token: randomUUID() };
      const claimed = await claim(request);
      if (claimed === null) return;
      const key = { deliveryId: job.deliveryId, attemptNumber: claimed.attemptNumber, token: request.token };
      won.push(key);
      expect(claimed.deliveryId).toBe(job.deliveryId);
      const step =
        random() < 0.5
          ? { kind: 'delivered' as const }
          : { kind: 'retry' as const, delayMs: 0, holdIn: 'queue' as const };
      // The claim was this attempt's own to the end.
      expect((await recordAttempt(pool(), key, answered(503), step)).state).not.toBeNull();
    }
    async function work(batches = createClaims(toPatientExecutor(pool()), TIMEOUT_MS)) {
      await Promise.all(shuffle([...jobs, ...jobs]).map((job) => attempt(job, batches.claim)));
      await Promise.all(shuffle(jobs).map((job) => batches.settleRefusal(job)));
    }
    const closing = withTransaction(pool(), async (transaction) => {
      await lockEndpoint(transaction, one.endpointId);
      await transaction.query(`update webhook_endpoints set state = 'paused' where id = $1`, [
        one.endpointId,
      ]);
      await putBackUnclaimed(transaction, one.endpointId);
    });
    const singly = shuffle(jobs).map((job) =>
      attempt(job, ({ token }) => claimDelivery(pool(), job, token, TIMEOUT_MS)),
    );
    await Promise.all([work(), work(), closing, ...singly]);
    await Promise.all(one.jobs.map((job) => settleRefusal(pool(), job)));

    for (const [index, { deliveryId }] of jobs.entries()) {
      const { rows } = await pool().query<{ attemptNumber: number; token: string }>(
        `select attempt_number as "attemptNumber", claim_token as token from delivery_attempts
          where delivery_id = $1 order by 1`,
        [deliveryId],
      );
      const mine = won
        .filter((key) => key.deliveryId === deliveryId)
        .sort((a, b) => a.attemptNumber - b.attemptNumber);
      expect(rows).toEqual(mine.map(({ attemptNumber, token }) => ({ attemptNumber, token })));
      if (index >= one.jobs.length) expect(rows.length).toBeGreaterThan(0);
    }
    const { rows } = await pool().query(
      `select count(*) as left from deliveries
        where claim_token is not null or (state = 'queued' and endpoint_id = $1)`,
      [one.endpointId],
    );
    expect(rows).toEqual([{ left: 0 }]);
  }
});
