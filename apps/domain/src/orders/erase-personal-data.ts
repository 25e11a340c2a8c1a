/**
 * Which parts of an order are about a person, and what stands there once they were erased.
 *
 * Erased: the person's name and phone, addresses with their coordinates (a home), the notes of both sides, the
 * reason of a cancellation, in a service order what its item says beside the kind of work (it repeats the
 * customer's description), and metadata that we did not put there: nobody here knows what it says.
 *
 * Kept: statuses, times, money, who cancelled; the kind of work, its urgency and the kind of order; the items of
 * a full order; `customerId`, which is the customer server's own reference and says nothing without it; the
 * vendor's business data.
 *
 * Texts are overwritten where there was one, so that an erased order still has the form of any other. Erasing
 * twice is erasing once.
 */
import type { WebhookBody } from '../webhooks/webhook-body.ts';
import { isSystemReason } from './no-vendor.ts';
import type { OrderItem, OrderSnapshot, Place } from './order.ts';

export const ERASED_TEXT = '[erased]';

/** No place: 0° N, 0° E. */
const ERASED_PLACE: Place = { address: ERASED_TEXT, coordinates: [0, 0] };

/** Metadata that says what the work is, not whose it is. */
const KEPT_METADATA: ReadonlySet<string> = new Set(['orderType', 'workType', 'urgency']);
/** Metadata that readers of a service order expect to find. */
const OVERWRITTEN_METADATA: ReadonlySet<string> = new Set(['customerName', 'customerPhone']);

/** What an order and the body of a webhook call by the same names. */
type Erasable = Pick<
  OrderSnapshot,
  'pickup' | 'drop' | 'items' | 'customerNotes' | 'vendorNotes' | 'cancellationReason' | 'metadata'
>;

/** The order, or what a webhook's body says of it, without what is about a person. */
export function erasePersonalData<Contents extends Erasable>(contents: Contents): Contents {
  return {
    ...contents,
    pickup: ERASED_PLACE,
    drop: ERASED_PLACE,
    items: eraseItems(contents),
    customerNotes: eraseText(contents.customerNotes),
    vendorNotes: eraseText(contents.vendorNotes),
    cancellationReason: eraseReason(contents.cancellationReason),
    metadata: eraseMetadata(contents.metadata),
  };
}

/**
 * The same for the frozen body of a webhook.
 *
 * @param body the JSON text of a `WebhookBody`
 */
export function erasePersonalDataFromBody(body: string): string {
  const parsed = JSON.parse(body) as WebhookBody;
  return JSON.stringify({ ...parsed, orderData: erasePersonalData(parsed.orderData) });
}

/** A reason somebody gave for a change; what this system gives itself is about nobody. */
export function eraseReason(reason: string | null): string | null {
  return reason !== null && isSystemReason(reason) ? reason : eraseText(reason);
}

function eraseText(text: string | null): string | null {
  return text === null ? null : ERASED_TEXT;
}

function eraseItems({ items, metadata }: Pick<Erasable, 'items' | 'metadata'>): OrderItem[] {
  if (metadata.orderType !== 'service') return items;
  const { workType } = metadata;
  const title = typeof workType === 'string' ? `${workType}: ${ERASED_TEXT}` : ERASED_TEXT;
  return items.map((item) => ({ ...item, title }));
}

function eraseMetadata(metadata: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(metadata).flatMap(([key, value]) => {
      if (OVERWRITTEN_METADATA.has(key)) return [[key, ERASED_TEXT]];
      return KEPT_METADATA.has(key) && typeof value === 'string' ? [[key, value]] : [];
    }),
  );
}
