import { withTransaction } from '@vendor-server/platform/database/sql-executor.ts';
import { emptyDatabase } from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { interleavings, runInterleaved } from '@vendor-server/platform/testing/interleave.ts';
import { findLanesWithTwoHeads } from '@vendor-server/platform/testing/lane-checks.ts';
import { createStage } from '@vendor-server/platform/testing/party.ts';
import { readReplay } from '@vendor-server/platform/testing/replay-fixtures.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createReplayStage } from '../testing/replay-stage.ts';
import { reopenBatch } from './reopen-batch.ts';

let subject: Awaited<ReturnType<typeof createTestDatabase>>;
let stage: ReturnType<typeof createReplayStage>;

beforeAll(async () => {
  subject = await createTestDatabase();
  stage = createReplayStage(subject.database.pool);
});
afterAll(() => subject.drop());
beforeEach(() => emptyDatabase(subject.database.pool));

const pool = () => subject.database.pool;

describe('a batch', () => {
  test('that is rolled back is made again, and opens each once', async () => {
    const { endpoint, orderIds } = await stage.setUp(10);
    const replayId = await stage.replayOf(endpoint);
    const client = await pool().connect();
    await client.query('begin');
    expect((await reopenBatch(client, replayId, endpoint.endpointId)).opened).toHaveLength(8);
    await client.query('rollback');
    client.release();
    expect(await readReplay(pool(), replayId)).toMatchObject({ matched: 0, reopened: 0 });
    await withTransaction(pool(), (transaction) => reopenBatch(transaction, replayId, endpoint.endpointId));
    expect(await stage.readOpen()).toEqual(orderIds.slice(0, 8));
    expect(await readReplay(pool(), replayId)).toMatchObject({ matched: 8, reopened: 8 });
  });

  test('made by two processes at once, in every order of their statements, opens each once', async () => {
    const createParty = await createStage(subject.url);
    const parties = [await createParty('one'), await createParty('other')];
    for (const turns of interleavings([3, 3])) {
      await emptyDatabase(pool());
      const { endpoint, orderIds } = await stage.setUp(4, { window: 4 });
      const replayId = await stage.replayOf(endpoint);
      let opened = 0;
      const scripts = parties.map((party) => ({
        party,
        steps: [
          () => party.begin(),
          async () => {
            opened += (await reopenBatch(party.client, replayId, endpoint.endpointId)).opened.length;
          },
          () => party.commit(),
        ],
      }));
      await runInterleaved(scripts, turns);
      const message = `turns ${turns.join('')}`;
      expect(opened, message).toBe(2);
      expect(await stage.readOpen(), message).toEqual(orderIds.slice(0, 2));
      expect(await readReplay(pool(), replayId), message).toMatchObject({ matched: 2, reopened: 2 });
      expect(await findLanesWithTwoHeads(pool())).toEqual([]);
    }
  });
});
