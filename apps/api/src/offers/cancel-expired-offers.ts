/**
 * ORDER_OFFER_TTL_MS: an order that nobody took in time is cancelled, like any change with its transition, its
 * webhook and its announcement.
 *
 * The order is read and judged again right before the change, by the database's clock, and the change is guarded by
 * the version that was read: of a vendor's acceptance and this cancellation exactly one comes first, and when it was
 * the acceptance there is nothing left to cancel. So two processes that do this at once do no harm either.
 */
import { isOfferExpired, NO_VENDOR_REASON, SYSTEM_ACTOR } from '@vendor-server/domain/orders/no-vendor.ts';
import { isDatabaseUnavailable } from '@vendor-server/platform/database/database-errors.ts';
import { createId } from '@vendor-server/platform/ids/create-id.ts';
import type { AppDeps } from '../app-deps.ts';
import { ApiError } from '../errors/api-error.ts';
import { changeOrderStatus } from '../orders/change-order-status.ts';
import { findExpiredOffers } from './expired-offers-sql.ts';

/** A tick's work. A change takes a few milliseconds, and 100 ms when the queue is away. */
const BATCH = 200;
/** Cancelled at a time: leaves most of the pool to requests. */
const CONCURRENCY = 4;

/**
 * Cancels what has expired, the longest offered first, up to a batch. An order that cannot be cancelled keeps no
 * other from it.
 *
 * @returns true when there may be more to do at once
 * @throws the database's error when it is away; what was cancelled before stays cancelled
 */
export async function cancelExpiredOffers(deps: AppDeps, offerTtlMs: number): Promise<boolean> {
  const orderIds = await findExpiredOffers(deps.database.pool, offerTtlMs, BATCH);
  const rest = orderIds.values();
  let cancelled = 0;
  async function cancelNext(): Promise<void> {
    for (const orderId of rest) {
      if (await cancelOrLog(deps, orderId, offerTtlMs)) cancelled += 1;
    }
  }
  const ends = await Promise.allSettled(Array.from({ length: CONCURRENCY }, cancelNext));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return orderIds.length === BATCH && cancelled > 0;
}

async function cancelOrLog(deps: AppDeps, orderId: string, offerTtlMs: number): Promise<boolean> {
  try {
    return await cancelIfExpired(deps, orderId, offerTtlMs);
  } catch (error) {
    if (isDatabaseUnavailable(error)) throw error;
    deps.logger.error({ err: error, orderId }, 'An order that nobody took could not be cancelled');
    return false;
  }
}

/** @returns false when somebody took it meanwhile */
async function cancelIfExpired(deps: AppDeps, orderId: string, offerTtlMs: number): Promise<boolean> {
  const requestId = createId();
  try {
    await changeOrderStatus(deps, {
      find: async () => {
        const found = await deps.orderReads.findAnyOrder(orderId);
        return found !== null && isOfferExpired(found.order, offerTtlMs, found.now) ? found : null;
      },
      request: () => ({ action: 'cancel', to: 'cancelled', actor: SYSTEM_ACTOR, reason: NO_VENDOR_REASON }),
      requestId,
      traceparent: null,
    });
  } catch (error) {
    if (error instanceof ApiError && error.code === 'not_found') return false;
    throw error;
  }
  deps.logger.info({ orderId, requestId, offerTtlMs }, 'Order cancelled: no vendor took it in time');
  return true;
}
