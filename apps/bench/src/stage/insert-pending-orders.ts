import { SERVICE_ORDER } from '@vendor-server/e2e/system/walk-order.ts';
import type pg from 'pg';

/**
 * Orders that nobody has taken yet, as if their creation had been announced long ago.
 *
 * @returns their ids, with those of the customer servers, who get as many each
 */
export async function insertPendingOrders(
  pool: pg.Pool,
  customerServerIds: readonly string[],
  count: number,
): Promise<{ orderId: string; customerServerId: string }[]> {
  const { customerId, customerName, customerPhone, customerAddress, workType, description } = SERVICE_ORDER;
  const { rows } = await pool.query<{ orderId: string; customerServerId: string }>(
    `insert into orders (id, customer_server_id, customer_id, status, version, status_actor_type, status_actor_id, fare,
                         payment_method, pickup_address, pickup_longitude, pickup_latitude, drop_address, drop_longitude,
                         drop_latitude, items, customer_notes, work_type, metadata, created_at, updated_at)
     select new_id(), s.id, $3, 'pending', 1, 'customer_server', s.id, 250, 'cod', $4::text, 77.1025, 28.7041, $4, 77.1025,
            28.7041, $5, $6, $7, $8, date_trunc('milliseconds', now()), date_trunc('milliseconds', now())
       from generate_series(0, $2::int - 1) n,
            lateral (select ($1::text[])[1 + n % cardinality($1::text[])] as id) s
     returning id as "orderId", customer_server_id as "customerServerId"`,
    [
      customerServerIds,
      count,
      customerId,
      customerAddress,
      JSON.stringify([{ title: `${workType}: ${description}`, qty: 1, price: 250 }]),
      description,
      workType,
      JSON.stringify({ orderType: 'service', workType, customerName, customerPhone, urgency: 'normal' }),
    ],
  );
  await pool.query('analyze orders');
  return rows;
}
