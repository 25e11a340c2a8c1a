import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { OFFER_CHANNEL } from './offer-notification.ts';

export type OfferChanges = {
  /** The highest `seq` there is. */
  end: number;
  /** Orders that became pending, or stopped being pending, in the order of `seq`. */
  changes: { orderId: string; version: number }[];
};

/**
 * Who declined what since then, by the database's clock. `declined_at` is when its transaction began: whoever looks
 * asks for as much longer as a transaction may take.
 */
export async function findDeclinesOfLast(
  executor: SqlExecutor,
  ms: number,
): Promise<{ orderId: string; vendorId: string }[]> {
  const { rows } = await executor.query<{ order_id: string; vendor_id: string }>({
    name: 'find-declines-of-last',
    text: `select order_id, vendor_id from offer_declines
      where declined_at > now() - $1::float8 * interval '1 millisecond'`,
    values: [ms],
  });
  return rows.map((row) => ({ orderId: row.order_id, vendorId: row.vendor_id }));
}

/**
 * The changes come as one text: thousands of rows would cost this process five times as much.
 *
 * @param after a `seq`; null finds the end alone
 */
export async function findOfferChangesSince(
  executor: SqlExecutor,
  after: number | null,
): Promise<OfferChanges> {
  const { rows } = await executor.query<{ end: number; changes: string | null }>({
    name: 'find-offer-changes-since',
    text: `select (select coalesce(max(seq), 0) from order_transitions) as end,
        (select string_agg(order_id || ' ' || version, ',' order by seq) from order_transitions
          where seq > $1 and (from_status = 'pending' or to_status = 'pending')) as changes`,
    values: [after],
  });
  const [row] = rows;
  if (row === undefined) throw new Error('looking for offer changes returned no row');
  const changes = row.changes === null ? [] : row.changes.split(',');
  return {
    end: row.end,
    changes: changes.map((change) => {
      const [orderId = '', version] = change.split(' ');
      return { orderId, version: Number(version) };
    }),
  };
}

/** Tells whoever listens on the channel, when it commits. */
export async function notifyOfferChanges(executor: SqlExecutor, payload: string): Promise<void> {
  await executor.query({
    name: 'notify-offer-changes',
    text: `select pg_notify('${OFFER_CHANNEL}', $1)`,
    values: [payload],
  });
}
