import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';

/** A body may hold as much as a request: of many large ones fewer are shown. */
const MAX_PAGE_BYTES = 1024 * 1024;

export interface FeedPage {
  /** The frozen webhook bodies, JSON text each, in the order of their positions. */
  readonly bodies: readonly string[];
  /** Position of the last one; null when there is none. */
  readonly lastPosition: number | null;
  /** The highest position that retention removed: the feed is complete after it. */
  readonly prunedThrough: number;
  /** The highest position that was ever given to anybody's change. */
  readonly highestPosition: number;
}

interface FeedRow {
  readonly prunedThrough: number;
  readonly highestPosition: number;
  readonly feedPosition: number | null;
  readonly body: string;
}

/**
 * One customer server's changes after a position, oldest first: at most `limit`, and none more once 1 MiB is
 * reached, but always one if there is one.
 *
 * The range in place of "= $1" leaves one index in the asked order, the customer server's own. With an equality
 * PostgreSQL may take the index of all positions and throw away what is others': a quiet customer server would
 * read everybody's changes since its last one, on every poll.
 *
 * What was removed is read in the same statement, so a page from which something was removed meanwhile says so.
 *
 * @param after null begins after what was removed
 */
export async function readFeedForCustomerServer(
  executor: SqlExecutor,
  customerServerId: string,
  after: number | null,
  limit: number,
): Promise<FeedPage> {
  const { rows } = await executor.query<FeedRow>({
    name: 'read-feed-for-customer-server',
    text: `
      select s.feed_pruned_through as "prunedThrough",
             (select case when is_called then last_value else 0 end from feed_position_seq) as "highestPosition",
             page.feed_position as "feedPosition", page.body
        from customer_servers s
        left join lateral (
          select feed_position, body,
                 sum(octet_length(body)) over (order by feed_position rows unbounded preceding)
                   - octet_length(body) as bytes_before
            from (select feed_position, body from order_transitions
                   where (customer_server_id, feed_position) > ($1, coalesce($2, s.feed_pruned_through))
                     and customer_server_id <= $1
                   order by customer_server_id, feed_position limit $3) next
        ) page on page.bytes_before < ${MAX_PAGE_BYTES}
       where s.id = $1
       order by page.feed_position`,
    values: [customerServerId, after, limit],
  });
  const [first] = rows;
  if (first === undefined) throw new Error(`customer server ${customerServerId} is gone`);
  const bodies = first.feedPosition === null ? [] : rows.map(({ body }) => body);
  return {
    bodies,
    lastPosition: rows.at(-1)?.feedPosition ?? null,
    prunedThrough: first.prunedThrough,
    highestPosition: first.highestPosition,
  };
}
