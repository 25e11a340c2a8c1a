import { assignFeedPositions } from '@vendor-server/platform/events/assign-feed-positions-sql.ts';
import { insertEndpoint } from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { writeChange } from '@vendor-server/platform/testing/feed-fixtures.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { startReplays } from './run-replays.ts';

test('changes get their place in the feed while a round of replays is under way', async () => {
  const subject = await createTestDatabase();
  const begun = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<number>();
  const round = () => {
    begun.resolve();
    return ended.promise;
  };
  const replays = startReplays(subject.database, round, pino({ level: 'silent' }));
  try {
    const { customerServerId } = await insertEndpoint(subject.database.pool);
    await writeChange(subject.database.pool, customerServerId);
    await begun.promise;
    expect(await assignFeedPositions(subject.database)).toBe(1);
  } finally {
    ended.resolve(1_000);
    await replays.stop();
    await subject.drop();
  }
});
