import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { toPage } from '../plugins/paging.ts';
import { listOffersForVendor } from './offers-sql.ts';
import { type Offer, toOffer } from './to-offer.ts';

/** What a stream begins with: the first page of the vendor's offers, as `GET /api/vendor/offers` has it. */
export type OfferSnapshot = {
  /** All that is offered now, newest first, up to a page; replaces whatever the client held before. */
  offers: Offer[];
  /** For `GET /api/vendor/offers?cursor=`, when there are more; null when these are all. */
  nextCursor: string | null;
};

const SNAPSHOT_LIMIT = 50;
/** An order's items may fill a whole request, so a page of offers is bounded by its size as well. */
const SNAPSHOT_MAX_BYTES = 512 * 1024;

export async function readOfferSnapshot(executor: SqlExecutor, vendorId: string): Promise<OfferSnapshot> {
  const rows = await listOffersForVendor(executor, vendorId, { after: null, limit: SNAPSHOT_LIMIT + 1 });
  const limit = Math.min(SNAPSHOT_LIMIT, countWithin(rows.map(toOffer), SNAPSHOT_MAX_BYTES));
  const page = toPage(rows, limit, (row) => ({ at: row.created_at, id: row.id }));
  return { offers: page.items.map(toOffer), nextCursor: page.nextCursor };
}

/** How many of the first offers fit; at least one, so that the cursor moves on. */
function countWithin(offers: readonly Offer[], maxBytes: number): number {
  let bytes = 0;
  const tooMany = offers.findIndex((offer) => {
    bytes += Buffer.byteLength(JSON.stringify(offer));
    return bytes > maxBytes;
  });
  return tooMany === -1 ? offers.length : Math.max(1, tooMany);
}
