import {
  assignFeedPositions,
  hasUnplacedChanges,
} from '@vendor-server/platform/events/assign-feed-positions-sql.ts';
import Type from 'typebox';
import type { Routes } from '../app-deps.ts';
import { ApiError } from '../errors/api-error.ts';
import { requireCustomerServer } from '../plugins/authentication.ts';
import { PageQuery, toPageRequest } from '../plugins/paging.ts';
import { createSharedRun } from './create-shared-run.ts';
import { decodeFeedCursor, encodeFeedCursor, FeedCursor } from './feed-cursor.ts';
import { readFeedForCustomerServer } from './feed-sql.ts';
import { eventsReference } from './reference.ts';

const EventsQuery = Type.Object(
  { limit: PageQuery.limit, after: Type.Optional(FeedCursor) },
  { additionalProperties: false },
);

/** `/api/external/events`: every change of the caller's orders as the webhook that told of it, oldest first. */
export const eventRoutes: Routes = async (app, deps) => {
  const { pool } = deps.database;
  // However many read at once, one connection places what was committed last.
  const placeChanges = createSharedRun(() => assignFeedPositions(deps.database));
  app.addHook('onRequest', requireCustomerServer(deps));

  app.get(
    '/events',
    { schema: { querystring: EventsQuery }, config: { reference: eventsReference } },
    async ({ customerServer, query }, reply) => {
      const { limit } = toPageRequest(query);
      const after = query.after === undefined ? null : decodeFeedCursor(query.after);
      // The worker places them every second; who reads right after a change finds it all the same.
      if (await hasUnplacedChanges(pool)) await placeChanges();
      const page = await readFeedForCustomerServer(pool, customerServer.id, after, limit);
      if (after !== null) assertUsable(after, page);
      const nextCursor = encodeFeedCursor(page.lastPosition ?? after ?? page.prunedThrough);
      // The bodies are JSON already: parsing and writing them again could change them.
      return reply
        .type('application/json; charset=utf-8')
        .send(`{"ok":true,"data":[${page.bodies.join(',')}],"nextCursor":"${nextCursor}"}`);
    },
  );
};

function assertUsable(
  after: number,
  { prunedThrough, highestPosition }: { prunedThrough: number; highestPosition: number },
): void {
  if (after > highestPosition) {
    // Not one of ours, or from before the database was restored: waiting for it to come true would skip events.
    throw new ApiError('validation_failed', { details: ['after must be the nextCursor of an earlier page'] });
  }
  if (after < prunedThrough) {
    const oldestCursor = encodeFeedCursor(prunedThrough);
    throw new ApiError('cursor_expired', {
      message:
        'The cursor is older than what is kept. Go on from oldestCursor, and read what you miss one by one.',
      details: [`after must not be older than ${oldestCursor}`],
      oldestCursor,
    });
  }
}
