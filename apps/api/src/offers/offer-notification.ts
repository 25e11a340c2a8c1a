import type { OfferChange } from './offer-events.ts';

/** An SQL identifier. Channels belong to a database, so installations do not hear each other. */
export const OFFER_CHANNEL = 'vendor_server_offers';

export type OfferNotification = {
  /** Whose it is: that process has heard of the changes already. */
  readonly processId: string;
  readonly changes: readonly OfferChange[];
};

/** A payload is limited to 8 000 bytes; a change takes at most 100. */
export const MAX_CHANGES_PER_NOTIFICATION = 60;

export function toPayload(notification: OfferNotification): string {
  return JSON.stringify(notification);
}

/** Null for what is none of ours. Changes of a kind that only a newer version knows are left out. */
export function parseNotification(payload: string): OfferNotification | null {
  let value: unknown;
  try {
    value = JSON.parse(payload);
  } catch {
    return null;
  }
  if (!isFields(value) || typeof value.processId !== 'string' || !Array.isArray(value.changes)) return null;
  return { processId: value.processId, changes: value.changes.filter(isChange) };
}

function isChange(value: unknown): value is OfferChange {
  if (!isFields(value)) return false;
  switch (value.kind) {
    case 'order':
      return typeof value.orderId === 'string' && typeof value.version === 'number';
    case 'decline':
      return typeof value.orderId === 'string' && typeof value.vendorId === 'string';
    case 'vendor':
      return typeof value.vendorId === 'string';
    default:
      return false;
  }
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
