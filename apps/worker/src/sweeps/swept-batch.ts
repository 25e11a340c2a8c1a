import type { RemovableKind } from '@vendor-server/platform/metrics/retention-metrics.ts';

export type Removed = Readonly<Partial<Record<RemovableKind, number>>>;

/** What one batch looked at, in the order in which things ended, and what of it was removed. */
export interface SweptBatch {
  readonly removed: Removed;
  /** When the last one that was looked at ended; null when there was none. */
  readonly lastAt: Date | null;
  /** Nothing that is old enough comes after it. */
  readonly isLast: boolean;
}

/** The moment before which everything has been over for long enough, by the database's clock; `keepDays` is a parameter. */
export const cutoff = (keepDays: string) =>
  `(select clock_timestamp() - interval '1 day' * ${keepDays}::float8)`;
