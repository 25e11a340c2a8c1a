import Type from 'typebox';
import type { Routes } from '../app-deps.ts';
import { requireVendor } from '../plugins/authentication.ts';
import { PageQuery, toPage, toPageRequest } from '../plugins/paging.ts';
import { createOfferStreams } from './offer-streams.ts';
import { listOffersForVendor } from './offers-sql.ts';
import { listOffersReference, streamOffersReference } from './reference.ts';
import { toOffer } from './to-offer.ts';

const OffersQuery = Type.Object(PageQuery, { additionalProperties: false });

/** `/api/vendor/offers`: what a vendor may take, as a list and as a stream. */
export const offerRoutes: Routes = async (app, deps) => {
  const { pool } = deps.database;
  const streams = createOfferStreams({
    executor: pool,
    offerEvents: deps.offerEvents,
    logger: deps.logger,
  });
  // The server waits for its open responses, and these end only when told to.
  app.addHook('preClose', async () => streams.close());
  app.addHook('onRequest', requireVendor(deps));

  app.get(
    '/offers',
    { schema: { querystring: OffersQuery }, config: { reference: listOffersReference } },
    async (request) => {
      const { limit, after } = toPageRequest(request.query);
      const rows = await listOffersForVendor(pool, request.vendor.id, { after, limit: limit + 1 });
      const page = toPage(rows, limit, (row) => ({ at: row.created_at, id: row.id }));
      return { ok: true, data: page.items.map(toOffer), nextCursor: page.nextCursor };
    },
  );

  // Without HEAD, which would open a stream that nobody reads.
  app.get(
    '/offers/stream',
    { exposeHeadRoute: false, config: { reference: streamOffersReference } },
    async (request, reply) => {
      const body = await streams.open(request.vendor, reply.raw);
      return (
        reply
          .header('content-type', 'text/event-stream; charset=utf-8')
          .header('cache-control', 'no-store')
          // nginx and others that follow it would hold events back.
          .header('x-accel-buffering', 'no')
          .send(body)
      );
    },
  );
};
