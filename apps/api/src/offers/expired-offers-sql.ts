import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';

/**
 * Pending orders that nobody took within `offerTtlMs`, by the database's clock, longest offered first: the rule of
 * `isOfferExpired`, in the words of the index over it. `now()`, since an
 * index cannot be asked about the volatile `clock_timestamp()`.
 */
export async function findExpiredOffers(
  executor: SqlExecutor,
  offerTtlMs: number,
  limit: number,
): Promise<string[]> {
  const { rows } = await executor.query<{ id: string }>({
    name: 'find-expired-offers',
    text: `select id from orders
            where status = 'pending'
              and greatest(updated_at, scheduled_at) <= now() - $1::float8 * interval '1 ms'
            order by greatest(updated_at, scheduled_at)
            limit $2`,
    values: [offerTtlMs, limit],
  });
  return rows.map(({ id }) => id);
}
