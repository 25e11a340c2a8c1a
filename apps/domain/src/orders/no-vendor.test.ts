import { describe, expect, it } from 'vitest';
import { sampleOrder } from '../testing/sample-order.ts';
import { isOfferExpired } from './no-vendor.ts';
import { ORDER_STATUSES } from './order-status.ts';

const TTL_MS = 60_000;
const PENDING_SINCE = new Date('2026-01-01T12:00:00.000Z');
const at = (afterMs: number) => new Date(PENDING_SINCE.getTime() + afterMs);
const pending = (scheduledAt: Date | null = null) => sampleOrder({ updatedAt: PENDING_SINCE, scheduledAt });

describe('an offer', () => {
  it('expires when it has been pending for the whole time', () => {
    expect(isOfferExpired(pending(), TTL_MS, at(TTL_MS - 1))).toBe(false);
    expect(isOfferExpired(pending(), TTL_MS, at(TTL_MS))).toBe(true);
  });

  it('of an order for later has its time from then on', () => {
    const later = pending(at(3_600_000));
    expect(isOfferExpired(later, TTL_MS, at(3_600_000 + TTL_MS - 1))).toBe(false);
    expect(isOfferExpired(later, TTL_MS, at(3_600_000 + TTL_MS))).toBe(true);
  });

  it('of an order whose time had passed when it became pending has its time from then on', () => {
    const late = pending(at(-3_600_000));
    expect(isOfferExpired(late, TTL_MS, at(TTL_MS - 1))).toBe(false);
    expect(isOfferExpired(late, TTL_MS, at(TTL_MS))).toBe(true);
  });

  it('is over for an order that somebody has', () => {
    for (const status of ORDER_STATUSES.filter((each) => each !== 'pending')) {
      expect(isOfferExpired({ ...pending(), status }, TTL_MS, at(10 * TTL_MS)), status).toBe(false);
    }
  });
});
