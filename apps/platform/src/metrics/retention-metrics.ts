import { Counter, type Registry } from '@prometheus-io/client';

/** What retention removes. `transition` goes with its `order`, `attempt` with its `delivery`. */
export const REMOVABLE_KINDS = [
  'delivery',
  'attempt',
  'offer_decline',
  'replay',
  'idempotency_key',
  'order',
  'transition',
] as const;
export type RemovableKind = (typeof REMOVABLE_KINDS)[number];

export interface RetentionMetrics {
  /** Called after the removal was committed. */
  countRemoved(kind: RemovableKind, count: number): void;
}

export function createRetentionMetrics(registry: Registry): RetentionMetrics {
  const removed = new Counter({
    name: 'vendor_server_retention_removed_total',
    help: 'What was removed because it was over for longer than RETENTION_DAYS or RETENTION_ORDERS_DAYS say, by kind.',
    labelNames: ['kind'],
    registers: [registry],
  });
  // From the start, so that the first one is an increase.
  for (const kind of REMOVABLE_KINDS) removed.inc({ kind }, 0);
  return { countRemoved: (kind, count) => removed.inc({ kind }, count) };
}
