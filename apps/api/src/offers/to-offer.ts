import type { OfferRow } from './offers-sql.ts';

/**
 * What a vendor sees of an order it may take. Address, notes, contact data and the customer's reference are
 * for the vendor who holds the order, so nothing here is copied that is not named.
 */
export type Offer = {
  orderId: string;
  workType: string | null;
  items: { title: string; qty: number; price: number }[];
  fare: number;
  urgency: string | null;
  scheduledAt: string | null;
  /** `[longitude, latitude]` of the pickup, rounded to 2 decimals: about a kilometre. */
  area: [number, number];
  createdAt: string;
};

export function toOffer(row: OfferRow): Offer {
  return {
    orderId: row.id,
    workType: row.work_type,
    items: row.items.map(({ title, qty, price }) => ({ title, qty, price })),
    fare: Number(row.fare),
    urgency: row.urgency,
    scheduledAt: row.scheduled_at?.toISOString() ?? null,
    area: [toArea(row.pickup_longitude), toArea(row.pickup_latitude)],
    createdAt: row.created_at.toISOString(),
  };
}

function toArea(degrees: number): number {
  return Math.round(degrees * 100) / 100;
}
