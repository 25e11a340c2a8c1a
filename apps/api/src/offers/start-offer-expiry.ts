import { LOCK_KEYS } from '@vendor-server/platform/database/lock-keys.ts';
import {
  type ExclusiveLoop,
  startExclusiveLoop,
} from '@vendor-server/platform/database/start-exclusive-loop.ts';
import type { AppDeps } from '../app-deps.ts';
import { cancelExpiredOffers } from './cancel-expired-offers.ts';

/** How late an order may be cancelled: by a tenth of its time, and never by more than this. */
const MAX_TICK_MS = 1_000;

/** Cancels expired offers for as long as it runs, in one process at a time over all APIs; null when it is off. */
export function startOfferExpiry(deps: AppDeps): ExclusiveLoop | null {
  const { orderOfferTtlMs } = deps.settings;
  if (orderOfferTtlMs === null) return null;
  return startExclusiveLoop(deps.database, {
    lockKey: LOCK_KEYS.offerExpiry,
    intervalMs: Math.min(MAX_TICK_MS, orderOfferTtlMs / 10),
    tick: () => cancelExpiredOffers(deps, orderOfferTtlMs),
    onError: (error) =>
      deps.logger.warn({ err: error }, 'Cancelling expired offers failed; it will try again'),
  });
}
